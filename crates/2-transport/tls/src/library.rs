//! Which library this program runs on.

/// The TLS library of this program with its version, as `OpenSSL 3.0.22 25 Aug 2026` or `BoringSSL`.
#[must_use]
pub fn library() -> &'static str {
    openssl::version::version()
}
