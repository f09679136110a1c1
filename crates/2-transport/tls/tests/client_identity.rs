//! Connections stand in for each other only where all is equal that decides who may be at the other end.

mod peers;

use std::collections::HashSet;

use gorge_test_util::{Authority, TempFolder};
use gorge_tls::{ClientOptions, Identity, KeyLog, Psk, Roots, Sni, Version};
use peers::{certificate, endpoint, trusting};

fn identity(name: &str, options: &ClientOptions) -> Identity {
    (**endpoint(name, options.clone()).identity()).clone()
}

/// A change of one option.
type Change = Box<dyn Fn(&mut ClientOptions)>;

fn change(change: impl Fn(&mut ClientOptions) + 'static) -> Change {
    Box::new(change)
}

#[test]
fn each_part_separates() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let pem = other.pem();
    let (alice, bob) = (certificate(&root.client("alice").make()), certificate(&root.client("bob").make()));
    let text = |text: &str| Some(text.to_owned());
    let list = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    let (one, two, three) = (text("one.example"), text("two.example"), text("ECDHE+AESGCM"));
    let (four, five) = (text("ECDHE+CHACHA20"), list(&["h2"]));
    let (six, seven, eight) = (list(&["h2", "http/1.1"]), list(&["X25519"]), list(&["P-256"]));
    let changes: Vec<Change> = vec![
        change(|_| {}),
        change(|options| options.verify = false),
        change(|options| options.verify_host = false),
        change(move |options| options.roots = Roots::from_pem(pem.as_bytes()).unwrap()),
        change(|options| options.roots = Roots::System),
        change(move |options| options.alternative_name = one.clone()),
        change(move |options| options.alternative_name = two.clone()),
        change(|options| options.sni = Sni::Off),
        change(|options| options.sni = Sni::Name("one.example".to_owned())),
        change(|options| options.sni = Sni::Name("two.example".to_owned())),
        change(move |options| options.certificate = Some(alice.clone())),
        change(move |options| options.certificate = Some(bob.clone())),
        change(|options| options.psk = Some(Psk::new("one", &[1; 16]).unwrap())),
        change(|options| options.psk = Some(Psk::new("one", &[2; 16]).unwrap())),
        change(|options| options.psk = Some(Psk::new("two", &[1; 16]).unwrap())),
        change(|options| options.alpn = Vec::new()),
        change(move |options| options.alpn = five.clone()),
        change(move |options| options.alpn = six.clone()),
        change(|options| options.max_version = Version::Tls12),
        change(|options| options.min_version = Version::Tls13),
        change(move |options| options.ciphers = three.clone()),
        change(move |options| options.ciphers = four.clone()),
        change(move |options| options.groups = Some(seven.clone())),
        change(move |options| options.groups = Some(eight.clone())),
    ];
    let mut all = HashSet::new();
    for (at, change) in changes.iter().enumerate() {
        let mut options = trusting(&root);
        change(&mut options);
        assert!(all.insert(identity("a.example", &options)), "change {at} makes no difference");
        // The same once more is the same.
        assert!(!all.insert(identity("A.example.", &options)), "change {at} is not equal to itself");
        assert!(all.insert(identity("b.example", &options)), "change {at}: the name makes no difference");
    }
}

#[test]
fn the_key_log_does_not_separate() {
    let root = Authority::new("root");
    let folder = TempFolder::new();
    let mut options = trusting(&root);
    let without = identity("a.example", &options);
    options.key_log = Some(KeyLog::open(&folder.path().join("keys")).unwrap());
    assert_eq!(identity("a.example", &options), without);
    assert_eq!(without.name(), "a.example");
}

#[test]
fn parts_do_not_run_into_each_other() {
    let root = Authority::new("root");
    let list = |list: &[&str]| {
        let mut options = trusting(&root);
        options.alpn = list.iter().map(|one| (*one).to_owned()).collect();
        identity("a.example", &options)
    };
    assert_ne!(list(&["ab", "c"]), list(&["a", "bc"]));
    assert_ne!(list(&["abc"]), list(&["ab", "c"]));
}
