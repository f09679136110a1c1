//! Words of TLS.

use super::{FromText, Wrong};
use crate::config::reader::Reader;

/// Whether clients must show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthMode {
    /// They are asked.
    Optional,
    /// They must.
    Required,
}

super::choice::words!(ClientAuthMode { "required" = ClientAuthMode::Required, "optional" = ClientAuthMode::Optional } later []);

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl FromText for TlsVersion {
    const EXPECTED: &'static str = "\"1.2\" or \"1.3\"";

    fn from_text(text: &str, _: &Reader<'_>) -> Result<Self, Wrong> {
        // However others spell it: TLSv1.2, tls1.2, TLS 1.2.
        let number = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        match (text, number) {
            ("1.2", _) => Ok(Self::Tls12),
            ("1.3", _) => Ok(Self::Tls13),
            (_, "1.2" | "1.3") => {
                Err(Wrong::new(format!("{text:?} is no version of TLS")).help(format!("write \"{number}\"")))
            }
            (_, "1.0" | "1.1" | "1" | "2" | "3") => {
                let message = format!("{text:?} is broken, and spoken by nothing here (RFC 8996)");
                Err(Wrong::new(message).help("it may be \"1.2\" or \"1.3\""))
            }
            _ => {
                Err(Wrong::new(format!("{text:?} is no version of TLS")).help("it may be \"1.2\" or \"1.3\""))
            }
        }
    }
}
