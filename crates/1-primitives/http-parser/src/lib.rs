//! The HTTP/1 message parser and its strict framing policy, sans-IO.
