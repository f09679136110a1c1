//! Lets pages of other sites read answers (CORS).

use std::time::Duration;

use gorge_error::Result;
use gorge_filter::{Exchange, Filter, Flow, Hooks, Response, Role};
use gorge_http::{Headers, Known, Method, ResponseHead, Status, authority, list};

use super::{internal, refuse};

const ALLOW_CREDENTIALS: &str = "Access-Control-Allow-Credentials";
const ALLOW_HEADERS: &str = "Access-Control-Allow-Headers";
const ALLOW_METHODS: &str = "Access-Control-Allow-Methods";
const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";
const EXPOSE_HEADERS: &str = "Access-Control-Expose-Headers";
const MAX_AGE: &str = "Access-Control-Max-Age";
const REQUEST_METHOD: &str = "Access-Control-Request-Method";

/// Lets pages of other sites read answers, by the protocol of the Fetch standard (CORS).
///
/// A preflight (OPTIONS with `Origin` and `Access-Control-Request-Method`) is answered here with 204 and
/// goes no further: so this belongs in front of whatever asks for credentials or guards methods. Every
/// other request goes on; its response gets the fields that let the browser hand it to the page, if the
/// origin of the page is one of those named. What the upstream says in these fields is replaced.
///
/// With named origins each response has `Vary: Origin`. With [`any_origin`](Self::any_origin) all get
/// `Access-Control-Allow-Origin: *`, asked for or not, and need no `Vary`.
///
/// It keeps nobody out: a request from elsewhere is served, only no other page may read the answer. The
/// origin `null`, which every sandboxed page has, can be named by nobody. Filters behind this one must
/// leave `Origin` in the request.
///
/// ```
/// use std::time::Duration;
///
/// use gorge_proxy::{Proxy, filters::Cors};
/// use gorge_upstream::Peer;
///
/// let cors = Cors::origins(["https://shop.example", "https://*.example.org"])?
///     .methods(["GET", "PUT"])?
///     .headers(["Content-Type"])?
///     .expose(["X-Total"])?
///     .credentials()?
///     .max_age(Duration::from_secs(600));
/// let proxy = Proxy::builder().filter(cors).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cors {
    /// `None`: any.
    origins: Option<Vec<Origin>>,
    methods: String,
    headers: Option<String>,
    expose: Option<String>,
    credentials: bool,
    max_age: Option<String>,
}

/// An origin that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    /// This one.
    Exact(String),
    /// All hosts below one: what stands before and behind their labels, such as `https://` and
    /// `.example.org`.
    Below(String, String),
}

impl Cors {
    /// Pages of all sites, without credentials.
    #[must_use]
    pub fn any_origin() -> Self {
        Self {
            origins: None,
            methods: "GET, HEAD, POST".to_owned(),
            headers: None,
            expose: None,
            credentials: false,
            max_age: None,
        }
    }

    /// Pages of these sites, each a scheme and a host, and a port where it is not the usual one:
    /// `https://shop.example`, `http://localhost:3000`. `https://*.example.org` are all hosts below
    /// `example.org`, however many labels deep, but not itself. `*` is [`any_origin`](Self::any_origin).
    ///
    /// # Errors
    /// There is none; one is no origin; `*` stands beside others.
    pub fn origins<S: AsRef<str>>(origins: impl IntoIterator<Item = S>) -> Result<Self> {
        let mut named = Vec::new();
        let mut any = false;
        for origin in origins {
            match origin.as_ref() {
                "*" => any = true,
                origin => named.push(Origin::parse(origin)?),
            }
        }
        match (any, named.is_empty()) {
            (true, true) => Ok(Self::any_origin()),
            (true, false) => Err(refuse("the origin \"*\" is all of them: no other belongs beside it")),
            (false, true) => Err(refuse("no origin is named: \"*\" is all of them")),
            (false, false) => Ok(Self { origins: Some(named), ..Self::any_origin() }),
        }
    }

    /// Which methods pages may use. Default GET, HEAD and POST, which need no leave. `*` is all of them.
    ///
    /// # Errors
    /// One is no method, or `*` together with [`credentials`](Self::credentials).
    pub fn methods<S: AsRef<str>>(mut self, methods: impl IntoIterator<Item = S>) -> Result<Self> {
        self.methods = listed(methods, "method")?.unwrap_or_default();
        self.checked()
    }

    /// Which fields pages may send, beyond those that need no leave. Default none. `*` is all but
    /// `Authorization`.
    ///
    /// # Errors
    /// One is no field name, or `*` together with [`credentials`](Self::credentials).
    pub fn headers<S: AsRef<str>>(mut self, headers: impl IntoIterator<Item = S>) -> Result<Self> {
        self.headers = listed(headers, "field name")?;
        self.checked()
    }

    /// Which fields of a response pages may read, beyond those that need no leave. Default none. `*` is
    /// all.
    ///
    /// # Errors
    /// One is no field name, or `*` together with [`credentials`](Self::credentials).
    pub fn expose<S: AsRef<str>>(mut self, headers: impl IntoIterator<Item = S>) -> Result<Self> {
        self.expose = listed(headers, "field name")?;
        self.checked()
    }

    /// Lets pages send cookies and other credentials along.
    ///
    /// # Errors
    /// With any origin, or with `*` among methods or fields: browsers refuse that.
    pub fn credentials(mut self) -> Result<Self> {
        self.credentials = true;
        self.checked()
    }

    /// How long a browser may remember what a preflight said, in whole seconds. Default: as the browser
    /// likes, which is 5 seconds by the standard.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age.as_secs().to_string());
        self
    }

    fn checked(self) -> Result<Self> {
        if !self.credentials {
            return Ok(self);
        }
        if self.origins.is_none() {
            return Err(refuse(
                "credentials need origins that are named: with \"*\", every site could use them",
            ));
        }
        let star = |list: &str| list.split(", ").any(|item| item == "*");
        let lists = [Some(&self.methods), self.headers.as_ref(), self.expose.as_ref()];
        if lists.into_iter().flatten().any(|list| star(list)) {
            return Err(refuse(
                "with credentials, methods and fields must be named: \"*\" is then no wildcard",
            ));
        }
        Ok(self)
    }

    /// The origin of the page that asks, if it is one of those named.
    fn allowed<'h>(&self, headers: &'h Headers) -> Option<&'h [u8]> {
        let mut all = headers.get_all(Known::Origin);
        let (Some(origin), None) = (all.next(), all.next()) else { return None };
        let named = self.origins.as_ref()?;
        named.iter().any(|named| named.is(origin)).then_some(origin)
    }

    /// What a preflight is told, beside the fields that all responses get.
    fn preflight(&self, allowed: bool) -> Result<Response, gorge_http::InvalidField> {
        let mut response = Response::empty(Status::NO_CONTENT);
        let headers = &mut response.head.headers;
        if allowed {
            if !self.methods.is_empty() {
                headers.append(ALLOW_METHODS, &self.methods)?;
            }
            if let Some(list) = &self.headers {
                headers.append(ALLOW_HEADERS, list)?;
            }
            if let Some(seconds) = &self.max_age {
                headers.append(MAX_AGE, seconds)?;
            }
        }
        Ok(response)
    }

    fn answer<C>(&self, x: &Exchange<C>, headers: &mut Headers) -> Result<(), gorge_http::InvalidField> {
        // Of these the upstream has no say.
        for name in [ALLOW_ORIGIN, ALLOW_CREDENTIALS, EXPOSE_HEADERS] {
            headers.remove(name);
        }
        match (&self.origins, self.allowed(&x.req.headers)) {
            (None, _) => headers.append(ALLOW_ORIGIN, "*")?,
            (Some(_), allowed) => {
                vary_by_origin(headers)?;
                let Some(origin) = allowed else { return Ok(()) };
                headers.append(ALLOW_ORIGIN, origin)?;
                if self.credentials {
                    headers.append(ALLOW_CREDENTIALS, "true")?;
                }
            }
        }
        match &self.expose {
            Some(list) => headers.append(EXPOSE_HEADERS, list),
            None => Ok(()),
        }
    }
}

impl<C: Send + 'static> Filter<C> for Cors {
    const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::RESPONSE);
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        let headers = &x.req.headers;
        let preflight = x.req.method == Method::OPTIONS
            && headers.contains(Known::Origin)
            && headers.contains(REQUEST_METHOD);
        if !preflight {
            return Ok(Flow::Continue);
        }
        let allowed = self.origins.is_none() || self.allowed(headers).is_some();
        self.preflight(allowed).map(Flow::Respond).map_err(internal)
    }

    async fn on_response(&self, x: &mut Exchange<C>, head: &mut ResponseHead) -> Result<()> {
        self.answer(x, &mut head.headers).map_err(internal)
    }
}

fn vary_by_origin(headers: &mut Headers) -> Result<(), gorge_http::InvalidField> {
    let vary = || headers.get_all(Known::Vary);
    if list::has_token(vary(), "origin") || list::has_token(vary(), "*") {
        return Ok(());
    }
    headers.append(Known::Vary, "Origin")
}

/// Names with commas between them; `None` if there are none.
fn listed<S: AsRef<str>>(names: impl IntoIterator<Item = S>, what: &str) -> Result<Option<String>> {
    let mut list = String::new();
    for name in names {
        let name = name.as_ref();
        // `*` is a token too.
        if !list::is_token(name.as_bytes()) {
            return Err(refuse(format!("{name:?} is no {what}")));
        }
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(name);
    }
    Ok((!list.is_empty()).then_some(list))
}

impl Origin {
    fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| Err(refuse(format!("the origin {text:?} {why}")));
        if text == "null" {
            return wrong("is that of every sandboxed page, so it cannot be told from others");
        }
        let lower = text.to_ascii_lowercase();
        let Some((scheme, rest)) = lower.split_once("://") else {
            return wrong("is a scheme and a host, as in \"https://shop.example\"");
        };
        if !matches!(scheme, "http" | "https") {
            return wrong("must begin with https:// or http://");
        }
        let (below, host) = match rest.strip_prefix("*.") {
            Some(host) => (true, host),
            None => (false, rest),
        };
        if host.ends_with('/') {
            return wrong("ends with the host: browsers send no slash behind it");
        }
        if host.contains('*') {
            return wrong("may have a * only as its first label, as in \"https://*.example.org\"");
        }
        let port = match authority::validate(host.as_bytes()) {
            Ok(authority) => authority.port(),
            Err(_) => return wrong("has no host, or more than one"),
        };
        if matches!((scheme, port), ("http", Some(80)) | ("https", Some(443))) {
            return wrong("names the usual port, which browsers leave away");
        }
        Ok(if below { Self::Below(format!("{scheme}://"), format!(".{host}")) } else { Self::Exact(lower) })
    }

    /// Compared byte by byte, as browsers do; they write origins in lower case.
    fn is(&self, origin: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => exact.as_bytes() == origin,
            Self::Below(scheme, host) => {
                let labels = origin
                    .strip_prefix(scheme.as_bytes())
                    .and_then(|rest| rest.strip_suffix(host.as_bytes()))
                    .unwrap_or_default();
                // Nothing else may stand there: no other host with a path or user name behind it.
                let label = |label: &[u8]| {
                    let legal = |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
                    !label.is_empty() && label.iter().all(legal)
                };
                labels.split(|&b| b == b'.').all(label)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_the_named_ones_and_no_others() {
        let cors = Cors::origins(["https://Shop.Example", "http://localhost:3000", "https://*.example.org"])
            .unwrap();
        for (origin, allowed) in [
            ("https://shop.example", true),
            ("http://localhost:3000", true),
            ("https://a.example.org", true),
            ("https://a.b-c.example.org", true),
            ("https://example.org", false),
            ("https://.example.org", false),
            ("https://a..example.org", false),
            ("http://a.example.org", false),
            ("https://a.example.org:8443", false),
            ("https://aexample.org", false),
            ("https://evil.example/.example.org", false),
            ("https://evil.example#.example.org", false),
            ("https://evil.example:1@.example.org", false),
            ("https://a.example.org.evil.example", false),
            ("https://shop.example.evil.example", false),
            ("https://shop.example/", false),
            ("http://shop.example", false),
            ("http://localhost:30001", false),
            ("http://localhost", false),
            ("null", false),
            ("", false),
        ] {
            let mut headers = Headers::new();
            headers.append(Known::Origin, origin).unwrap();
            assert_eq!(cors.allowed(&headers).is_some(), allowed, "{origin}");
        }
        let mut twice = Headers::new();
        twice.append(Known::Origin, "https://shop.example").unwrap();
        twice.append(Known::Origin, "https://shop.example").unwrap();
        assert_eq!(cors.allowed(&twice), None);
    }

    #[test]
    fn what_browsers_would_refuse_is_refused_at_once() {
        for (origins, told) in [
            (&[][..], "no origin"),
            (&["*", "https://a.example"], "beside"),
            (&["null"], "sandboxed"),
            (&["shop.example"], "scheme"),
            (&["ftp://a.example"], "https://"),
            (&["https://a.example/"], "no slash"),
            (&["https://a.example/x"], "no host"),
            (&["https://u@a.example"], "no host"),
            (&["https://"], "no host"),
            (&["https://*"], "first label"),
            (&["https://a*.example"], "first label"),
            (&["https://*.*.example"], "first label"),
            (&["https://a.example:443"], "usual port"),
            (&["http://*.a.example:80"], "usual port"),
        ] {
            let error = Cors::origins(origins).unwrap_err().to_string();
            assert!(error.contains(told), "{origins:?}: {error}");
        }
        let named = || Cors::origins(["https://a.example"]).unwrap();
        assert!(Cors::any_origin().credentials().is_err());
        assert!(named().headers(["*"]).unwrap().credentials().is_err());
        assert!(named().credentials().unwrap().expose(["X-A", "*"]).is_err());
        assert!(named().credentials().unwrap().methods(["*"]).is_err());
        assert!(named().methods(["GET, PUT"]).is_err());
        assert!(named().headers(["X-A\r\n"]).is_err());
        assert!(named().headers(["X-A"]).unwrap().credentials().is_ok());
    }
}
