//! Answers by itself.

use bytes::Bytes;
use gorge_error::Result;
use gorge_filter::{Body, Exchange, Filter, Flow, Hooks, Response, Role};
use gorge_http::{Known, KnownSet, ResponseHead, Status, list};

use super::refuse;

/// What the server writes itself.
const FRAMING: KnownSet = KnownSet::of(&[
    Known::Connection,
    Known::ContentLength,
    Known::KeepAlive,
    Known::ProxyConnection,
    Known::Te,
    Known::Trailer,
    Known::TransferEncoding,
    Known::Upgrade,
]);

/// Answers every request with the same response; nothing goes upstream.
///
/// A request by HEAD gets the head alone, with the length that the body has.
///
/// ```
/// use gorge_http::Status;
/// use gorge_proxy::{Proxy, filters::Respond};
/// use gorge_upstream::Peer;
///
/// let gone = Respond::text(Status::GONE, "moved out\n")?.field("Cache-Control", "max-age=3600")?;
/// let proxy = Proxy::builder().filter(gone).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Respond {
    /// Out of line, for a head is large, and routes have lists of filters.
    head: Box<ResponseHead>,
    body: Bytes,
}

impl Respond {
    /// A status without a body.
    ///
    /// # Errors
    /// The status is not one from 200 to 599.
    pub fn empty(status: Status) -> Result<Self> {
        match status.as_u16() {
            200..=599 => Ok(Self { head: Box::new(ResponseHead::new(status)), body: Bytes::new() }),
            code => Err(refuse(format!("an answer has a status from 200 to 599, not {code}"))),
        }
    }

    /// Plain text in UTF-8.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub fn text(status: Status, text: impl Into<String>) -> Result<Self> {
        Self::bytes(status, "text/plain; charset=utf-8", text.into())
    }

    /// A page in UTF-8.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub fn html(status: Status, page: impl Into<String>) -> Result<Self> {
        Self::bytes(status, "text/html; charset=utf-8", page.into())
    }

    /// A JSON document, already written out.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub fn json(status: Status, document: impl Into<String>) -> Result<Self> {
        Self::bytes(status, "application/json", document.into())
    }

    /// A body of this type.
    ///
    /// # Errors
    /// The status is not one from 200 to 599, or one that has no body (204, 205, 304); or the type has a
    /// control character.
    pub fn bytes(status: Status, content_type: &str, body: impl Into<Bytes>) -> Result<Self> {
        let body = body.into();
        let bodiless = status.is_bodiless() || status == Status::RESET_CONTENT;
        if bodiless && !body.is_empty() {
            return Err(refuse(format!("an answer with the status {} has no body", status.as_u16())));
        }
        Ok(Self { body, ..Self::empty(status)?.field(Known::ContentType.as_str(), content_type)? })
    }

    /// Adds a field, fixed text. One of that name that is there stays, save `Content-Type`, which is
    /// replaced.
    ///
    /// # Errors
    /// The name is none, or frames the message, which the server does; or the value has a control
    /// character.
    pub fn field(mut self, name: &str, value: &str) -> Result<Self> {
        let known = Known::classify(name.as_bytes());
        if let Some(known) = known.filter(|known| FRAMING.contains(*known)) {
            return Err(refuse(format!("{known} cannot be set: the server alone writes it")));
        }
        if !list::is_token(name.as_bytes()) {
            return Err(refuse(format!("{name:?} is no field name: letters, digits, '-' and '_' make one")));
        }
        let headers = &mut self.head.headers;
        let set = match known {
            Some(Known::ContentType) => headers.insert(Known::ContentType, value),
            _ => headers.append(name, value),
        };
        match set {
            Ok(()) => Ok(self),
            Err(why) => Err(refuse(format!("the value for {name}: {why}"))),
        }
    }
}

impl<C: Send + 'static> Filter<C> for Respond {
    const HOOKS: Hooks = Hooks::REQUEST;
    const ROLE: Role = Role::Other;

    async fn on_request(&self, _: &mut Exchange<C>) -> Result<Flow> {
        let body = if self.body.is_empty() { Body::Empty } else { Body::Bytes(self.body.clone()) };
        Ok(Flow::Respond(Response { head: (*self.head).clone(), body }))
    }
}
