//! What the library's errors mean, for both of them.

use openssl::error::{Error, ErrorStack};

/// Added to the number of an alert, that is the number of an error in both libraries
/// (<openssl/ssl.h>: # define SSL_AD_REASON_OFFSET 1000).
const ALERT: i32 = 1000;

// <openssl/err.h>: # define ERR_LIB_SSL 20; in BoringSSL the sixteenth of an enumeration.
#[cfg(not(boringssl))]
const ERR_LIB_SSL: i32 = 20;
#[cfg(boringssl)]
const ERR_LIB_SSL: i32 = 16;

/// Those of TLS itself.
pub(crate) fn of_tls(stack: &ErrorStack) -> impl Iterator<Item = &Error> {
    stack.errors().iter().filter(|error| error.library_code() == ERR_LIB_SSL)
}

/// What the other side said (RFC 8446 6), among the errors of the library.
pub(crate) fn alerts(stack: &ErrorStack) -> impl Iterator<Item = i32> {
    of_tls(stack)
        .filter_map(|error| error.reason_code().checked_sub(ALERT))
        .filter(|alert| (0..=255).contains(alert))
}

/// `WRONG_VERSION_NUMBER` and `wrong version number` are one.
pub(crate) fn plain(reason: &str) -> String {
    reason.to_ascii_lowercase().replace('_', " ")
}
