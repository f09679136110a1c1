//! Clients are shown the certificate for the name they ask for, with a key that they can verify.

mod peers;

use gorge_test_util::{Authority, ClientTls, Leaf, TlsVersion};
use gorge_tls::{Acceptor, Certificates, KeyKind, ServerOptions, Sni};
use peers::served::{Served, VERSIONS, acceptor, chain_shown, meet, only, peer_sha256};
use peers::{certificate, endpoint, options};

const TAKES_RSA_ALONE: [(TlsVersion, &[&str]); 2] = [
    (TlsVersion::V12, &["-cipher", "ECDHE-RSA-AES128-GCM-SHA256"]),
    (TlsVersion::V13, &["-sigalgs", "rsa_pss_rsae_sha256"]),
];

/// What a client of another make is shown that sends this name as it is.
fn shown_for(server: &Served, name: &str) -> Vec<u8> {
    chain_shown(server.addr, &ClientTls::new(name), &[]).swap_remove(0)
}

fn shown_without_name(server: &Served) -> Vec<u8> {
    chain_shown(server.addr, &ClientTls::new("x").without_name(), &[]).swap_remove(0)
}

/// Three certificates: the default, one for a name, one for all names beside it.
struct Three {
    default: Leaf,
    exact: Leaf,
    wildcard: Leaf,
}

impl Three {
    fn new(root: &Authority) -> Self {
        let leaf = |name: &str| root.leaf(&[name]).make();
        Self {
            default: leaf("default.example"),
            exact: leaf("a.example.org"),
            wildcard: leaf("*.example.org"),
        }
    }

    fn acceptor(&self) -> Acceptor {
        acceptor(&[&self.default, &self.wildcard, &self.exact], |_| {})
    }
}

#[tokio::test]
async fn an_exact_name_comes_before_a_wildcard_and_that_before_the_default() {
    let root = Authority::new("root");
    let three = Three::new(&root);
    let Three { default, exact, wildcard } = &three;
    let acceptor = three.acceptor();
    let asked = [
        (Sni::Name("a.example.org".to_owned()), exact),
        (Sni::Name("b.example.org".to_owned()), wildcard),
        (Sni::Name("default.example".to_owned()), default),
        // A wildcard stands for one label.
        (Sni::Name("c.b.example.org".to_owned()), default),
        (Sni::Name("example.org".to_owned()), default),
        (Sni::Name("elsewhere.example".to_owned()), default),
        (Sni::Off, default),
    ];
    for version in VERSIONS {
        for (sni, expected) in &asked {
            let client = options(&root, |options| {
                only(version)(options);
                options.verify_host = false;
                options.sni = sni.clone();
            });
            let (client, server) = meet(&endpoint("x", client), &acceptor).await.both();
            assert_eq!(peer_sha256(&client), certificate(expected).sha256(), "{version:?} {sni:?}");
            let sent = if let Sni::Name(name) = sni { Some(name.as_str()) } else { None };
            assert_eq!(server.tls_digest().sni.as_deref(), sent);
        }
    }
}

#[test]
fn case_and_a_dot_at_the_end_make_no_difference() {
    let root = Authority::new("root");
    let three = Three::new(&root);
    let server = Served::start(&three.acceptor());
    for name in ["A.EXAMPLE.ORG", "a.example.org.", "A.Example.org."] {
        assert_eq!(shown_for(&server, name), three.exact.der(), "{name}");
        assert_eq!(server.digest().sni.as_deref(), Some(name), "as it was sent");
    }
    for name in ["B.example.ORG", "b.example.org."] {
        assert_eq!(shown_for(&server, name), three.wildcard.der(), "{name}");
    }
    for name in [".example.org", "*.b.example.org", "a", ".", "a.example.org.."] {
        assert_eq!(shown_for(&server, name), three.default.der(), "{name}");
    }
    // A client that asks for the wildcard as it is written gets it.
    assert_eq!(shown_for(&server, "*.example.org"), three.wildcard.der());
}

#[test]
fn an_address_has_its_own() {
    let root = Authority::new("root");
    let (default, exact) = (root.leaf(&["default.example"]).make(), root.leaf(&["a.example.org"]).make());
    let (four, six) = (root.leaf(&["127.0.0.1"]).make(), root.leaf(&["::1"]).make());
    let acceptor = acceptor(&[&default, &exact, &four, &six], |_| {});
    let (at_four, at_other) = (Served::at("127.0.0.1:0", &acceptor), Served::at("127.0.0.2:0", &acceptor));
    let at_six = Served::at("[::1]:0", &acceptor);
    assert_eq!(shown_without_name(&at_four), four.der());
    assert_eq!(shown_without_name(&at_six), six.der());
    assert_eq!(shown_without_name(&at_other), default.der());
    // A name that is asked for says more.
    assert_eq!(shown_for(&at_four, "a.example.org"), exact.der());
    assert_eq!(shown_for(&at_four, "elsewhere.example"), default.der());
    // Not what the standard allows as a name, and sent all the same.
    assert_eq!(shown_for(&at_other, "127.0.0.1"), four.der());
    assert_eq!(shown_for(&at_other, "0:0:0:0:0:0:0:1"), six.der());
}

#[test]
fn the_default_can_be_chosen() {
    let root = Authority::new("root");
    let leaf = |name: &str| root.leaf(&[name]).make();
    let (first, second, outside) = (leaf("first.example"), leaf("second.example"), leaf("outside.example"));
    let both = || Certificates::new().with(certificate(&first)).with(certificate(&second));
    let shown_by = |certificates: Certificates| {
        let server = Served::start(&Acceptor::new(ServerOptions::default(), certificates).unwrap());
        let beside: Vec<_> = ["first.example", "second.example", "outside.example"]
            .iter()
            .map(|name| shown_for(&server, name))
            .collect();
        assert_eq!(beside[..2], [first.der(), second.der()]);
        assert_eq!(beside[2], shown_without_name(&server));
        beside[2].clone()
    };
    assert_eq!(shown_by(both()), first.der());
    assert_eq!(shown_by(both().with_default(certificate(&second))), second.der());
    assert_eq!(shown_by(both().with_default(certificate(&outside))), outside.der());
}

#[test]
fn clashes_are_told_and_the_first_is_shown() {
    let root = Authority::new("root");
    let one = root.leaf(&["a.example", "b.example"]).make();
    let other = root.leaf(&["B.example", "c.example"]).make();
    let rsa = root.leaf(&["b.example"]).rsa().make();
    let certificates =
        [&one, &other, &rsa, &one].iter().fold(Certificates::new(), |all, leaf| all.with(certificate(leaf)));
    let [clash] = certificates.clashes() else { panic!("{:?}", certificates.clashes()) };
    assert_eq!(clash.name.as_deref(), Some("b.example"));
    assert_eq!(clash.shown.sha256(), certificate(&one).sha256());
    assert_eq!(clash.left_out.sha256(), certificate(&other).sha256());
    let kinds: Vec<_> = certificates.for_name("b.example").map(|one| one.key_kind()).collect();
    assert_eq!(kinds, [KeyKind::Ecdsa, KeyKind::Rsa]);

    let defaults = certificates.clone().with_default(certificate(&other)).with_default(certificate(&one));
    assert_eq!(defaults.clashes().len(), 2);
    assert_eq!(defaults.clashes()[1].name, None);

    let server = Served::start(&Acceptor::new(ServerOptions::default(), certificates).unwrap());
    assert_eq!(shown_for(&server, "b.example"), one.der());
    assert_eq!(shown_for(&server, "c.example"), other.der());
}

#[test]
fn who_verifies_rsa_alone_is_shown_rsa_with_its_own_chain() {
    let root = Authority::new("root");
    let (for_rsa, for_ecdsa) = (root.intermediate("for RSA"), root.intermediate("for ECDSA"));
    let pair = |name: &str| (for_ecdsa.leaf(&[name]).make(), for_rsa.leaf(&[name]).rsa().make());
    let (default, other) = (pair("default.example"), pair("other.example"));
    // One of each kind is added first.
    let server = Served::start(&acceptor(&[&default.0, &default.1, &other.1, &other.0], |_| {}));
    let both = [("default.example", &default), ("other.example", &other)];
    for (name, (ecdsa, rsa)) in both {
        for (version, arguments) in TAKES_RSA_ALONE {
            let tls = ClientTls::new(name).trusting(&root).versions(version, version);
            assert_eq!(chain_shown(server.addr, &tls, arguments), rsa.chain_der(), "{name} {version:?}");
            server.digest();
            assert_eq!(chain_shown(server.addr, &tls, &[]), ecdsa.chain_der(), "{name} {version:?}");
            let cipher = server.digest().cipher.unwrap();
            assert!(version == TlsVersion::V13 || cipher.contains("_ECDSA_"), "{cipher}");
        }
    }
}

#[test]
fn one_kind_for_a_name_is_not_mixed_with_the_other_of_the_default() {
    let root = Authority::new("root");
    let ecdsa = root.leaf(&["default.example"]).make();
    let default_rsa = root.leaf(&["default.example"]).rsa().make();
    let other = root.leaf(&["other.example"]).make();
    let server = Served::start(&acceptor(&[&ecdsa, &default_rsa, &other], |_| {}));
    for (version, arguments) in TAKES_RSA_ALONE {
        let tls = ClientTls::new("other.example").versions(version, version);
        assert_eq!(chain_shown(server.addr, &tls, &[]), other.chain_der());
        server.digest();
        let ran = gorge_test_util::s_client(server.addr, &tls, "", arguments);
        assert!(ran.stdout.contains("no peer certificate available"), "{}", ran.stdout);
        let said = peers::said(&server.error());
        assert!(said.contains("shares no cipher with us, or can verify none of our certificates"), "{said}");
        assert!(said.contains("(it asked for other.example)"), "{said}");
    }
}
