//! `[listen.tls]` and `[upstream.NAME.tls]`.

use std::time::Duration;

use gorge::proxy::route::HostPattern;

use crate::config::span::At;
use crate::config::table::table;
use crate::config::value::{FilePath, TlsVersion};

table! {
    /// TLS on this address. Without this table connections are in the clear.
    pub struct ListenTlsTable {
        /// The certificates with their keys. Which one a client is shown follows from the name that it asks
        /// for: one with this very name, then one for all below (`*.a.example`), then the default.
        certificates: Vec<CertificateTable> = required, like "[{ cert = \"site.pem\", key = \"site.key\" }]";
        /// The oldest version that is spoken: `"1.2"` or `"1.3"`.
        min_version: TlsVersion = "1.2";
        /// The newest version that is spoken.
        max_version: TlsVersion = "1.3";
        /// Cipher suites for TLS 1.2, in OpenSSL's words. Those of TLS 1.3 are all good, and not to be
        /// chosen.
        ciphers: Option<String> = unset("those that Mozilla calls intermediate"), like "\"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256\"";
        /// Groups for the key exchange, the preferred first.
        groups: Option<Vec<At<String>>> = unset("`[\"X25519MLKEM768\", \"X25519\", \"P-256\", \"P-384\"]`, the first one if the TLS library has it"), like "[\"X25519\", \"P-256\"]";
        /// Clients may go on with an earlier session, which saves most of a handshake. The keys of such
        /// sessions are kept in memory alone, and change every 12 hours.
        session_tickets: bool = true;
        /// How long they may. 7 days at most.
        session_lifetime: Duration = "300s", positive;
        /// For a handshake to end.
        handshake_timeout: Duration = "10s", positive;
    }
}

table! {
    /// A certificate and its key. For one name there may be one with an RSA key beside one with an ECDSA
    /// key: a client gets the one that it can verify.
    pub struct CertificateTable {
        /// The file with the certificate in PEM, and behind it those that lead from it to the root, which
        /// itself may be left out.
        cert: At<FilePath> = required, like "\"site.pem\"";
        /// The file with its private key in PEM, without a password.
        key: At<FilePath> = required, like "\"site.key\"";
        /// The names that it is shown for.
        names: Vec<At<HostPattern>> = unset("all that are in the certificate"), like "[\"a.example\", \"*.b.example\"]";
        /// It is shown to clients that ask for none of the names, or for no name at all.
        default: Option<bool> = unset("true for the first one"), like "true";
    }
}
