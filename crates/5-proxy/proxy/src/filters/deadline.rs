//! Limits how long an answer may take.

use std::time::Duration;

use gorge_error::Result;
use gorge_filter::{Exchange, Filter, Flow, Hooks, Role};

/// Limits the time from the request to the response head, all attempts together: 504 after it.
///
/// It replaces the limit that the proxy or its route has.
///
/// ```
/// use std::time::Duration;
///
/// use gorge_proxy::{Proxy, filters::Deadline};
/// use gorge_upstream::Peer;
///
/// let soon = Deadline::new(Duration::from_secs(5));
/// let proxy = Proxy::builder().filter(soon).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    total: Duration,
}

impl Deadline {
    /// At most so long.
    #[must_use]
    pub fn new(total: Duration) -> Self {
        Self { total }
    }
}

impl<C: Send + 'static> Filter<C> for Deadline {
    const HOOKS: Hooks = Hooks::REQUEST;
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        x.timeouts.total = Some(self.total);
        Ok(Flow::Continue)
    }
}
