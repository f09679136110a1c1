//! What is known of a connection and an exchange, as plain values.
