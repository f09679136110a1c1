//! Closes the site for a while.

use std::time::Duration;

use gorge_error::{Error, Kind, Result};
use gorge_filter::{Exchange, Filter, Flow, Hooks, Role};
use gorge_http::{Known, ResponseHead, Status};
use gorge_protocols::Networks;

use super::client::Client;
use super::{internal, refused};

/// Closes the site for a while: 503 with `Retry-After` (RFC 9110 10.2.3) for all but some.
///
/// ```
/// use std::time::Duration;
///
/// use gorge_proxy::{Proxy, filters::Maintenance};
/// use gorge_upstream::Peer;
///
/// let closed = Maintenance::new()
///     .retry_after(Duration::from_secs(600))
///     .text("back at noon")
///     .pass(["10.0.0.0/8".parse::<gorge_protocols::IpNet>()?].into_iter().collect());
/// let proxy = Proxy::builder().filter(closed).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Maintenance {
    /// In seconds.
    retry_after: String,
    text: String,
    pass: Networks,
    trusted: Networks,
}

impl Default for Maintenance {
    fn default() -> Self {
        Self::new()
    }
}

impl Maintenance {
    /// Closed for everyone; back in 5 minutes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            retry_after: "300".to_owned(),
            text: "closed for maintenance".to_owned(),
            pass: Networks::default(),
            trusted: Networks::default(),
        }
    }

    /// When to come back, in whole seconds, at least one. Default 5 minutes.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = after.as_secs().max(1).to_string();
        self
    }

    /// What the error page gives as the reason. Default `closed for maintenance`.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// Lets clients of these networks in. Who the client is: as of an
    /// [`AccessList`](super::AccessList).
    #[must_use]
    pub fn pass(mut self, networks: Networks) -> Self {
        self.pass = networks;
        self
    }

    /// Believes what these say of the clients they speak for.
    #[must_use]
    pub fn trust(mut self, networks: Networks) -> Self {
        self.trusted = networks;
        self
    }
}

impl<C: Send + 'static> Filter<C> for Maintenance {
    const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::RESPONSE);
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        if let Client::Ip(ip) = Client::of(x, &self.trusted)
            && self.pass.contains(ip)
        {
            return Ok(Flow::Continue);
        }
        refused::mark::<Self, C>(x);
        Err(Error::explain(Kind::Maintenance, self.text.clone()).into_downstream())
    }

    async fn on_response(&self, x: &mut Exchange<C>, head: &mut ResponseHead) -> Result<()> {
        if refused::take::<Self, C>(x) && head.status == Status::SERVICE_UNAVAILABLE {
            head.headers.insert(Known::RetryAfter, &self.retry_after).map_err(internal)?;
        }
        Ok(())
    }
}
