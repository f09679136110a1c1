//! The HTTP/1 client connection and a small client of its own.
