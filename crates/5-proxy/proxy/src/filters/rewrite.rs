//! Changes the path on its way upstream.

use gorge_error::Result;
use gorge_filter::{Exchange, Filter, Flow, Hooks, Role};
use gorge_http::{Uri, path};

use super::{internal, refuse, scratch};
use crate::route::{PathPattern, normalize};

/// Changes the path on its way upstream, and keeps the query.
///
/// A prefix counts at a segment boundary, as in a [route](crate::route::PathPattern): `/api` is one of
/// `/api`, `/api/` and `/api/x`, but not of `/apix`. Paths without it stay as they are.
///
/// What it judges and forwards is the [normal form](gorge_http::path); a path that has none is answered
/// with 400. The new path begins with one slash, never with two, which some read as the beginning of
/// another host: stripping `/api` off `/api//evil.example/` leaves `/evil.example/`, and of backslashes
/// in that place the same holds.
///
/// A path that changes takes one allocation.
///
/// ```
/// use gorge_proxy::{Proxy, filters::Rewrite};
/// use gorge_upstream::Peer;
///
/// // /api/users?page=2 becomes /v2/users?page=2
/// let rewrite = Rewrite::replace_prefix("/api", "/v2")?;
/// let proxy = Proxy::builder().filter(rewrite).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rewrite(Rule);

#[derive(Clone, Debug)]
enum Rule {
    Path(String),
    /// Both without a slash at their ends, so that the root is empty.
    Prefix {
        prefix: String,
        with: String,
    },
}

impl Rewrite {
    /// Takes `prefix` off.
    ///
    /// # Errors
    /// It is no path, or has another normal form.
    pub fn strip_prefix(prefix: &str) -> Result<Self> {
        Self::replace_prefix(prefix, "/")
    }

    /// Puts `with` in the place of `prefix`. Slashes at their ends make no difference.
    ///
    /// # Errors
    /// One of them is no path, has another normal form, or `with` begins with two slashes.
    pub fn replace_prefix(prefix: &str, with: &str) -> Result<Self> {
        Ok(Self(Rule::Prefix { prefix: without_end(prefix)?, with: without_end(single(with)?)? }))
    }

    /// Asks for this path, whatever was asked for.
    ///
    /// # Errors
    /// It is no path, has another normal form, or begins with two slashes.
    pub fn path(path: &str) -> Result<Self> {
        PathPattern::exact(single(path)?)?;
        Ok(Self(Rule::Path(path.to_owned())))
    }

    fn apply(&self, uri: &mut Uri) -> Result<()> {
        match &self.0 {
            Rule::Path(path) => uri.set_path(path).map_err(internal),
            Rule::Prefix { prefix, with } => match uri.path().strip_prefix(prefix.as_str()) {
                Some(rest) if rest.is_empty() || rest.starts_with('/') => replace(uri, prefix.len(), with),
                _ => Ok(()),
            },
        }
    }
}

/// Puts `with` in the place of the first `len` bytes of the path.
fn replace(uri: &mut Uri, len: usize, with: &str) -> Result<()> {
    scratch::with(|path| {
        let rest = &uri.path()[len..];
        path.extend_from_slice(with.as_bytes());
        if with.is_empty() {
            path.push(b'/');
            path.extend_from_slice(rest.trim_start_matches(['/', '\\']).as_bytes());
        } else {
            path.extend_from_slice(rest.as_bytes());
        }
        let path = std::str::from_utf8(path).map_err(internal)?;
        if path == uri.path() { Ok(()) } else { uri.set_path(path).map_err(internal) }
    })
}

impl<C: Send + 'static> Filter<C> for Rewrite {
    const HOOKS: Hooks = Hooks::REQUEST;
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        // The asterisk of OPTIONS is no path.
        if x.req.uri.path().starts_with('/') {
            x.keep_target();
            if !path::is_normal(x.req.uri.path()) {
                normalize(&mut x.req.uri)?;
            }
            self.apply(&mut x.req.uri)?;
        }
        Ok(Flow::Continue)
    }
}

fn without_end(path: &str) -> Result<String> {
    PathPattern::prefix(path)?;
    Ok(path.trim_end_matches('/').to_owned())
}

fn single(path: &str) -> Result<&str> {
    let mut bytes = path.bytes().skip(1);
    match bytes.next() {
        Some(b'/' | b'\\') if path.len() > 1 && path.starts_with('/') => {
            Err(refuse(format!("the path {path:?} must begin with one slash: two begin another host")))
        }
        _ => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use gorge_error::Kind;
    use gorge_http::Method;

    use super::*;

    fn rewritten(rule: &Rewrite, target: &str) -> String {
        let mut uri = Uri::parse(&Method::GET, target.as_bytes().to_vec().into()).unwrap();
        normalize(&mut uri).unwrap();
        rule.apply(&mut uri).unwrap();
        uri.as_str().to_owned()
    }

    #[test]
    fn a_prefix_is_taken_off_at_a_segment_boundary() {
        for prefix in ["/api", "/api/"] {
            let rule = Rewrite::strip_prefix(prefix).unwrap();
            for (target, expected) in [
                ("/api", "/"),
                ("/api/", "/"),
                ("/api?q", "/?q"),
                ("/api/x/y?q=/api/", "/x/y?q=/api/"),
                ("/apix", "/apix"),
                ("/", "/"),
                ("/other/api/x", "/other/api/x"),
                ("/%61pi/x", "/x"),
                ("/x/../api/y", "/y"),
                ("/api/..%2Fsecret", "/..%2Fsecret"),
                ("/api/%252e%252e/x", "/%252e%252e/x"),
                ("http://a.example/api/x?q", "http://a.example/x?q"),
                // What would begin another host.
                ("/api//evil.example/", "/evil.example/"),
                ("/api////evil.example", "/evil.example"),
                ("/api/\\evil.example", "/evil.example"),
                ("/api//\\/evil.example", "/evil.example"),
            ] {
                assert_eq!(rewritten(&rule, target), expected, "{target}");
            }
        }
    }

    #[test]
    fn a_prefix_is_replaced() {
        for with in ["/v2", "/v2/"] {
            let rule = Rewrite::replace_prefix("/api", with).unwrap();
            for (target, expected) in [
                ("/api", "/v2"),
                ("/api/", "/v2/"),
                ("/api/x?q", "/v2/x?q"),
                ("/api//x", "/v2//x"),
                ("/v1", "/v1"),
            ] {
                assert_eq!(rewritten(&rule, target), expected, "{target}");
            }
        }
        let all = Rewrite::replace_prefix("/", "/v2").unwrap();
        assert_eq!(rewritten(&all, "/x"), "/v2/x");
        assert_eq!(rewritten(&all, "//x"), "/v2//x");
        assert_eq!(rewritten(&Rewrite::strip_prefix("/").unwrap(), "//evil.example"), "/evil.example");
    }

    #[test]
    fn a_fixed_path_keeps_the_query() {
        let rule = Rewrite::path("/index.html").unwrap();
        assert_eq!(rewritten(&rule, "/a/b?q"), "/index.html?q");
        assert_eq!(rewritten(&rule, "//evil.example"), "/index.html");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for (result, told) in [
            (Rewrite::strip_prefix("api"), "slash"),
            (Rewrite::strip_prefix("/a/../b"), "normal form"),
            (Rewrite::replace_prefix("/api", "v2"), "slash"),
            (Rewrite::replace_prefix("/api", "//evil.example"), "two begin another host"),
            (Rewrite::path("/\\evil.example"), "two begin another host"),
            (Rewrite::path("/a?b"), "query"),
            (Rewrite::path(""), "slash"),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), Kind::Configuration);
            assert!(error.to_string().contains(told), "{error}");
        }
    }
}
