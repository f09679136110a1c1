//! Edits the fields of requests and responses.

use gorge_error::Result;
use gorge_filter::{Exchange, Filter, Flow, Hooks, Role};
use gorge_http::{Headers, InvalidField, Known, KnownSet, ResponseHead, authority, list};

use super::template::Template;
use super::{internal, refuse};

/// Fields that frame a message or belong to one connection: the proxy alone writes them.
const FRAMING: KnownSet = KnownSet::of(&[
    Known::Connection,
    Known::ContentLength,
    Known::KeepAlive,
    Known::ProxyAuthenticate,
    Known::ProxyAuthorization,
    Known::ProxyConnection,
    Known::Te,
    Known::Trailer,
    Known::TransferEncoding,
    Known::Upgrade,
]);

/// Fields of a request that the proxy's own rules live by: the guard against loops, and who waits for
/// whom to send a body.
const RULES: KnownSet = KnownSet::of(&[Known::CdnLoop, Known::Expect, Known::MaxForwards, Known::Via]);

/// Edits the fields of the request: first removes, then sets, then adds.
///
/// Values may hold names, as `$name` or `${name}`; `$$` is a dollar sign, and what is not there is
/// empty:
///
/// | name | stands for |
/// |---|---|
/// | `$client_ip` | the address of the client of this connection; `unix:` of one on a Unix socket |
/// | `$host` | the host that was asked for, without its port |
/// | `$authority` | the same with its port, if one was given |
/// | `$method` | the method |
/// | `$path` | the path, as it was when the filter saw it: behind a [`Rewrite`](super::Rewrite), the new one |
/// | `$query` | what follows the question mark |
/// | `$uri` | path and query |
/// | `$scheme` | `http` or `https`, as the client spoke it to us |
/// | `$request_id` | `X-Request-Id`, see [`RequestId`](super::RequestId) |
/// | `$status` | the status, in a [`ResponseHeaderEdit`] only |
/// | `$tls_version`, `$tls_cipher` | what was agreed on with the client, as `TLSv1.3`; empty in the clear, as all that follow |
/// | `$tls_sni` | the server name that the client asked for |
/// | `$tls_alpn` | the application protocol agreed on |
/// | `$tls_resumed` | `true` if an earlier session goes on, else `false` |
/// | `$tls_client_subject` | the subject of the client's certificate, as `CN=alice,O=Example` |
/// | `$tls_client_serial` | its serial number, in hexadecimal |
/// | `$tls_client_sha256` | the SHA-256 of it, in hexadecimal |
/// | `$tls_client_verified` | `ok`, `none` if there is none, or what is wrong with it |
///
/// `Host` can be set, to a fixed value. Fields that frame the message or belong to the connection
/// (`Connection`, `Content-Length`, `Transfer-Encoding`, `Upgrade` and the like) cannot be edited, nor
/// those that the proxy's rules live by (`Via`, `CDN-Loop`, `Expect`, `Max-Forwards`).
///
/// ```
/// use gorge_proxy::{Proxy, filters::RequestHeaderEdit};
/// use gorge_upstream::Peer;
///
/// let edit = RequestHeaderEdit::new()
///     .remove("X-Debug")?
///     .set("X-Client", "$client_ip")?
///     .add("X-Seen-By", "gorge at $host")?;
/// let proxy = Proxy::builder().filter(edit).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
///
/// let error = RequestHeaderEdit::new().set("Transfer-Encoding", "chunked").unwrap_err();
/// assert!(error.to_string().contains("the proxy alone writes it"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RequestHeaderEdit(Edits);

impl RequestHeaderEdit {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes all fields of this name.
    ///
    /// # Errors
    /// The name is none, or that of a field that cannot be edited.
    pub fn remove(mut self, name: &str) -> Result<Self> {
        self.0.remove.push(Self::name(name, false)?);
        Ok(self)
    }

    /// Replaces all fields of this name by one.
    ///
    /// # Errors
    /// As [`remove`](Self::remove); or the value has a control character, or a `$name` that there is
    /// not.
    pub fn set(mut self, name: &str, value: &str) -> Result<Self> {
        let (name, value) = (Self::name(name, true)?, self::value(name, value, false)?);
        if name == Name::Known(Known::Host)
            && value.literal().is_none_or(|host| authority::validate(host.as_bytes()).is_err())
        {
            return Err(refuse(
                "Host can be set to a fixed host only, such as \"app.example\" or \"app.example:8080\"",
            ));
        }
        self.0.set.push((name, value));
        Ok(self)
    }

    /// Adds a field behind those of this name that are there.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn add(mut self, name: &str, value: &str) -> Result<Self> {
        self.0.add.push((Self::name(name, false)?, self::value(name, value, false)?));
        Ok(self)
    }

    fn name(name: &str, set: bool) -> Result<Name> {
        let found = Name::parse(name)?;
        match found {
            Name::Known(known) if RULES.contains(known) => Err(refuse(format!(
                "{known} of a request cannot be edited: the rules of the proxy live by it"
            ))),
            Name::Known(Known::Host) if !set => {
                Err(refuse("Host can be set, but neither added nor removed: a request has exactly one"))
            }
            found => Ok(found),
        }
    }
}

impl<C: Send + 'static> Filter<C> for RequestHeaderEdit {
    const HOOKS: Hooks = Hooks::REQUEST;
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        let Edits { remove, set, add } = &self.0;
        for name in remove {
            name.remove(&mut x.req.headers);
        }
        for (name, value) in set {
            value.give(x, None, |x, value| name.insert(&mut x.req.headers, value)).map_err(internal)?;
        }
        for (name, value) in add {
            value.give(x, None, |x, value| name.append(&mut x.req.headers, value)).map_err(internal)?;
        }
        Ok(Flow::Continue)
    }
}

/// Edits the fields of the response: first removes, then sets, then adds.
///
/// Values as in [`RequestHeaderEdit`], and `$status` beside. Sees the answers that the proxy makes itself
/// as well. Fields that frame the message or belong to the connection cannot be edited.
///
/// ```
/// use gorge_proxy::{Proxy, filters::ResponseHeaderEdit};
/// use gorge_upstream::Peer;
///
/// let edit = ResponseHeaderEdit::new().remove("X-Powered-By")?.set("X-Answer", "$status to $method")?;
/// let proxy = Proxy::builder().filter(edit).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ResponseHeaderEdit(Edits);

impl ResponseHeaderEdit {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes all fields of this name.
    ///
    /// # Errors
    /// The name is none, or that of a field that cannot be edited.
    pub fn remove(mut self, name: &str) -> Result<Self> {
        self.0.remove.push(Name::parse(name)?);
        Ok(self)
    }

    /// Replaces all fields of this name by one.
    ///
    /// # Errors
    /// As [`remove`](Self::remove); or the value has a control character, or a `$name` that there is
    /// not.
    pub fn set(mut self, name: &str, value: &str) -> Result<Self> {
        self.0.set.push((Name::parse(name)?, self::value(name, value, true)?));
        Ok(self)
    }

    /// Adds a field behind those of this name that are there.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn add(mut self, name: &str, value: &str) -> Result<Self> {
        self.0.add.push((Name::parse(name)?, self::value(name, value, true)?));
        Ok(self)
    }
}

impl<C: Send + 'static> Filter<C> for ResponseHeaderEdit {
    const HOOKS: Hooks = Hooks::RESPONSE;
    const ROLE: Role = Role::Other;

    async fn on_response(&self, x: &mut Exchange<C>, head: &mut ResponseHead) -> Result<()> {
        let Edits { remove, set, add } = &self.0;
        let status = Some(head.status);
        for name in remove {
            name.remove(&mut head.headers);
        }
        for (name, value) in set {
            value.give(x, status, |_, value| name.insert(&mut head.headers, value)).map_err(internal)?;
        }
        for (name, value) in add {
            value.give(x, status, |_, value| name.append(&mut head.headers, value)).map_err(internal)?;
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default)]
struct Edits {
    remove: Vec<Name>,
    set: Vec<(Name, Template)>,
    add: Vec<(Name, Template)>,
}

/// A name that was looked up once.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Known(Known),
    Other(Box<str>),
}

impl Name {
    fn parse(name: &str) -> Result<Self> {
        match Known::classify(name.as_bytes()) {
            Some(known) if FRAMING.contains(known) => Err(refuse(format!(
                "{known} cannot be edited: it frames the message or belongs to the connection, and the proxy \
                 alone writes it"
            ))),
            Some(known) => Ok(Self::Known(known)),
            None if list::is_token(name.as_bytes()) => Ok(Self::Other(name.into())),
            None => Err(refuse(format!("{name:?} is no field name: letters, digits, '-' and '_' make one"))),
        }
    }

    fn remove(&self, headers: &mut Headers) {
        match self {
            Self::Known(name) => headers.remove(*name),
            Self::Other(name) => headers.remove(&**name),
        };
    }

    fn insert(&self, headers: &mut Headers, value: &[u8]) -> Result<(), InvalidField> {
        match self {
            Self::Known(name) => headers.insert(*name, value),
            Self::Other(name) => headers.insert(&**name, value),
        }
    }

    fn append(&self, headers: &mut Headers, value: &[u8]) -> Result<(), InvalidField> {
        match self {
            Self::Known(name) => headers.append(*name, value),
            Self::Other(name) => headers.append(&**name, value),
        }
    }
}

fn value(name: &str, text: &str, with_status: bool) -> Result<Template> {
    if !list::is_value(text.as_bytes()) {
        return Err(refuse(format!("the value for {name} holds a line end or another control character")));
    }
    Template::parse(text, with_status).map_err(|why| refuse(format!("the value for {name}: {why}")))
}
