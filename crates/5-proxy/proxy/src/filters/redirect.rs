//! Sends the client elsewhere.

use gorge_error::{Error, Kind, Result};
use gorge_filter::{Exchange, Filter, Flow, Hooks, Response, Role};
use gorge_http::{Known, Status};

use super::template::{Name, Piece, Template};
use super::{internal, refuse, scratch};

/// Sends the client elsewhere, with 301, 302, 303, 307 or 308.
///
/// The place is a template with the names of a [`RequestHeaderEdit`](super::RequestHeaderEdit), such as
/// `https://$host$uri`. Which host it leads to is never up to what stands in the path or query: an
/// absolute place may have only text, `$scheme`, `$host` and `$authority` before its path, and in another
/// several slashes or backslashes at the beginning become one slash, so that `$path` does not lead to
/// `evil.example` for a request of `//evil.example`.
///
/// A request without a Host, which HTTP/1.0 allows, is answered with 400 if the place needs one; so is
/// `OPTIONS *`, which has no path.
///
/// ```
/// use gorge_http::Status;
/// use gorge_proxy::{Proxy, filters::Redirect};
/// use gorge_upstream::Peer;
///
/// let redirect = Redirect::new(Status::PERMANENT_REDIRECT, "https://$host$uri")?;
/// let proxy = Proxy::builder().filter(redirect).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
///
/// assert!(Redirect::new(Status::FOUND, "$query").is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Redirect {
    status: Status,
    location: Template,
    /// It names a host itself; else it is a path here.
    absolute: bool,
    needs_host: bool,
}

impl Redirect {
    /// To this place.
    ///
    /// # Errors
    /// The status is none of those above; the place is neither absolute nor a path, has a name that there
    /// is not or a character that belongs escaped, or its host would depend on what the client puts into
    /// the path or query.
    pub fn new(status: Status, to: &str) -> Result<Self> {
        if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Err(refuse(format!(
                "a redirect has the status 301, 302, 303, 307 or 308, not {}",
                status.as_u16()
            )));
        }
        let wrong = |why: &str| refuse(format!("the redirect to {to:?}: {why}"));
        if let Some(c) = to.chars().find(|c| !c.is_ascii_graphic()) {
            return Err(wrong(&format!("{c:?} belongs escaped, as %HH")));
        }
        let location = Template::parse(to, false).map_err(|why| wrong(&why))?;
        let absolute = check(location.pieces()).map_err(wrong)?;
        let host = |piece: &Piece| matches!(piece, Piece::Name(Name::Host | Name::Authority));
        let needs_host = location.pieces().iter().any(host);
        Ok(Self { status, location, absolute, needs_host })
    }

    fn response<C>(&self, x: &Exchange<C>) -> Result<Response> {
        let refused = |kind, why: &'static str| Error::explain(kind, why).into_downstream();
        if self.needs_host && !x.req.headers.contains(Known::Host) {
            return Err(refused(
                Kind::HeadInvalid,
                "the place of the redirect needs a Host, and there is none",
            ));
        }
        if !x.req.uri.path().starts_with('/') {
            return Err(refused(Kind::PathInvalid, "what has no path cannot be redirected"));
        }
        let mut response = Response::empty(self.status);
        scratch::with(|place| {
            self.location.write(x, None, place);
            if !place.iter().all(u8::is_ascii_graphic) {
                return Err(refused(Kind::HeadInvalid, "the request has what cannot stand in a Location"));
            }
            let place = if self.absolute { &place[..] } else { here(place) };
            response.head.headers.append(Known::Location, place).map_err(internal)
        })?;
        Ok(response)
    }
}

impl<C: Send + 'static> Filter<C> for Redirect {
    const HOOKS: Hooks = Hooks::REQUEST;
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        self.response(x).map(Flow::Respond)
    }
}

/// Lets a path begin with one slash only.
fn here(place: &mut [u8]) -> &[u8] {
    let slashes = place.iter().take_while(|b| matches!(b, b'/' | b'\\')).count();
    let place = &mut place[slashes.saturating_sub(1)..];
    if let Some(first) = place.first_mut() {
        *first = b'/';
    }
    place
}

/// Whether it names a host itself, if what it leads to is safe from the path and query of a request.
fn check(pieces: &[Piece]) -> Result<bool, &'static str> {
    /// What ends an authority; browsers take a backslash for a slash.
    const ENDS: [char; 4] = ['/', '?', '#', '\\'];
    const BEGIN: &str = "it must begin with https://, http:// or a slash";
    // What comes behind the two slashes of an absolute one; names alone can come before them.
    let (text, rest) = match pieces {
        [Piece::Name(Name::Path | Name::Uri), ..] => return Ok(false),
        [Piece::Name(Name::Scheme), Piece::Text(text), rest @ ..] => {
            (text.strip_prefix("://").ok_or(BEGIN)?, rest)
        }
        [Piece::Text(text), rest @ ..] => match text.split_once("//") {
            Some(("http:" | "https:" | "", behind)) => (behind, rest),
            _ if text.starts_with('/') => return Ok(false),
            _ => return Err(BEGIN),
        },
        _ => return Err(BEGIN),
    };
    let by_name = text.is_empty() && matches!(rest, [Piece::Name(Name::Host | Name::Authority), ..]);
    if !by_name && (text.is_empty() || text.starts_with(ENDS)) {
        return Err("there is no host behind the two slashes");
    }
    if text.contains(ENDS) {
        return Ok(true);
    }
    for piece in rest {
        match piece {
            // These begin with a slash.
            Piece::Name(Name::Path | Name::Uri) => return Ok(true),
            Piece::Name(Name::Host | Name::Authority) => {}
            Piece::Text(text) if text.contains(ENDS) => return Ok(true),
            Piece::Text(_) => {}
            Piece::Name(_) => {
                return Err("before the path there may be text, $host and $authority only, \
                            or a client could choose the host; is a slash missing?");
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use gorge_http::{Method, Uri};

    use super::*;

    fn place(to: &str, target: &str) -> String {
        let mut x = Exchange::<()>::new();
        x.req.uri = Uri::parse(&Method::GET, target.as_bytes().to_vec().into()).unwrap();
        x.req.headers.append(Known::Host, "shop.example:8080").unwrap();
        let response = Redirect::new(Status::FOUND, to).unwrap().response(&x).unwrap();
        assert_eq!(response.head.status, Status::FOUND);
        response.head.headers.get_str(Known::Location).unwrap().to_owned()
    }

    #[test]
    fn the_place_is_filled_in() {
        for (to, target, expected) in [
            ("https://$host$uri", "/a?b", "https://shop.example/a?b"),
            ("https://$authority$path", "/a?b", "https://shop.example:8080/a"),
            ("$scheme://www.$host:8443/x$uri", "/a", "http://www.shop.example:8443/x/a"),
            ("//cdn.example$uri", "/a", "//cdn.example/a"),
            ("https://a.example?$query", "/a?b", "https://a.example?b"),
            ("/new$uri", "/a?b", "/new/a?b"),
            ("/login?next=$path", "//a", "/login?next=//a"),
            ("$uri", "/a?b", "/a?b"),
            ("/", "/a?b", "/"),
        ] {
            assert_eq!(place(to, target), expected, "{to}");
        }
    }

    #[test]
    fn a_path_never_becomes_a_host() {
        for (to, target, expected) in [
            ("$path", "//evil.example/x", "/evil.example/x"),
            ("$uri", "///evil.example", "/evil.example"),
            ("$path", "/\\evil.example", "/evil.example"),
            ("$path", "/\\/evil.example", "/evil.example"),
            ("/$query", "/?/evil.example", "/evil.example"),
            ("/$query", "/?\\evil.example", "/evil.example"),
            ("/${query}x", "/?\\/evil.example", "/evil.examplex"),
            ("https://$host$path", "//evil.example", "https://shop.example//evil.example"),
            ("//cdn.example$uri", "/@evil.example", "//cdn.example/@evil.example"),
        ] {
            assert_eq!(place(to, target), expected, "{to} {target}");
        }
    }

    #[test]
    fn places_that_a_client_could_choose_are_refused() {
        for (to, told) in [
            ("$query", "must begin with"),
            ("$host/x", "must begin with"),
            ("${request_id}", "must begin with"),
            ("shop.example", "must begin with"),
            ("javascript:alert(1)", "must begin with"),
            ("ftp://a.example/", "must begin with"),
            ("", "must begin with"),
            ("$scheme$uri", "must begin with"),
            ("https://$query", "no host"),
            ("https://$path", "no host"),
            ("https:///x", "no host"),
            ("https://a.example$query", "is a slash missing?"),
            ("https://${host}$query", "is a slash missing?"),
            ("$scheme://a.example${method}/", "is a slash missing?"),
            ("https://$hots/", "no $hots"),
            ("https://$host/$status", "only of a response"),
            ("https://b\u{fc}cher.example/", "escaped"),
            ("/a b", "escaped"),
            ("/a\r\nX: y", "escaped"),
        ] {
            let error = Redirect::new(Status::FOUND, to).unwrap_err().to_string();
            assert!(error.contains(told), "{to}: {error}");
        }
        for status in [200, 300, 304, 305, 404] {
            assert!(Redirect::new(Status::new(status).unwrap(), "/").is_err());
        }
    }

    #[test]
    fn a_request_that_cannot_fill_it_in_gets_400() {
        let redirect = Redirect::new(Status::FOUND, "https://$host$uri").unwrap();
        let mut x = Exchange::<()>::new();
        assert_eq!(redirect.response(&x).unwrap_err().status(), 400);
        x.req.headers.append(Known::Host, "a").unwrap();
        assert!(redirect.response(&x).is_ok());
        x.req.uri = Uri::parse(&Method::OPTIONS, "*".into()).unwrap();
        assert_eq!(redirect.response(&x).unwrap_err().status(), 400);
        let named = Redirect::new(Status::FOUND, "/?$request_id").unwrap();
        let mut x = Exchange::<()>::new();
        x.req.headers.append(Known::XRequestId, "a b").unwrap();
        assert_eq!(named.response(&x).unwrap_err().status(), 400);
    }
}
