//! `[listen.tls]` and `[upstream.NAME.tls]`.

use std::time::Duration;

use gorge::proxy::route::HostPattern;

use crate::config::span::At;
use crate::config::table::table;
use crate::config::value::{ClientAuthMode, FilePath, TlsVersion};

table! {
    /// TLS on this address. Without this table connections are in the clear.
    pub struct ListenTlsTable {
        /// The certificates with their keys. Which one a client is shown follows from the name that it asks
        /// for: one with this very name, then one for all below (`*.a.example`), then the default.
        certificates: Vec<CertificateTable> = required, like "[{ cert = \"site.pem\", key = \"site.key\" }]";
        /// The CA certificates, in PEM, of those who may connect. Clients are then asked for a certificate.
        client_ca: Option<At<FilePath>> = unset("clients are not asked"), like "\"clients.pem\"";
        /// Whether a client must show one that leads to `client_ca`: `"required"`, or `"optional"`, where
        /// what became of it is told to logs and servers as `$tls_client_verified`.
        client_auth: Option<At<ClientAuthMode>> = unset("`\"required\"` where there is a `client_ca`"), like "\"required\"";
        /// How many certificates may stand between a client's and that of the CA.
        client_depth: u32 = 2;
        /// The oldest version that is spoken: `"1.2"` or `"1.3"`.
        min_version: TlsVersion = "1.2";
        /// The newest version that is spoken.
        max_version: TlsVersion = "1.3";
        /// Cipher suites for TLS 1.2, in OpenSSL's words. Those of TLS 1.3 are all good, and not to be
        /// chosen.
        ciphers: Option<At<String>> = unset("those that Mozilla calls intermediate"), like "\"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256\"";
        /// Groups for the key exchange, the preferred first.
        groups: Option<Vec<At<String>>> = unset("`[\"X25519MLKEM768\", \"X25519\", \"P-256\", \"P-384\"]`, the first one if the TLS library has it"), like "[\"X25519\", \"P-256\"]";
        /// Clients may go on with an earlier session, which saves most of a handshake. The keys of such
        /// sessions are kept in memory alone, and change every 12 hours.
        session_tickets: bool = true;
        /// How long they may. 7 days at most.
        session_lifetime: Duration = "300s", positive;
        /// Shows clients that their certificate was not revoked, where it names a responder (OCSP) that
        /// says so: it is asked in the background, and again before its answer is out of date.
        ocsp_stapling: bool = true;
        /// The secrets of all connections are added to this file, for whoever looks at the traffic with
        /// Wireshark: whoever reads it reads them all.
        key_log: Option<At<FilePath>> = unset("off"), like "\"/tmp/keys.log\"";
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
        /// A file with the answer of a responder (OCSP), in DER, that is shown along with it, instead of one
        /// that is asked for.
        ocsp: Option<At<FilePath>> = unset("see `ocsp_stapling`"), like "\"site.ocsp\"";
        /// It is shown to clients that ask for none of the names, or for no name at all.
        default: Option<bool> = unset("true for the first one"), like "true";
    }
}

table! {
    /// TLS with the servers of this upstream. Without this table they are spoken to in the clear.
    pub struct UpstreamTlsTable {
        /// Their certificates must lead to a CA that is trusted, and be valid.
        verify: bool = true;
        /// They must be for the name of the server.
        verify_host: bool = true;
        /// The CA certificates that are trusted, in PEM.
        ca: Option<At<FilePath>> = unset("those of the system"), like "\"ca.pem\"";
        /// The name that is asked for and that the certificate must be for.
        sni: Option<At<String>> = unset("the server's own as it is written in `servers`, or `host` where that is an IP address, or else the address itself"), like "\"app.internal\"";
        /// Another name that the certificate may be for.
        alternative_name: Option<At<String>> = unset("none"), like "\"old.internal\"";
        /// The file with the certificate that is shown to servers that ask for one, in PEM.
        cert: Option<At<FilePath>> = unset("none is shown"), like "\"client.pem\"";
        /// The file with its private key in PEM, without a password.
        key: Option<At<FilePath>> = unset, like "\"client.key\"";
        /// The oldest version that is spoken: `"1.2"` or `"1.3"`.
        min_version: TlsVersion = "1.2";
        /// The newest version that is spoken.
        max_version: TlsVersion = "1.3";
        /// Cipher suites for TLS 1.2, in OpenSSL's words.
        ciphers: Option<At<String>> = unset("those that Mozilla calls intermediate"), like "\"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256\"";
        /// Groups for the key exchange, the preferred first.
        groups: Option<Vec<At<String>>> = unset("`[\"X25519MLKEM768\", \"X25519\", \"P-256\", \"P-384\"]`, the first one if the TLS library has it"), like "[\"X25519\", \"P-256\"]";
        /// The secrets of all connections are added to this file: whoever reads it reads them all.
        key_log: Option<At<FilePath>> = unset("off"), like "\"/tmp/keys.log\"";
    }
}
