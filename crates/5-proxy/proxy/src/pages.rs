//! Error pages in the form that the client likes best.

mod html;
mod negotiate;

use std::fmt::Write;

use gorge_error::{Error, Kind};
use gorge_filter::{ErrorPages, Exchange, Response};
use gorge_http::{Known, Status};

use self::negotiate::Form;

/// A longer id of a request is not repeated on a page.
const LONGEST_ID: usize = 128;

/// Draws error answers in the form that `Accept` asks for (RFC 9110 12.5.1): a JSON document, an HTML
/// page, else plain text. Each has the status, its phrase, the reason by name and the id of the request
/// if there is one, and nothing of the inside: no address, no path, no text of an error. The reason of a
/// [maintenance](crate::filters::Maintenance) is what its operator wrote for those who come.
///
/// Of forms that are as welcome as each other, the one that is named most exactly is taken, then the
/// one named first; without `Accept`, with `*/*` alone, or if none is acceptable, text. Answers are not
/// to be cached (`Cache-Control: private, no-store`), say that they depend on `Accept` (`Vary`), and
/// repeat `X-Request-Id`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByAccept(());

impl ByAccept {
    /// Pages in all three forms.
    #[must_use]
    pub fn new() -> Self {
        Self(())
    }
}

impl<C> ErrorPages<C> for ByAccept {
    fn render(&self, x: &Exchange<C>, status: Status, error: &Error) -> Response {
        let page = Page { status, reason: reason(error), request_id: request_id(x) };
        let mut response = if status.is_bodiless() {
            Response::empty(status)
        } else {
            match negotiate::form(&x.req.headers) {
                Form::Html => Response::html(status, html::draw(&page)),
                Form::Json => Response::json(status, page.json()),
                Form::Text => Response::text(status, page.text()),
            }
        };
        let headers = &mut response.head.headers;
        // None of these can fail: two constants, and an id of visible ASCII.
        let _ = headers.insert(Known::CacheControl, "private, no-store");
        let _ = headers.insert(Known::Vary, "Accept");
        if let Some(id) = page.request_id {
            let _ = headers.insert(Known::XRequestId, id);
        }
        response
    }
}

/// The name of what happened, or the words that were written for whoever reads the page.
fn reason(error: &Error) -> &str {
    match error.kind() {
        Kind::Maintenance => error.contexts().next().unwrap_or(Kind::Maintenance.name()),
        kind => kind.name(),
    }
}

/// The id of the request, unless it is more than an id: before the filters have looked at it, it may be
/// whatever the client sent.
fn request_id<C>(x: &Exchange<C>) -> Option<&str> {
    let id = x.req.headers.get_str(Known::XRequestId)?;
    let is_id = (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    is_id.then_some(id)
}

/// What all forms tell.
struct Page<'a> {
    status: Status,
    reason: &'a str,
    request_id: Option<&'a str>,
}

impl Page<'_> {
    /// The phrase of the status, and for a status without one that of its class.
    fn phrase(&self) -> &'static str {
        match (self.status.reason(), self.status.as_u16()) {
            ("", 500..) => "Server Error",
            ("", 400..) => "Request Error",
            ("", _) => "Answer of the Proxy",
            (phrase, _) => phrase,
        }
    }

    fn json(&self) -> String {
        let mut json = String::new();
        // Writing to a String cannot fail, here and below.
        let _ = write!(
            json,
            "{{\"status\":{},\"error\":\"{}\",\"reason\":",
            self.status.as_u16(),
            self.phrase(),
        );
        push_string(&mut json, self.reason);
        json.push_str(",\"request_id\":");
        match self.request_id {
            Some(id) => push_string(&mut json, id),
            None => json.push_str("null"),
        }
        json.push_str("}\n");
        json
    }

    fn text(&self) -> String {
        let mut text = format!("{} {}\nreason: {}\n", self.status.as_u16(), self.phrase(), self.reason);
        if let Some(id) = self.request_id {
            let _ = writeln!(text, "request id: {id}");
        }
        text
    }
}

/// A string as RFC 8259 7 wants it.
fn push_string(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            // As above.
            c if c.is_control() => drop(write!(json, "\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use gorge_filter::Body;

    use super::*;

    fn page(accept: Option<&str>, id: Option<&[u8]>, status: Status, error: &Error) -> (Response, String) {
        let mut x = Exchange::<()>::new();
        if let Some(accept) = accept {
            x.req.headers.append(Known::Accept, accept).unwrap();
        }
        if let Some(id) = id {
            x.req.headers.append(Known::XRequestId, id).unwrap();
        }
        let response = ByAccept::new().render(&x, status, error);
        let text = match &response.body {
            Body::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            _ => String::new(),
        };
        (response, text)
    }

    #[test]
    fn every_form_tells_the_same_and_nothing_of_the_inside() {
        let error = Error::explain(Kind::ConnectRefused, "connect to 10.1.2.3:9001").into_upstream();
        for (accept, content_type) in [
            ("text/html", "text/html; charset=utf-8"),
            ("application/json", "application/json"),
            ("*/*", "text/plain; charset=utf-8"),
        ] {
            let (response, text) = page(Some(accept), Some(b"ab-1"), Status::BAD_GATEWAY, &error);
            let headers = &response.head.headers;
            assert_eq!(headers.get_str(Known::ContentType), Some(content_type));
            assert_eq!(headers.get_str(Known::CacheControl), Some("private, no-store"));
            assert_eq!(headers.get_str(Known::Vary), Some("Accept"));
            assert_eq!(headers.get_str(Known::XRequestId), Some("ab-1"));
            for part in ["502", "Bad Gateway", "connect_refused", "ab-1"] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(!text.contains("10.1.2.3"), "{text}");
        }
    }

    #[test]
    fn json_and_text_are_exact() {
        let error = Error::new(Kind::RouteNotFound).into_downstream();
        let (_, text) = page(Some("application/json"), Some(b"a\"\\b"), Status::NOT_FOUND, &error);
        let expected =
            r#"{"status":404,"error":"Not Found","reason":"route_not_found","request_id":"a\"\\b"}"#;
        assert_eq!(text, format!("{expected}\n"));
        let (_, text) = page(Some("application/json"), None, Status::NOT_FOUND, &error);
        assert!(text.ends_with("\"request_id\":null}\n"), "{text}");
        let (_, text) = page(None, None, Status::NOT_FOUND, &error);
        assert_eq!(text, "404 Not Found\nreason: route_not_found\n");
    }

    #[test]
    fn a_maintenance_says_what_its_operator_wrote() {
        let error = Error::explain(Kind::Maintenance, "back <soon>,\n\"noon\"").into_downstream();
        let (_, text) = page(Some("application/json"), None, Status::SERVICE_UNAVAILABLE, &error);
        assert!(text.contains(r#""reason":"back <soon>,\u000a\"noon\"","#), "{text}");
        let (_, text) = page(Some("text/html"), None, Status::SERVICE_UNAVAILABLE, &error);
        assert!(text.contains("<dd>back &lt;soon&gt;,\n&quot;noon&quot;</dd>"), "{text}");
        let error = Error::new(Kind::Maintenance).into_downstream();
        let (_, text) = page(None, None, Status::SERVICE_UNAVAILABLE, &error);
        assert!(text.contains("reason: maintenance\n"), "{text}");
    }

    #[test]
    fn what_is_no_id_is_not_repeated() {
        let error = Error::new(Kind::RouteNotFound).into_downstream();
        for id in [&b"two words"[..], b"\xe9", &[b'a'; 129]] {
            let (response, text) = page(Some("text/html"), Some(id), Status::NOT_FOUND, &error);
            assert!(!response.head.headers.contains(Known::XRequestId));
            assert!(!text.contains("Request id"), "{text}");
        }
        let (_, text) = page(Some("text/html"), Some(b"<b>&\"'"), Status::NOT_FOUND, &error);
        assert!(text.contains("&lt;b&gt;&amp;&quot;&#39;") && !text.contains("<b>"), "{text}");
    }

    #[test]
    fn a_status_without_phrase_or_body_is_drawn_too() {
        let error = Error::new(Kind::Rejected(599));
        let (_, text) = page(None, None, Status::new(599).unwrap(), &error);
        assert_eq!(text, "599 Server Error\nreason: rejected\n");
        let (response, _) = page(None, None, Status::NOT_MODIFIED, &error);
        assert!(matches!(response.body, Body::Empty));
    }
}
