//! What is told of certificates that can be used all the same.

use std::time::{Duration, SystemTime};

use gorge_test_util::{Authority, Leaf, LeafBuilder, TempFolder, openssl};
use gorge_tls::{Certificate, Level, Remark, Role};

fn certificate(leaf: &Leaf) -> Certificate {
    Certificate::from_pem(leaf.cert_pem().as_bytes(), leaf.key_pem().as_bytes()).unwrap()
}

fn remarks(leaf: LeafBuilder) -> Vec<Remark> {
    certificate(&leaf.make()).remarks(SystemTime::now(), Role::Server)
}

fn texts(remarks: &[Remark]) -> String {
    remarks.iter().map(|remark| format!("{:?}: {remark}\n", remark.level())).collect()
}

fn leaf() -> LeafBuilder {
    Authority::new("root").intermediate("below").leaf(&["a.example"])
}

#[test]
fn a_right_one_needs_no_words() {
    assert_eq!(remarks(leaf()), []);
    assert_eq!(remarks(leaf().rsa()), []);
    assert_eq!(remarks(leaf().for_both()), []);
}

#[test]
fn tells_of_dates() {
    for (leaf, text) in [
        (leaf().expired(), "Warning: the certificate expired on "),
        (leaf().not_yet_valid(), "Warning: the certificate is valid from "),
        (leaf().days(13), "Warning: the certificate expires on "),
    ] {
        let told = texts(&remarks(leaf));
        assert!(told.starts_with(text) && told.lines().count() == 1, "{told}");
    }
    assert_eq!(remarks(leaf().days(14)), []);
    let soon = certificate(&leaf().days(2).make());
    let told = |now| texts(&soon.remarks(now, Role::Server));
    let end = soon.not_after();
    assert!(told(end - Duration::from_secs(2 * 86_400)).contains("(2 days left)"));
    assert!(told(end - Duration::from_secs(86_400)).contains("(1 day left)"));
    assert!(told(end).contains("(today): renew it"));
    assert!(told(end + Duration::from_secs(1)).contains("expired on"));
    assert!(told(end + Duration::from_secs(86_400)).contains("(today)"));
    assert!(told(end + Duration::from_secs(86_401)).contains("(1 day ago)"));
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    assert!(told(at).contains("days ago"));
    assert!(told(SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 40)).contains("not yet"));
    // An intermediate's end counts as much.
    let far = certificate(&leaf().make())
        .remarks(SystemTime::now() + Duration::from_secs(11 * 365 * 86_400), Role::Server);
    assert!(
        matches!(&far[..], [Remark::Expired { number: 1, .. }, Remark::Expired { number: 2, subject, .. }] if subject == "CN=below"),
        "{far:?}"
    );
    assert!(texts(&far).contains("certificate 2 of the chain, CN=below, expired on"));
}

#[test]
fn tells_of_uses() {
    assert_eq!(remarks(leaf().for_clients_only()), [Remark::NotForServers]);
    let client = certificate(&Authority::new("root").intermediate("below").client("alice").make());
    assert_eq!(client.remarks(SystemTime::now(), Role::Client), []);
    assert_eq!(client.remarks(SystemTime::now(), Role::Server), [Remark::NotForServers, Remark::NoNames]);
    let server = certificate(&leaf().for_servers_only().make());
    assert_eq!(server.remarks(SystemTime::now(), Role::Client), [Remark::NotForClients]);
}

#[test]
fn tells_of_chains() {
    let missing = remarks(leaf().missing_intermediate());
    assert_eq!(missing, [Remark::IssuerMissing { issuer: "CN=below".to_owned(), public: false }]);
    assert_eq!(missing[0].level(), Level::Note);
    assert_eq!(remarks(leaf().self_signed()), [Remark::SelfSigned]);
    let root = Authority::new("root");
    let leaf = root.leaf(&["a.example"]).make();
    let with_root = format!("{}{}", leaf.cert_pem(), root.pem());
    let with_root = Certificate::from_pem(with_root.as_bytes(), leaf.key_pem().as_bytes()).unwrap();
    let told = with_root.remarks(SystemTime::now(), Role::Server);
    assert_eq!(told, [Remark::RootIncluded { number: 2, subject: "CN=root".to_owned() }]);
    assert_eq!(told[0].level(), Level::Note);
}

#[test]
fn tells_of_what_is_weak() {
    let folder = TempFolder::new();
    let make = |arguments: &str| {
        let (cert, key) = (folder.path().join("x.pem"), folder.path().join("x.key"));
        let files = ["-out", cert.to_str().unwrap(), "-keyout", key.to_str().unwrap()];
        let words: Vec<_> = arguments.split(' ').chain(files).collect();
        openssl(&words).succeeded();
        Certificate::read(&cert, &key).unwrap().remarks(SystemTime::now(), Role::Server)
    };
    let own = "req -x509 -nodes -subj /CN=x -addext subjectAltName=DNS:x -days 90";
    let told = make(&format!("{own} -newkey rsa:1024 -sha1"));
    // What a certificate says of itself is verified by nobody; that it may sign others is odd.
    assert_eq!(told, [Remark::WeakKey { number: 1, bits: 1024 }, Remark::SelfSigned]);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (ca, ca_key) = (file("ca.pem"), file("ca.key"));
    let root = "req -x509 -nodes -subj /CN=root -newkey rsa:2048 -out".split(' ');
    openssl(&root.chain([&*ca, "-keyout", &*ca_key]).collect::<Vec<_>>()).succeeded();
    for (hash, name) in [("sha1", "SHA-1"), ("md5", "MD5")] {
        let extension = "-addext basicConstraints=critical,CA:FALSE";
        let told = make(&format!("{own} -newkey rsa:2048 -{hash} {extension} -CA {ca} -CAkey {ca_key}"));
        assert!(told.contains(&Remark::WeakSignature { number: 1, hash: name }), "{told:?}");
        // A library that does not verify such a signature any more takes the name's word for it.
        let read = |name: &str| std::fs::read(file(name)).unwrap();
        assert!(Certificate::from_pem(&[read("x.pem"), read("ca.pem")].concat(), &read("x.key")).is_ok());
    }
}
