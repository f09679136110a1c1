//! The stream layer between sockets and protocols.
