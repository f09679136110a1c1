//! What one end of a TLS connection saw.

use serde_json::Value;

/// A TLS connection as Python's `ssl` module saw it from one end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSeen {
    /// `TLSv1.3` and the like.
    pub version: String,
    /// The cipher in OpenSSL's words.
    pub cipher: String,
    /// The application protocol agreed on.
    pub alpn: Option<String>,
    /// The name the client sent (SNI); seen by servers.
    pub name: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// The subject of the peer's certificate, as `O=Acme,CN=alice`; `None` where it showed none or nothing is verified.
    pub subject: Option<String>,
    /// The peer's certificate in DER, verified or not.
    pub certificate: Option<Vec<u8>>,
}

impl TlsSeen {
    /// Reads it from the JSON that [`PythonTlsOrigin`](crate::PythonTlsOrigin) answers.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn parse(json: &str) -> Self {
        Self::read(&serde_json::from_str(json).unwrap_or_else(|e| panic!("no JSON ({e}): {json}")))
    }

    #[track_caller]
    pub(crate) fn read(json: &Value) -> Self {
        let optional = |key: &str| json[key].as_str().map(str::to_owned);
        let text = |key: &str| optional(key).unwrap_or_else(|| panic!("no {key}: {json}"));
        Self {
            version: text("version"),
            cipher: text("cipher"),
            alpn: optional("alpn"),
            name: optional("name"),
            resumed: json["resumed"].as_bool().unwrap_or_else(|| panic!("no resumed: {json}")),
            subject: optional("subject"),
            certificate: optional("certificate").map(|hex| bytes(&hex)),
        }
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("two hexadecimal digits");
    (0..hex.len()).step_by(2).map(byte).collect()
}
