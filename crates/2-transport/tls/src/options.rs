//! What both sides can be told, and how the library is set to it.

use gorge_error::{Error, Kind, Result};
use openssl::error::ErrorStack;
use openssl::ssl::{SslContextBuilder, SslMode, SslOptions, SslVersion};

use crate::groups;

/// A version of TLS. Older ones are not spoken (RFC 8996).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl Version {
    fn raw(self) -> SslVersion {
        match self {
            Self::Tls12 => SslVersion::TLS1_2,
            Self::Tls13 => SslVersion::TLS1_3,
        }
    }
}

/// The cipher suites for TLS 1.2 of Mozilla's intermediate configuration (Server Side TLS 5.7), in the
/// library's words. Those of TLS 1.3 are all good and not to be chosen.
pub(crate) const CIPHERS: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
     ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
     ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

/// What is said to the library for either side.
pub(crate) struct Common<'a> {
    pub(crate) min_version: Version,
    pub(crate) max_version: Version,
    pub(crate) ciphers: Option<&'a str>,
    pub(crate) groups: Option<&'a [String]>,
}

impl Common<'_> {
    pub(crate) fn apply(&self, context: &mut SslContextBuilder) -> Result<()> {
        if self.min_version > self.max_version {
            return Err(wrong("the lowest TLS version is above the highest"));
        }
        context.set_options(SslOptions::NO_RENEGOTIATION);
        #[cfg(not(boringssl))]
        context.set_options(SslOptions::NO_COMPRESSION);
        // Buffers of the library are given back while a connection waits.
        context.set_mode(SslMode::RELEASE_BUFFERS | SslMode::ACCEPT_MOVING_WRITE_BUFFER);
        context.set_min_proto_version(Some(self.min_version.raw())).map_err(library)?;
        context.set_max_proto_version(Some(self.max_version.raw())).map_err(library)?;
        // 112 bits of security for keys and signatures of certificates: RSA of 2048 bits, SHA-256. `@SECLEVEL`
        // among the ciphers says otherwise.
        #[cfg(not(boringssl))]
        context.set_security_level(2);
        #[cfg(boringssl)]
        crate::ffi::set_signatures_taken(context).map_err(library)?;
        self.apply_ciphers(context)?;
        groups::apply(context, self.groups)
    }

    fn apply_ciphers(&self, context: &mut SslContextBuilder) -> Result<()> {
        let ciphers = self.ciphers.unwrap_or(CIPHERS);
        context.set_cipher_list(ciphers).map_err(|error| {
            let hint = match ciphers.contains("TLS_") {
                true => "; those of TLS 1.3 are all good and not to be chosen",
                false => "; a list looks like ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384",
            };
            because(format!("the TLS library knows none of the ciphers {ciphers:?} for TLS 1.2{hint}"), error)
        })
    }
}

/// Protocols in the form that goes over the wire (RFC 7301 3.1).
pub(crate) fn alpn_wire(protocols: &[String]) -> Result<Vec<u8>> {
    let mut wire = Vec::new();
    for protocol in protocols {
        match u8::try_from(protocol.len()) {
            Ok(length @ 1..) => wire.push(length),
            _ => return Err(wrong("the name of an application protocol has 1 to 255 bytes")),
        }
        wire.extend_from_slice(protocol.as_bytes());
    }
    Ok(wire)
}

/// A mistake of whoever set the options.
pub(crate) fn wrong(context: impl Into<gorge_error::Context>) -> Error {
    Error::explain(Kind::Configuration, context).into_internal()
}

pub(crate) fn because(context: impl Into<gorge_error::Context>, error: ErrorStack) -> Error {
    Error::because(Kind::Configuration, context, error).into_internal()
}

/// The library refused what it should not have.
pub(crate) fn library(error: ErrorStack) -> Error {
    because("the TLS library", error)
}
