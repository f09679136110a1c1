//! Which connections may stand in for each other.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use gorge_digest::PeerAddr;
use gorge_protocols::{Address, ConnectOptions, Family, Resolver};
#[cfg(feature = "openssl")]
use gorge_tls::Identity;

/// One seed per process: keys can be made from what clients send (a forward proxy), so nobody
/// outside may know which of them collide.
static SEED: LazyLock<foldhash::quality::RandomState> = LazyLock::new(Default::default);

/// What a connection must have in common with a peer to be used for it: all that decides who is at
/// the other end, and how we appear there.
///
/// That is the address, the source address and interface, the group key, the client that a PROXY
/// protocol header named, and with TLS all that is verified and shown (`gorge_tls::Identity`). The hash is
/// computed once; comparing looks at every part. Cloning allocates nothing.
#[derive(Clone)]
pub struct ReuseKey {
    hash: u64,
    parts: Arc<Parts>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Parts {
    address: Address,
    source: Option<SocketAddr>,
    interface: Option<String>,
    group: Option<String>,
    /// Who says which address a name has, and which of its addresses count.
    resolved: Option<(Option<Resolver>, Family)>,
    /// Who is named at the other end as the client, and which address it reached.
    client: Option<(Option<PeerAddr>, Option<PeerAddr>)>,
    /// How the other end was verified, and what was shown to it; `None` in the clear.
    #[cfg(feature = "openssl")]
    tls: Option<Arc<Identity>>,
}

impl ReuseKey {
    pub(crate) fn new(address: &Address, connect: &ConnectOptions, group: Option<&str>) -> Self {
        let parts = Parts {
            address: address.clone(),
            source: connect.source,
            interface: connect.interface.clone(),
            group: group.map(str::to_owned),
            resolved: matches!(address, Address::Name(..))
                .then(|| (connect.resolver.clone(), connect.family)),
            client: None,
            #[cfg(feature = "openssl")]
            tls: None,
        };
        Self::of(parts)
    }

    fn of(parts: Parts) -> Self {
        Self { hash: SEED.hash_one(&parts), parts: Arc::new(parts) }
    }

    /// The key of a connection over TLS of this identity.
    #[cfg(feature = "openssl")]
    pub(crate) fn with_tls(self, tls: Option<Arc<Identity>>) -> Self {
        match tls {
            None => self,
            Some(_) => Self::of(Parts { tls, ..(*self.parts).clone() }),
        }
    }

    /// The key of a connection that was introduced to its other end as that of this client, by a PROXY
    /// protocol header: it must carry no exchange of another.
    #[must_use]
    pub fn introduced(&self, client: Option<&PeerAddr>, reached: Option<&PeerAddr>) -> Self {
        let client = Some((client.cloned(), reached.cloned()));
        Self::of(Parts { client, ..(*self.parts).clone() })
    }

    /// The address connected to.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.parts.address
    }

    /// The group key, if the peer has one.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.parts.group.as_deref()
    }
}

impl Hash for ReuseKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialEq for ReuseKey {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && (Arc::ptr_eq(&self.parts, &other.parts) || self.parts == other.parts)
    }
}

impl Eq for ReuseKey {}

impl fmt::Debug for ReuseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(address: &str, source: Option<&str>, interface: Option<&str>, group: Option<&str>) -> ReuseKey {
        let connect = ConnectOptions {
            source: source.map(|s| s.parse().unwrap()),
            interface: interface.map(str::to_owned),
            ..ConnectOptions::default()
        };
        ReuseKey::new(&address.parse().unwrap(), &connect, group)
    }

    #[test]
    fn equal_parts_give_equal_keys_and_hashes() {
        let (a, b) = (key("127.0.0.1:1", None, None, Some("x")), key("127.0.0.1:1", None, None, Some("x")));
        assert_eq!(a, b);
        assert_eq!(SEED.hash_one(&a), SEED.hash_one(&b));
    }

    #[test]
    fn every_part_separates() {
        let all = [
            key("127.0.0.1:1", None, None, None),
            key("127.0.0.1:2", None, None, None),
            key("unix:/a", None, None, None),
            key("unix:@/a", None, None, None),
            key("127.0.0.1:1", Some("127.0.0.2:0"), None, None),
            key("127.0.0.1:1", None, Some("lo"), None),
            key("127.0.0.1:1", None, None, Some("lo")),
            key("127.0.0.1:1", None, None, Some("")),
        ];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert_eq!(a == b, i == j, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn who_resolves_a_name_separates_and_of_an_address_does_not() {
        let own = ConnectOptions { family: Family::Ipv6, ..ConnectOptions::default() };
        let of =
            |address: &str, connect: &ConnectOptions| ReuseKey::new(&address.parse().unwrap(), connect, None);
        let usual = ConnectOptions::default();
        assert_ne!(of("app.example:1", &usual), of("app.example:1", &own));
        assert_eq!(of("127.0.0.1:1", &usual), of("127.0.0.1:1", &own));
    }

    #[test]
    fn each_client_that_is_introduced_has_its_own() {
        let plain = key("127.0.0.1:1", None, None, None);
        let client = |text: &str| PeerAddr::Ip(text.parse().unwrap());
        let (a, b) = (client("192.0.2.1:5"), client("192.0.2.1:6"));
        let introduced = plain.introduced(Some(&a), None);
        assert_eq!(introduced, plain.introduced(Some(&a), None));
        for other in [plain.clone(), plain.introduced(Some(&b), None), plain.introduced(Some(&a), Some(&b))] {
            assert_ne!(introduced, other);
        }
    }

    #[cfg(feature = "openssl")]
    #[test]
    fn what_is_verified_and_shown_separates_and_so_does_the_clear() {
        use gorge_tls::{ClientOptions, Connector, Version};

        let of = |name: &str, change: &dyn Fn(&mut ClientOptions)| {
            let mut options = ClientOptions::default();
            // The roots of the system may be none, and nobody is verified here.
            options.verify = false;
            change(&mut options);
            let endpoint = Connector::new(options).unwrap().to(name);
            key("127.0.0.1:1", None, None, None).with_tls(Some(endpoint.identity().clone()))
        };
        let same: &dyn Fn(&mut ClientOptions) = &|_| {};
        let all = [
            key("127.0.0.1:1", None, None, None),
            of("a.example", same),
            of("b.example", same),
            of("a.example", &|options| options.verify_host = false),
            of("a.example", &|options| options.alternative_name = Some("b.example".to_owned())),
            of("a.example", &|options| options.min_version = Version::Tls13),
            of("a.example", &|options| options.alpn = Vec::new()),
            of("a.example", &|options| options.groups = Some(vec!["P-256".to_owned()])),
        ];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert_eq!(a == b, i == j, "{a:?} {b:?}");
            }
        }
        // Another connector of the same options is as good.
        assert_eq!(of("a.example", same), of("a.example", same));
        let client = PeerAddr::Ip("192.0.2.1:5".parse().unwrap());
        assert_ne!(
            of("a.example", same).introduced(Some(&client), None),
            of("b.example", same).introduced(Some(&client), None)
        );
    }

    #[test]
    fn what_changes_neither_end_does_not_separate() {
        let patient =
            ConnectOptions { timeout: std::time::Duration::from_secs(60), ..ConnectOptions::default() };
        let address: Address = "127.0.0.1:1".parse().unwrap();
        assert_eq!(ReuseKey::new(&address, &patient, None), key("127.0.0.1:1", None, None, None));
    }
}
