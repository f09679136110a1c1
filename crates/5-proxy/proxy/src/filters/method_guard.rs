//! Lets some methods through.

use gorge_error::{Error, Kind, Result};
use gorge_filter::{Exchange, Filter, Flow, Hooks, Role};
use gorge_http::{Known, Method, ResponseHead, Status};

use super::{internal, refuse, refused};

/// Lets some methods through, and answers the others with 405 and an `Allow` of those (RFC 9110 15.5.6).
///
/// GET includes HEAD, as everywhere. TRACE and CONNECT are refused before any filter sees them.
///
/// ```
/// use gorge_http::Method;
/// use gorge_proxy::{Proxy, filters::MethodGuard};
/// use gorge_upstream::Peer;
///
/// let guard = MethodGuard::new([Method::GET, Method::POST])?;
/// let proxy = Proxy::builder().filter(guard).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MethodGuard {
    methods: Vec<Method>,
    allow: String,
}

impl MethodGuard {
    /// Lets these through.
    ///
    /// # Errors
    /// There is none, or one of them is TRACE or CONNECT.
    pub fn new(methods: impl IntoIterator<Item = Method>) -> Result<Self> {
        let mut list: Vec<Method> = Vec::new();
        for method in methods {
            if method == Method::TRACE || method == Method::CONNECT {
                return Err(refuse(format!("{method} is never let through to an upstream")));
            }
            let and_head = (method == Method::GET).then_some(Method::HEAD);
            for method in [method].into_iter().chain(and_head) {
                if !list.contains(&method) {
                    list.push(method);
                }
            }
        }
        if list.is_empty() {
            return Err(refuse("a list without methods lets no request through"));
        }
        let allow = list.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        Ok(Self { methods: list, allow })
    }
}

impl<C: Send + 'static> Filter<C> for MethodGuard {
    const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::RESPONSE);
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        if self.methods.contains(&x.req.method) {
            return Ok(Flow::Continue);
        }
        refused::mark::<Self, C>(x);
        let context = format!("{} is not allowed here", x.req.method.as_str());
        Err(Error::explain(Kind::MethodNotAllowed, context).into_downstream())
    }

    async fn on_response(&self, x: &mut Exchange<C>, head: &mut ResponseHead) -> Result<()> {
        if refused::take::<Self, C>(x) && head.status == Status::METHOD_NOT_ALLOWED {
            // Replaces that of the proxy, which names what it can do at all.
            head.headers.insert(Known::Allow, &self.allow).map_err(internal)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn get_includes_head_and_nothing_comes_twice() {
        let guard = MethodGuard::new([Method::POST, Method::GET, Method::HEAD, Method::GET]).unwrap();
        assert_eq!(guard.allow, "POST, GET, HEAD");
        assert_eq!(MethodGuard::new([Method::HEAD]).unwrap().allow, "HEAD");
        assert!(MethodGuard::new([]).is_err());
        assert!(MethodGuard::new([Method::GET, Method::TRACE]).is_err());
    }
}
