//! Certificates of clients: who must show one, what is good, and what both sides are told.

mod peers;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use gorge_error::{Error, Kind};
use gorge_test_util::{Authority, ClientTls, Leaf, TlsVersion, python_tls, s_client};
use gorge_tls::{Acceptor, ClientAuth, Endpoint, Roots, ServerOptions, TicketKeys, Version};
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslVersion};
use openssl::x509::X509;
use peers::served::{Met, REQUEST, Served, VERSIONS, accept_from, acceptor, meet, only};
use peers::{certificate, endpoint, options, said};

const NAME: &str = "app.example";

/// Who signs servers, who signs clients, and one that no server knows.
struct World {
    servers: Authority,
    clients: Authority,
    others: Authority,
    site: Leaf,
}

impl World {
    fn new() -> Self {
        let servers = Authority::new("servers");
        let site = servers.leaf(&[NAME]).make();
        Self { site, servers, clients: Authority::new("clients"), others: Authority::new("others") }
    }

    fn roots(&self) -> Roots {
        Roots::from_pem(self.clients.pem().as_bytes()).unwrap()
    }

    fn required(&self) -> ClientAuth {
        ClientAuth::Required(self.roots())
    }

    fn optional(&self) -> ClientAuth {
        ClientAuth::Optional(self.roots())
    }

    fn server(&self, auth: ClientAuth) -> Acceptor {
        self.server_with(|options| options.client_auth = auth)
    }

    fn server_with(&self, change: impl FnOnce(&mut ServerOptions)) -> Acceptor {
        acceptor(&[&self.site], change)
    }

    fn client(&self, version: Version, identity: Option<&Leaf>) -> Endpoint {
        endpoint(
            NAME,
            options(&self.servers, |options| {
                only(version)(options);
                options.certificate = identity.map(certificate);
            }),
        )
    }

    async fn meet(&self, version: Version, identity: Option<&Leaf>, server: &Acceptor) -> Met {
        meet(&self.client(version, identity), server).await
    }

    /// Each that is not good: the client's certificate, what is told of it, and with which alert.
    fn bad(&self) -> Vec<Bad> {
        let bad = |leaf, kind, fault, alert| Bad { leaf, kind, fault, alert };
        let below = self.clients.intermediate("below");
        vec![
            bad(
                self.others.client("mallory").make(),
                Kind::CertificateInvalid,
                "unable to get local issuer certificate",
                "does not know its CA",
            ),
            bad(
                self.clients.client("mallory").self_signed().make(),
                Kind::CertificateInvalid,
                "self-signed certificate",
                "does not know its CA",
            ),
            bad(
                below.client("alice").missing_intermediate().make(),
                Kind::CertificateInvalid,
                "unable to get local issuer certificate",
                "does not know its CA",
            ),
            bad(
                self.clients.client("alice").expired().make(),
                Kind::CertificateExpired,
                "certificate has expired",
                "not valid at this time",
            ),
            bad(
                self.clients.client("alice").not_yet_valid().make(),
                Kind::CertificateExpired,
                "certificate is not yet valid",
                "refuses the client certificate",
            ),
            bad(
                self.clients.client("alice").for_servers_only().make(),
                Kind::CertificateInvalid,
                "unsuitable certificate purpose",
                "refuses the client certificate",
            ),
        ]
    }
}

struct Bad {
    leaf: Leaf,
    kind: Kind,
    fault: &'static str,
    alert: &'static str,
}

/// `self signed` and `self-signed` are one; the libraries spell them so.
fn spelled(text: &str) -> String {
    text.replace("self signed", "self-signed").replace("unsupported certificate", "unsuitable certificate")
}

/// What the client says: with TLS 1.3 not before its first read.
fn clients_word(version: Version, met: &Met) -> String {
    match (version, &met.client, &met.read) {
        (Version::Tls12, Err(error), None) => said(error),
        (Version::Tls13, Ok(_), Some(Err(error))) => {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
            said(inner.unwrap_or_else(|| panic!("{error:?}")))
        }
        (_, client, read) => panic!("{:?}, {read:?}", client.as_ref().err()),
    }
}

#[tokio::test]
async fn none_is_asked_for_where_it_is_off() {
    let world = World::new();
    let alice = world.clients.client("alice").make();
    for version in VERSIONS {
        for identity in [None, Some(&alice)] {
            let (_, server) = world.meet(version, identity, &world.server(ClientAuth::Off)).await.both();
            let digest = server.tls_digest();
            assert_eq!(digest.peer_certificate, None);
            assert_eq!((digest.certificate_asked, digest.peer_verified()), (false, "none"));
        }
    }
}

#[tokio::test]
async fn without_one_a_client_is_refused_where_it_is_required_and_taken_where_it_is_optional() {
    let world = World::new();
    for version in VERSIONS {
        let met = world.meet(version, None, &world.server(world.required())).await;
        assert_eq!(met.refused().kind(), Kind::CertificateMissing);
        assert_eq!(
            said(met.refused()),
            format!("the client showed no certificate, and must (it asked for {NAME})")
        );
        let word = clients_word(version, &met);
        assert!(word.contains("client certificate") || word.contains("without a certificate"), "{word}");

        let (_, server) = world.meet(version, None, &world.server(world.optional())).await.both();
        let digest = server.tls_digest();
        assert_eq!((digest.certificate_asked, digest.peer_verified()), (true, "none"));
    }
}

#[tokio::test]
async fn a_good_one_is_in_the_digest() {
    let world = World::new();
    let alice = world.clients.client("alice").organisation("Acme").make();
    let ours = certificate(&alice);
    for version in VERSIONS {
        for auth in [world.required(), world.optional()] {
            let (_, server) = world.meet(version, Some(&alice), &world.server(auth)).await.both();
            let digest = server.tls_digest();
            assert_eq!((digest.certificate_asked, digest.peer_verified()), (true, "ok"));
            let told = digest.peer_certificate.as_ref().unwrap();
            assert_eq!(told.subject.as_deref(), Some("CN=alice,O=Acme"));
            assert_eq!(told.issuer.as_deref(), Some("CN=clients"));
            assert_eq!(told.organisation.as_deref(), Some("Acme"));
            assert_eq!(told.serial.as_deref(), Some(ours.serial().as_str()));
            assert_eq!(told.sha256, Some(ours.sha256()));
        }
    }
}

#[tokio::test]
async fn a_bad_one_is_refused_where_it_is_required() {
    let world = World::new();
    let server = world.server(world.required());
    for version in VERSIONS {
        for Bad { leaf, kind, fault, alert } in world.bad() {
            let met = world.meet(version, Some(&leaf), &server).await;
            assert_eq!(met.refused().kind(), kind, "{version:?} {fault}");
            let text = spelled(&said(met.refused()));
            assert!(text.starts_with(&format!("the client's certificate is refused: {fault}")), "{text}");
            let word = clients_word(version, &met);
            assert!(word.contains(alert), "{version:?} {fault}: {word}");
        }
    }
}

#[tokio::test]
async fn a_bad_one_is_told_of_where_it_is_optional() {
    let world = World::new();
    let server = world.server(world.optional());
    for version in VERSIONS {
        for Bad { leaf, fault, .. } in world.bad() {
            let (_, server) = world.meet(version, Some(&leaf), &server).await.both();
            let digest = server.tls_digest();
            let told = spelled(digest.peer_verified());
            assert!(told.starts_with(fault), "{version:?} {fault}: {told}");
            assert_eq!(digest.peer_certificate.as_ref().unwrap().sha256, Some(certificate(&leaf).sha256()));
        }
    }
}

#[tokio::test]
async fn so_many_may_stand_between() {
    let world = World::new();
    let one = world.clients.intermediate("one");
    let two = one.intermediate("two");
    let three = two.intermediate("three");
    let [below_none, below_one, below_two, below_three] =
        [&world.clients, &one, &two, &three].map(|authority| authority.client("alice").make());
    let depths = [
        (0, vec![&below_none], Some(&below_one)),
        (1, vec![&below_none, &below_one], Some(&below_two)),
        (2, vec![&below_none, &below_one, &below_two], Some(&below_three)),
        (3, vec![&below_none, &below_one, &below_two, &below_three], None),
    ];
    for version in VERSIONS {
        for (depth, good, bad) in &depths {
            let server = world.server_with(|options| {
                options.client_auth = world.required();
                options.client_depth = *depth;
            });
            for leaf in good {
                let (_, server) = world.meet(version, Some(leaf), &server).await.both();
                assert_eq!(server.tls_digest().peer_verified(), "ok");
            }
            if let Some(leaf) = bad {
                let met = world.meet(version, Some(leaf), &server).await;
                assert_eq!(met.refused().kind(), Kind::CertificateInvalid, "{depth}");
            }
        }
    }
    let by_default = world.server(world.required());
    world.meet(Version::Tls13, Some(&below_two), &by_default).await.both();
    world.meet(Version::Tls13, Some(&below_three), &by_default).await.refused();
}

#[tokio::test]
async fn it_stays_visible_through_resumption() {
    let world = World::new();
    let alice = world.clients.client("alice").make();
    let stranger = world.others.client("stranger").make();
    let cases = [
        (world.required(), &alice, "ok"),
        (world.optional(), &alice, "ok"),
        (world.optional(), &stranger, "unable to get local issuer certificate"),
    ];
    for version in VERSIONS {
        for (auth, leaf, verified) in &cases {
            let acceptor = world.server(auth.clone());
            let client = world.client(version, Some(leaf));
            for visit in 0..3 {
                let (_, server) = meet(&client, &acceptor).await.both();
                let digest = server.tls_digest();
                assert_eq!(digest.resumed, Some(visit > 0), "{version:?}");
                assert_eq!((digest.certificate_asked, digest.peer_verified()), (true, *verified));
                let told = digest.peer_certificate.as_ref().unwrap();
                assert_eq!(told.sha256, Some(certificate(leaf).sha256()), "{version:?} {visit}");
            }
        }
    }
}

#[tokio::test]
async fn a_ticket_is_worth_nothing_where_clients_are_verified_otherwise() {
    let world = World::new();
    let keys = TicketKeys::new().unwrap();
    let with = |auth: ClientAuth, depth| {
        world.server_with(|options| {
            options.ticket_keys = Some(keys.clone());
            options.client_auth = auth;
            options.client_depth = depth;
        })
    };
    let others = ClientAuth::Required(Roots::from_pem(world.others.pem().as_bytes()).unwrap());
    let alice = world.clients.client("alice").make();
    for version in VERSIONS {
        for before in [ClientAuth::Off, world.optional(), others.clone()] {
            let (before, required) = (with(before, 2), with(world.required(), 2));
            // One that has no certificate that is good there.
            for identity in [None, Some(world.others.client("stranger").make())] {
                let client = world.client(version, identity.as_ref());
                let first = meet(&client, &before).await;
                if first.server.is_err() {
                    continue;
                }
                first.both();
                let met = meet(&client, &required).await;
                let kinds = [Kind::CertificateMissing, Kind::CertificateInvalid];
                assert!(kinds.contains(&met.refused().kind()), "{version:?}");
            }
            // And one that has goes on anew.
            let client = world.client(version, Some(&alice));
            if meet(&client, &before).await.server.is_ok() {
                let (_, server) = meet(&client, &required).await.both();
                let digest = server.tls_digest();
                assert_eq!((digest.resumed, digest.peer_verified()), (Some(false), "ok"), "{version:?}");
            }
        }
        // The same way of verifying goes on.
        let client = world.client(version, Some(&alice));
        assert!(!meet(&client, &with(world.required(), 2)).await.resumed());
        assert!(meet(&client, &with(world.required(), 2)).await.resumed());
        assert!(!meet(&client, &with(world.required(), 1)).await.resumed());
    }
}

#[test]
fn others_show_theirs_too() {
    let world = World::new();
    let below = world.clients.intermediate("below");
    let (alice, mallory) = (below.client("alice").make(), world.others.client("mallory").make());
    let served = Served::start(&world.server(world.required()));
    for version in [TlsVersion::V12, TlsVersion::V13] {
        let tls = ClientTls::new(NAME).trusting(&world.servers).versions(version, version);
        let good = tls.clone().identity(&alice);
        let visits = python_tls(served.addr, &good, REQUEST, 2).unwrap();
        assert!(!visits[0].seen.resumed && visits[1].seen.resumed, "{version:?}");
        for _ in 0..2 {
            let digest = served.digest();
            let told = digest.peer_certificate.as_ref().unwrap();
            assert_eq!(told.sha256, Some(certificate(&alice).sha256()));
        }
        // Which ones are good is told.
        let ran = s_client(served.addr, &good, REQUEST, &[]);
        assert!(
            ran.stdout.contains("Acceptable client certificate CA names\nCN = clients\n"),
            "{}",
            ran.stdout
        );
        assert!(ran.stdout.ends_with("hello") || ran.stdout.contains("hello"), "{}", ran.stdout);
        served.digest();

        let ran = s_client(served.addr, &tls.clone().identity(&mallory), REQUEST, &[]);
        assert!(!ran.stdout.contains("hello"), "{}", ran.stdout);
        assert!(ran.stderr.contains("alert unknown ca"), "{}", ran.stderr);
        assert_eq!(served.error().kind(), Kind::CertificateInvalid);

        let ran = s_client(served.addr, &tls, REQUEST, &[]);
        assert!(!ran.stdout.contains("hello"), "{}", ran.stdout);
        // The two versions, and the two libraries, have their own words for it.
        assert!(ran.stderr.contains("alert"), "{}", ran.stderr);
        assert_eq!(served.error().kind(), Kind::CertificateMissing);
    }
}

#[tokio::test]
async fn whoever_shows_a_certificate_has_its_key() {
    let world = World::new();
    let alice = world.clients.client("alice").make();
    let server = world.server(world.required());
    let error = accept_from(&server, move |stream| {
        let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
        context.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
        let chain = X509::stack_from_pem(alice.cert_pem().as_bytes()).unwrap();
        let key = PKey::private_key_from_pem(alice.key_pem().as_bytes()).unwrap();
        peers::show(&mut context, &chain, &key);
        let ssl = Ssl::new(&context.build()).unwrap();
        // The server's refusal is what counts.
        drop(ssl.connect(Forger { below: stream, flight: Vec::new() }));
    })
    .await
    .unwrap_err();
    assert_eq!(error.kind(), Kind::CertificateInvalid, "{error}");
    assert_eq!(said(&error), "the client does not have the key of the certificate that it showed");
}

/// Changes the signature by which a client of TLS 1.2 proves that it has its key.
#[derive(Debug)]
struct Forger {
    below: UnixStream,
    /// What was written since the last read.
    flight: Vec<u8>,
}

impl Forger {
    fn forge(&mut self) {
        /// CertificateVerify (RFC 5246 7.4.8).
        const PROOF: u8 = 15;
        let mut at = 0;
        // Records of the handshake, each with messages, until they are encrypted.
        while self.flight.get(at) == Some(&22) {
            let end = at + 5 + usize::from(u16::from_be_bytes([self.flight[at + 3], self.flight[at + 4]]));
            at += 5;
            while at < end {
                let [kind, length @ ..] = &self.flight[at..at + 4] else { unreachable!("four bytes") };
                let [high, middle, low]: [u8; 3] = length.try_into().unwrap();
                at += 4 + u32::from_be_bytes([0, high, middle, low]) as usize;
                if *kind == PROOF {
                    self.flight[at - 1] ^= 1;
                }
            }
        }
    }
}

impl Read for Forger {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.forge();
        self.below.write_all(&self.flight)?;
        self.flight.clear();
        self.below.read(into)
    }
}

impl Write for Forger {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flight.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
