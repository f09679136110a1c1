//! Keeps clients from changing the protocol.

use gorge_error::Result;
use gorge_filter::{Exchange, Filter, Flow, Hooks, Role};

/// Keeps clients from changing to another protocol, such as WebSocket (RFC 9110 7.8): their wish is not
/// passed on, and the request is an ordinary one.
///
/// ```
/// use gorge_proxy::{Proxy, filters::NoUpgrade};
/// use gorge_upstream::Peer;
///
/// let proxy = Proxy::builder().filter(NoUpgrade).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NoUpgrade;

impl<C: Send + 'static> Filter<C> for NoUpgrade {
    const HOOKS: Hooks = Hooks::REQUEST;
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        x.facts.upgrade = None;
        Ok(Flow::Continue)
    }
}
