//! Lets clients in or keeps them out, by their addresses.

use gorge_error::{Error, Kind, Result};
use gorge_filter::{Exchange, Filter, Flow, Hooks, Role};
use gorge_protocols::Networks;

use super::client::Client;

/// Lets clients in or keeps them out, by their addresses: 403 for those kept out.
///
/// A client in a denied network is kept out, though it is in an allowed one as well. Where an allowed
/// network is named, everyone in none of them is kept out.
///
/// The client is the other end of the connection. If that is in a [trusted](Self::trust) network, as
/// another proxy would be, it is the address in `X-Forwarded-For` that stands most to the right and is in
/// no trusted network: what stands left of it is what that client says of itself. If all are trusted, the
/// left-most counts; if one on the way is no address, nobody knows who it is, and it is kept out.
/// A [`ForwardedHeaders`](super::ForwardedHeaders) in front of this must trust the same networks, or it
/// has replaced the field.
///
/// A client on a Unix socket has no address: it is kept out where allowed networks are named, and let in
/// else. It is trusted as soon as any network is.
///
/// ```
/// use gorge_proxy::{Proxy, filters::AccessList};
/// use gorge_upstream::Peer;
///
/// let list = AccessList::new()
///     .allow(["10.0.0.0/8".parse::<gorge_protocols::IpNet>()?].into_iter().collect())
///     .deny(["10.1.0.0/16".parse::<gorge_protocols::IpNet>()?].into_iter().collect());
/// let proxy = Proxy::builder().filter(list).upstream("127.0.0.1:9001".parse::<Peer>()?).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct AccessList {
    allow: Option<Networks>,
    deny: Networks,
    trusted: Networks,
}

impl AccessList {
    /// Lets everyone in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets in these alone. An empty set lets nobody in.
    #[must_use]
    pub fn allow(mut self, networks: Networks) -> Self {
        self.allow = Some(networks);
        self
    }

    /// Keeps these out.
    #[must_use]
    pub fn deny(mut self, networks: Networks) -> Self {
        self.deny = networks;
        self
    }

    /// Believes what these say of the clients they speak for.
    #[must_use]
    pub fn trust(mut self, networks: Networks) -> Self {
        self.trusted = networks;
        self
    }

    fn judge(&self, client: Client) -> Result<(), &'static str> {
        match client {
            Client::Ip(ip) if self.deny.contains(ip) => Err("the address of the client is denied"),
            Client::Ip(ip) if self.allow.as_ref().is_some_and(|allow| !allow.contains(ip)) => {
                Err("the address of the client is not among those allowed")
            }
            Client::Ip(_) => Ok(()),
            Client::Unix if self.allow.is_some() => {
                Err("the client has no address, and only some are allowed")
            }
            Client::Unix => Ok(()),
            Client::Unknown => Err("the address of the client is not known"),
        }
    }
}

impl<C: Send + 'static> Filter<C> for AccessList {
    const HOOKS: Hooks = Hooks::REQUEST;
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        match self.judge(Client::of(x, &self.trusted)) {
            Ok(()) => Ok(Flow::Continue),
            Err(why) => Err(Error::explain(Kind::AccessDenied, why).into_downstream()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(list: &[&str]) -> Networks {
        list.iter().map(|net| net.parse::<gorge_protocols::IpNet>().unwrap()).collect()
    }

    #[test]
    fn deny_beats_allow_and_allow_alone_denies_the_rest() {
        let allow = || AccessList::new().allow(networks(&["10.0.0.0/8", "2001:db8::/32"]));
        let deny = || AccessList::new().deny(networks(&["10.1.0.0/16"]));
        let both = allow().deny(networks(&["10.1.0.0/16"]));
        for (ip, allowed, denied, mixed) in [
            ("10.0.0.1", true, true, true),
            ("10.1.0.1", true, false, false),
            ("192.0.2.1", false, true, false),
            ("2001:db8::1", true, true, true),
            ("2001:db9::1", false, true, false),
        ] {
            let client = Client::Ip(ip.parse().unwrap());
            assert_eq!(allow().judge(client).is_ok(), allowed, "{ip}");
            assert_eq!(deny().judge(client).is_ok(), denied, "{ip}");
            assert_eq!(both.judge(client).is_ok(), mixed, "{ip}");
        }
        assert!(AccessList::new().allow(networks(&[])).judge(Client::Ip([10, 0, 0, 1].into())).is_err());
    }

    #[test]
    fn clients_without_an_address() {
        let deny = AccessList::new().deny(networks(&["10.0.0.0/8"]));
        let allow = AccessList::new().allow(networks(&["0.0.0.0/0", "::/0"]));
        assert!(deny.judge(Client::Unix).is_ok() && allow.judge(Client::Unix).is_err());
        assert!(deny.judge(Client::Unknown).is_err() && allow.judge(Client::Unknown).is_err());
    }
}
