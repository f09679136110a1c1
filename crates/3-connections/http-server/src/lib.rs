//! The HTTP/1 server connection.
