//! From what the library reports to errors that say what to do.

use gorge_error::{Error, Kind};
use openssl::ssl;

/// A handshake with a client failed.
pub(crate) fn of_accept(error: ssl::Error) -> Error {
    Error::because(Kind::TlsHandshakeFailed, "the TLS handshake with the client", error).into_downstream()
}
