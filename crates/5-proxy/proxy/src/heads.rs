//! What a proxy owes to the heads it passes on (RFC 9110 7.6).

use bytes::Bytes;
use gorge_error::{Error, Kind, Result};
use gorge_filter::{BodyLength, Exchange};
use gorge_http::{Headers, Known, Method, ResponseHead, Version, authority, list};
use gorge_http_parser::{Expect, Framing, RequestFraming};

/// How often a request may have passed through here before it is taken for a loop.
const PASSES: usize = 5;

/// What an answer to a method that is not allowed names (RFC 9110 15.5.6).
pub(crate) const ALLOW: &str = "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS";

/// The name of this proxy in `Via`, with the version the message came with.
#[derive(Debug)]
pub(crate) struct Via {
    name: String,
    http10: String,
    http11: String,
}

impl Via {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), http10: format!("1.0 {name}"), http11: format!("1.1 {name}") }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn entry(&self, version: Version) -> &str {
        match version {
            Version::Http10 => &self.http10,
            _ => &self.http11,
        }
    }

    /// How often the request says that it passed through here: by `Via`, or by `CDN-Loop` (RFC 8586).
    fn passes_of(&self, headers: &gorge_http::Headers) -> usize {
        let via = if headers.contains(Known::Via) { self.passes(headers.get_all(Known::Via)) } else { 0 };
        let cdn = if headers.contains(Known::CdnLoop) {
            self.cdn_passes(headers.get_all(Known::CdnLoop))
        } else {
            0
        };
        via.max(cdn)
    }

    /// How many entries of these `CDN-Loop` values bear our name.
    fn cdn_passes<'v>(&self, values: impl Iterator<Item = &'v [u8]>) -> usize {
        let name = |entry: &[u8]| {
            let id = entry.split(|&b| b == b';').next().unwrap_or_default();
            id.trim_ascii().eq_ignore_ascii_case(self.name.as_bytes())
        };
        values.flat_map(|value| value.split(|&b| b == b',')).filter(|entry| name(entry)).count()
    }

    /// How many entries of these `Via` values bear our name.
    fn passes<'v>(&self, values: impl Iterator<Item = &'v [u8]>) -> usize {
        values
            .flat_map(|value| value.split(|&b| b == b','))
            .filter(|entry| {
                let mut words = entry.split(|&b| b == b' ' || b == b'\t').filter(|word| !word.is_empty());
                words.nth(1).is_some_and(|by| by.eq_ignore_ascii_case(self.name.as_bytes()))
            })
            .count()
    }
}

/// Takes down what the framing of a request says, before any filter sees it: the fields that belong
/// to the connection are gone from then on.
pub(crate) fn receive_request<C>(x: &mut Exchange<C>, framing: &RequestFraming) {
    x.facts.request_length = match framing.body {
        Framing::Length(n) => BodyLength::Known(n),
        Framing::Chunked => BodyLength::Unknown,
        _ => BodyLength::Empty,
    };
    if framing.upgrade {
        x.facts.upgrade = protocols(&x.req.headers);
    }
    x.req.headers.remove_hop_by_hop();
}

/// The protocols that a client offers to change to, save HTTP itself: behind an agreement to `h2c`
/// lie requests of which no filter would see any. `None`: there is no other.
fn protocols(headers: &Headers) -> Option<Bytes> {
    let is_http = |protocol: &[u8]| {
        let name = name_of(protocol);
        [&b"h2c"[..], b"h2", b"http"].iter().any(|http| name.eq_ignore_ascii_case(http))
    };
    let all = headers.get_all(Known::Upgrade).flat_map(list::items);
    let others: Vec<&[u8]> = all.filter(|protocol| !is_http(protocol)).collect();
    (!others.is_empty()).then(|| others.join(&b", "[..]).into())
}

/// Whether a 101 agrees to what was offered, and to nothing else (RFC 9110 7.8).
pub(crate) fn agrees<C>(x: &Exchange<C>, head: &ResponseHead) -> bool {
    let Some(offers) = &x.facts.upgrade else { return false };
    let offered =
        |protocol| list::items(offers).any(|offer| name_of(offer).eq_ignore_ascii_case(name_of(protocol)));
    head.headers.get_all(Known::Upgrade).flat_map(list::items).all(offered)
}

/// The name of a protocol, without its version.
fn name_of(protocol: &[u8]) -> &[u8] {
    protocol.split(|&b| b == b'/').next().unwrap_or_default().trim_ascii()
}

/// Whether this proxy takes such a request at all.
pub(crate) fn admit<C>(x: &mut Exchange<C>, framing: &RequestFraming, via: &Via) -> Result<()> {
    if framing.expect == Expect::Unknown {
        let context = "the request expects something other than 100-continue";
        return Err(Error::explain(Kind::ExpectationUnknown, context).into_downstream());
    }
    if x.req.method == Method::TRACE {
        return Err(Error::explain(Kind::MethodNotAllowed, "TRACE is not allowed here").into_downstream());
    }
    if let Some(sni) = misdirected(x) {
        let context = format!(
            "the connection was made for {sni:?}, and where clients show certificates a request on it must be \
             for the same host"
        );
        return Err(Error::explain(Kind::Misdirected, context).into_downstream());
    }
    if via.passes_of(&x.req.headers) > PASSES {
        return Err(Error::explain(Kind::Loop, "the request came through here too often").into_downstream());
    }
    Ok(())
}

/// The name that the client's connection was made for, if the request is for another one and clients are
/// asked for certificates: what such a certificate allows may differ from host to host, and it was judged
/// for that name (RFC 9110 15.5.20). Another connection may be right. A tunnel leads elsewhere by its nature.
fn misdirected<C>(x: &Exchange<C>) -> Option<&str> {
    let tls = x.facts.tls.as_ref().filter(|tls| tls.certificate_asked)?;
    let sni = tls.sni.as_deref()?;
    let host = x.req.headers.get(Known::Host)?;
    let host = authority::validate(host).map_or(host, |authority| authority.host().as_bytes());
    let bare = |name: &'_ [u8]| name.strip_suffix(b".").map_or(name.len(), <[u8]>::len);
    let same = host[..bare(host)].eq_ignore_ascii_case(&sni.as_bytes()[..bare(sni.as_bytes())]);
    (!same && x.req.method != Method::CONNECT).then_some(sni)
}

/// Counts `Max-Forwards` of an OPTIONS request down (RFC 9110 7.6.2). True: it ends here.
pub(crate) fn is_last_hop<C>(x: &mut Exchange<C>) -> bool {
    if x.req.method != Method::OPTIONS {
        return false;
    }
    let left = x.req.headers.get_str(Known::MaxForwards).and_then(|n| n.trim().parse::<u64>().ok());
    match left {
        Some(0) => true,
        Some(n) => {
            // Cannot fail: digits are legal.
            let _ = x.req.headers.insert(Known::MaxForwards, (n - 1).to_string());
            false
        }
        None => false,
    }
}

/// Completes a request for its way upstream, once for all attempts.
pub(crate) fn send_request<C>(x: &mut Exchange<C>, via: &Via) {
    let entry = via.entry(x.req.version);
    // Cannot fail: the name was checked when the proxy was built.
    let _ = x.req.headers.append(Known::Via, entry);
}

/// Cleans a response that came from upstream. The protocol of a 101 is returned, for it belongs to
/// the connection.
pub(crate) fn receive_response(head: &mut ResponseHead, switching: bool, via: &Via) -> Option<Bytes> {
    let protocol =
        if switching { head.headers.get(Known::Upgrade).map(Bytes::copy_from_slice) } else { None };
    head.headers.remove_hop_by_hop();
    let entry = via.entry(head.version);
    // Cannot fail, as above.
    let _ = head.headers.append(Known::Via, entry);
    protocol
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gorge_digest::TlsDigest;

    use super::*;

    #[test]
    fn where_clients_show_certificates_a_request_is_for_the_name_of_its_connection() {
        let mut x = Exchange::<()>::new();
        let mut misdirected = |asked, sni: Option<&str>, host: &str, method| {
            let sni = sni.map(Into::into);
            x.facts.tls = Some(Arc::new(TlsDigest { certificate_asked: asked, sni, ..TlsDigest::default() }));
            x.req.method = method;
            x.req.headers.insert(Known::Host, host).unwrap();
            super::misdirected(&x).is_some()
        };
        for (host, other) in [
            ("a.example", false),
            ("A.Example:8443", false),
            ("a.example.", false),
            ("b.example", true),
            ("a.example.org", true),
            ("", true),
            ("[::1]:443", true),
        ] {
            assert_eq!(misdirected(true, Some("a.example"), host, Method::GET), other, "{host}");
            assert!(!misdirected(false, Some("a.example"), host, Method::GET), "{host}");
            assert!(!misdirected(true, None, host, Method::GET), "{host}");
            assert!(!misdirected(true, Some("a.example"), host, Method::CONNECT), "{host}");
        }
        x.req.headers.clear();
        assert_eq!(super::misdirected(&x), None, "HTTP/1.0 may come without a host");
    }

    #[test]
    fn passes_are_counted_by_name_in_every_form() {
        let via = Via::new("gorge");
        let values: [&[u8]; 3] = [b"1.1 gorge, 1.0 other", b"HTTP/1.1 Gorge (comment)", b"1.1 gorge2,,1.1"];
        assert_eq!(via.passes(values.into_iter()), 2);
    }
}
