//! Asks clients who they are.

use gorge_error::{Error, Kind, Result};
use gorge_filter::{Exchange, Filter, Flow, Hooks, Role};
use gorge_http::{Known, ResponseHead, Status};
use gorge_protocols::Credentials;

use super::{internal, refuse, refused};

/// Asks clients for a name and a password (RFC 7617): 401 and a `WWW-Authenticate` for those that show
/// none that are right.
///
/// Who it was is in the slot of [`Identity`](gorge_protocols::Identity) for filters behind this one.
/// `Authorization` does not go upstream unless [`keep`](Self::keep) says so. Browsers ask a CORS
/// preflight without it, so a [`Cors`](super::Cors) belongs in front of this. Checking takes the same
/// time whatever is wrong, see [`Credentials`].
///
/// ```
/// use gorge_proxy::{Proxy, filters::BasicAuth};
/// use gorge_upstream::Peer;
///
/// let auth = BasicAuth::new("shop", [("alice", "secret")])?;
/// let proxy = Proxy::builder().filter(auth).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BasicAuth(Auth);

impl BasicAuth {
    /// Lets in these names with these passwords. A password that begins with `{SHA256}` is given as the
    /// SHA-256 of the real one, in hexadecimal. The realm tells users what they log in to.
    ///
    /// # Errors
    /// Nobody is named; a name that is empty, has a colon or comes twice, an empty password, a hash that
    /// is none; a realm with a control character or one beyond ASCII.
    pub fn new<N: AsRef<str>, S: AsRef<str>>(
        realm: &str,
        users: impl IntoIterator<Item = (N, S)>,
    ) -> Result<Self> {
        let mut users = users.into_iter().peekable();
        if users.peek().is_none() {
            return Err(refuse("basic authentication without users lets nobody in"));
        }
        let credentials = Credentials::basic(users).map_err(|why| refuse(why.to_string()))?;
        Auth::new(realm, credentials).map(Self)
    }

    /// Lets `Authorization` go upstream.
    #[must_use]
    pub fn keep(mut self) -> Self {
        self.0.keep = true;
        self
    }
}

impl<C: Send + 'static> Filter<C> for BasicAuth {
    const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::RESPONSE);
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        self.0.admit(x)
    }

    async fn on_response(&self, x: &mut Exchange<C>, head: &mut ResponseHead) -> Result<()> {
        self.0.challenge(x, head)
    }
}

/// Asks clients for a token (RFC 6750): 401 and a `WWW-Authenticate` for those that show none that is
/// right.
///
/// `Authorization` does not go upstream unless [`keep`](Self::keep) says so.
///
/// ```
/// use gorge_proxy::{Proxy, filters::BearerAuth};
/// use gorge_upstream::Peer;
///
/// let auth = BearerAuth::new("api", ["c2VjcmV0"])?;
/// let proxy = Proxy::builder().filter(auth).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BearerAuth(Auth);

impl BearerAuth {
    /// Lets in whoever shows one of these tokens. One that begins with `{SHA256}` is given as the SHA-256
    /// of the real one, in hexadecimal.
    ///
    /// # Errors
    /// There is none; one is empty, or a hash that is none; a realm with a control character or one
    /// beyond ASCII.
    pub fn new<S: AsRef<str>>(realm: &str, tokens: impl IntoIterator<Item = S>) -> Result<Self> {
        let mut tokens = tokens.into_iter().peekable();
        if tokens.peek().is_none() {
            return Err(refuse("bearer authentication without tokens lets nobody in"));
        }
        let credentials = Credentials::bearer(tokens).map_err(|why| refuse(why.to_string()))?;
        Auth::new(realm, credentials).map(Self)
    }

    /// Lets `Authorization` go upstream.
    #[must_use]
    pub fn keep(mut self) -> Self {
        self.0.keep = true;
        self
    }
}

impl<C: Send + 'static> Filter<C> for BearerAuth {
    const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::RESPONSE);
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        self.0.admit(x)
    }

    async fn on_response(&self, x: &mut Exchange<C>, head: &mut ResponseHead) -> Result<()> {
        self.0.challenge(x, head)
    }
}

/// What both schemes share.
#[derive(Clone, Debug)]
struct Auth {
    credentials: Credentials,
    challenge: String,
    keep: bool,
}

impl Auth {
    fn new(realm: &str, credentials: Credentials) -> Result<Self> {
        if let Some(c) = realm.chars().find(|c| !matches!(c, ' '..='~')) {
            return Err(refuse(format!("the realm {realm:?} holds {c:?}; it is plain ASCII")));
        }
        let challenge = credentials.challenge(realm);
        Ok(Self { credentials, challenge, keep: false })
    }

    fn admit<C>(&self, x: &mut Exchange<C>) -> Result<Flow> {
        let shown = x.req.headers.get(Known::Authorization);
        // Of two, an upstream could believe the other one.
        let twice = shown.is_some() && x.req.headers.count(Known::Authorization) > 1;
        match self.credentials.check(shown).filter(|_| !twice) {
            Some(identity) => {
                x.set(identity);
                if !self.keep {
                    x.req.headers.remove(Known::Authorization);
                }
                Ok(Flow::Continue)
            }
            None => {
                let why = match shown {
                    None => "the request shows no credentials",
                    Some(_) => "the credentials of the request are not right",
                };
                refused::mark::<Self, C>(x);
                Err(Error::explain(Kind::AuthenticationMissing, why).into_downstream())
            }
        }
    }

    fn challenge<C>(&self, x: &mut Exchange<C>, head: &mut ResponseHead) -> Result<()> {
        if refused::take::<Self, C>(x) && head.status == Status::UNAUTHORIZED {
            head.headers.append(Known::WwwAuthenticate, &self.challenge).map_err(internal)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_nobody_in_is_refused() {
        let none: [(&str, &str); 0] = [];
        for (result, told) in [
            (BasicAuth::new("r", none).map(|_| ()), "nobody in"),
            (BasicAuth::new("r", [("a:b", "x")]).map(|_| ()), "colon"),
            (BasicAuth::new("r", [("a", "")]).map(|_| ()), "empty password"),
            (BasicAuth::new("r", [("a", "{SHA256}12")]).map(|_| ()), "64 hexadecimal"),
            (BasicAuth::new("r\u{e9}", [("a", "x")]).map(|_| ()), "plain ASCII"),
            (BasicAuth::new("r\r\n", [("a", "x")]).map(|_| ()), "plain ASCII"),
            (BearerAuth::new("r", [""; 0]).map(|_| ()), "nobody in"),
            (BearerAuth::new("r", [""]).map(|_| ()), "empty"),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), Kind::Configuration);
            assert!(error.to_string().contains(told), "{error}");
        }
    }
}
