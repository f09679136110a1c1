//! Everything that can be wrong with a server's certificate is refused with a kind and a message of its own,
//! the same with both libraries.

mod peers;

use gorge_error::{Fault, Kind, Retryable};
use gorge_test_util::{Authority, Leaf, Nginx, ServerTls};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::EcKey;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Name};
use peers::{Odd, connect, endpoint, options, refused, said, trusting};

const NAME: &str = "app.example";

/// Connects to an nginx with this certificate, trusting `ca`; what it says, behind the kind.
async fn verdict(ca: &Authority, leaf: &Leaf) -> (Kind, String) {
    let server = Nginx::start_tls(&ServerTls::new(leaf), "");
    let error = refused(connect(server.addr(), &endpoint(NAME, trusting(ca))).await);
    assert_eq!((error.fault(), error.retry()), (Fault::Upstream, Retryable::Yes), "{error:#}");
    (error.kind(), said(&error))
}

#[tokio::test]
async fn a_good_certificate_is_taken() {
    let root = Authority::new("root");
    let leaf = root.intermediate("between").intermediate("below").leaf(&[NAME]).make();
    let server = Nginx::start_tls(&ServerTls::new(&leaf), "return 200 $ssl_server_name;");
    let mut stream = connect(server.addr(), &endpoint(NAME, trusting(&root))).await.unwrap();
    assert_eq!(peers::body(&mut stream, "/").await, NAME);
}

#[tokio::test]
async fn expired() {
    let root = Authority::new("root");
    let (kind, text) = verdict(&root, &root.leaf(&[NAME]).expired().make()).await;
    assert_eq!(kind, Kind::CertificateExpired);
    assert!(text.starts_with("the certificate of app.example expired on "), "{text}");
    assert!(text.contains(" GMT; it has to be renewed"), "{text}");
}

#[tokio::test]
async fn not_yet_valid() {
    let root = Authority::new("root");
    let (kind, text) = verdict(&root, &root.leaf(&[NAME]).not_yet_valid().make()).await;
    assert_eq!(kind, Kind::CertificateExpired);
    assert!(text.starts_with("the certificate of app.example is not valid before "), "{text}");
}

#[tokio::test]
async fn for_another_name() {
    let root = Authority::new("root");
    let names =
        ["one.example", "*.two.example", "192.0.2.1", "three.example", "four.example", "five.example"];
    let verdict = verdict(&root, &root.leaf(&names).make()).await;
    let text = "the certificate of app.example is for one.example, *.two.example, 192.0.2.1, three.example, \
                four.example and 1 more, not for that name; if it is the right one, ask for a name it has (`sni`), \
                accept one beside (`alternative_name`), or do not look at the name (`verify_host`)";
    assert_eq!(verdict, (Kind::CertificateMismatched, text.to_owned()));
}

#[tokio::test]
async fn with_the_name_in_its_subject_alone() {
    let root = Authority::new("root");
    let (kind, text) = verdict(&root, &root.leaf(&[]).common_name(NAME).make()).await;
    assert_eq!(kind, Kind::CertificateMismatched);
    assert!(text.contains("is for no name at all (one in its subject alone does not count)"), "{text}");
}

#[tokio::test]
async fn self_signed() {
    let root = Authority::new("root");
    let verdict = verdict(&root, &root.leaf(&[NAME]).self_signed().make()).await;
    let text = "the certificate of app.example is signed by nobody but itself; if it is the right one, trust it \
                (`ca`)";
    assert_eq!(verdict, (Kind::CertificateInvalid, text.to_owned()));
}

#[tokio::test]
async fn from_an_unknown_ca() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let verdict = verdict(&root, &other.leaf(&[NAME]).make()).await;
    let text = "the certificate of app.example is signed by \"other\", and the certificate of that one is missing: it \
                is neither trusted here (`ca`) nor sent along (the server's chain of certificates may lack an \
                intermediate)";
    assert_eq!(verdict, (Kind::CertificateInvalid, text.to_owned()));
}

#[tokio::test]
async fn without_its_intermediate() {
    let root = Authority::new("root");
    let leaf = root.intermediate("between").leaf(&[NAME]).missing_intermediate().make();
    let (kind, text) = verdict(&root, &leaf).await;
    assert_eq!(kind, Kind::CertificateInvalid);
    assert!(text.starts_with("the certificate of app.example is signed by \"between\", and "), "{text}");
    assert!(text.contains(" may lack an intermediate"), "{text}");
}

#[tokio::test]
async fn with_an_intermediate_of_an_unknown_root() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let (kind, text) = verdict(&root, &other.intermediate("between").leaf(&[NAME]).make()).await;
    assert_eq!(kind, Kind::CertificateInvalid);
    let start = "the certificate of \"between\" in the chain of app.example is signed by \"other\", and ";
    assert!(text.starts_with(start), "{text}");
}

#[tokio::test]
async fn for_clients() {
    let root = Authority::new("root");
    let verdict = verdict(&root, &root.leaf(&[NAME]).for_clients_only().make()).await;
    let text = "the certificate of app.example is not for servers, it is for clients";
    assert_eq!(verdict, (Kind::CertificateInvalid, text.to_owned()));
}

#[tokio::test]
async fn with_its_root_sent_along_that_nobody_trusts() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let leaf = other.leaf(&[NAME]).make();
    let chain = [X509::from_der(leaf.der()).unwrap(), X509::from_der(other.der()).unwrap()];
    let server = Odd::with(&chain, &PKey::private_key_from_pem(leaf.key_pem().as_bytes()).unwrap());
    let error = refused(connect(server.addr, &endpoint(NAME, trusting(&root))).await);
    let text = "the certificate of app.example comes from the CA \"other\", which is not trusted here (`ca`)";
    assert_eq!((error.kind(), said(&error).as_str()), (Kind::CertificateInvalid, text));
    // The other side was told.
    let told = server.handshakes.recv().unwrap().unwrap_err().to_ascii_lowercase();
    assert!(told.contains("unknown") && told.contains("ca"), "{told}");
}

#[tokio::test]
async fn without_the_key_to_it() {
    let root = Authority::new("root");
    let leaf = root.leaf(&[NAME]).make();
    // The public half is that of the certificate, so that the server's library takes it; the private half is not.
    let right = PKey::private_key_from_pem(leaf.key_pem().as_bytes()).unwrap().ec_key().unwrap();
    let wrong = EcKey::generate(right.group()).unwrap();
    let mixed = EcKey::from_private_components(right.group(), wrong.private_key(), right.public_key());
    let key = PKey::from_ec_key(mixed.unwrap()).unwrap();
    let server = Odd::with(&[X509::from_der(leaf.der()).unwrap()], &key);
    for max in [gorge_tls::Version::Tls12, gorge_tls::Version::Tls13] {
        let options = options(&root, |options| options.max_version = max);
        let error = refused(connect(server.addr, &endpoint(NAME, options)).await);
        let text = "app.example does not have the key of the certificate it shows: its signature is wrong";
        assert_eq!((error.kind(), said(&error).as_str()), (Kind::CertificateInvalid, text), "{error:#}");
    }
}

/// A certificate that `rcgen` does not make, signed by this authority.
fn made_by(root: &Authority, key: &PKey<Private>, hash: MessageDigest) -> X509 {
    let ca = X509::from_der(root.der()).unwrap();
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", NAME).unwrap();
    let mut made = X509::builder().unwrap();
    made.set_version(2).unwrap();
    made.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    made.set_subject_name(&name.build()).unwrap();
    made.set_issuer_name(ca.subject_name()).unwrap();
    made.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    made.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
    made.set_pubkey(key).unwrap();
    made.append_extension(BasicConstraints::new().build().unwrap()).unwrap();
    made.append_extension(ExtendedKeyUsage::new().server_auth().build().unwrap()).unwrap();
    let names = SubjectAlternativeName::new().dns(NAME).build(&made.x509v3_context(Some(&ca), None)).unwrap();
    made.append_extension(names).unwrap();
    let ca_key = PKey::private_key_from_pem(root.key_pem().as_bytes()).unwrap();
    made.sign(&ca_key, hash).unwrap();
    made.build()
}

#[tokio::test]
async fn with_a_weak_key() {
    let root = Authority::new("root");
    let key = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let server = Odd::with(&[made_by(&root, &key, MessageDigest::sha256())], &key);
    let error = refused(connect(server.addr, &endpoint(NAME, trusting(&root))).await);
    let text =
        "the certificate of app.example has a key of 1024 bits, which is too weak; RSA has 2048 at least";
    assert_eq!((error.kind(), said(&error).as_str()), (Kind::CertificateInvalid, text));
}

#[tokio::test]
async fn signed_with_an_old_hash() {
    let root = Authority::new("root");
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let server = Odd::with(&[made_by(&root, &key, MessageDigest::sha1())], &key);
    let error = refused(connect(server.addr, &endpoint(NAME, trusting(&root))).await);
    let text = "the certificate of app.example is signed with a hash that is too weak, SHA-1 or MD5";
    assert_eq!((error.kind(), said(&error).as_str()), (Kind::CertificateInvalid, text));
}

#[tokio::test]
async fn signed_by_a_certificate_that_is_none_of_a_ca() {
    let root = Authority::new("root");
    let (between, leaf) = (root.leaf(&["between.example"]).make(), root.leaf(&[NAME]).make());
    // Somebody with an ordinary certificate signs for others.
    let issuer = X509::from_der(between.der()).unwrap();
    let mut forged = X509::builder().unwrap();
    forged.set_version(2).unwrap();
    forged.set_subject_name(X509::from_der(leaf.der()).unwrap().subject_name()).unwrap();
    forged.set_issuer_name(issuer.subject_name()).unwrap();
    forged.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    forged.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    forged.set_pubkey(&key).unwrap();
    let names =
        SubjectAlternativeName::new().dns(NAME).build(&forged.x509v3_context(Some(&issuer), None)).unwrap();
    forged.append_extension(names).unwrap();
    let issuer_key = PKey::private_key_from_pem(between.key_pem().as_bytes()).unwrap();
    forged.sign(&issuer_key, MessageDigest::sha256()).unwrap();
    let server = Odd::with(&[forged.build(), issuer], &key);
    let error = refused(connect(server.addr, &endpoint(NAME, trusting(&root))).await);
    assert_eq!(error.kind(), Kind::CertificateInvalid, "{error:#}");
}

#[tokio::test]
async fn what_a_certificate_says_cannot_break_a_line_of_the_log() {
    let root = Authority::new("evil\n2026-01-01 all is well");
    let (kind, text) = verdict(&Authority::new("root"), &root.leaf(&[NAME]).make()).await;
    assert_eq!(kind, Kind::CertificateInvalid);
    assert!(text.contains("signed by \"evil\\n2026-01-01 all is well\", and"), "{text}");
}

#[tokio::test]
async fn both_switches_turn_off_what_they_say() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let elsewhere = Nginx::start_tls(&ServerTls::new(&root.leaf(&["elsewhere.example"]).make()), "");
    let stranger = Nginx::start_tls(&ServerTls::new(&other.leaf(&[NAME]).expired().make()), "");
    let no_host = endpoint(NAME, options(&root, |options| options.verify_host = false));
    connect(elsewhere.addr(), &no_host).await.unwrap();
    // The chain still counts.
    assert_eq!(refused(connect(stranger.addr(), &no_host).await).kind(), Kind::CertificateInvalid);
    let nothing = endpoint(NAME, options(&root, |options| options.verify = false));
    connect(elsewhere.addr(), &nothing).await.unwrap();
    connect(stranger.addr(), &nothing).await.unwrap();
}
