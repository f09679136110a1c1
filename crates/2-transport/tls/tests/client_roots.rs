//! Which CA certificates are trusted, and what is said of a file that holds none.

mod peers;

use gorge_error::Kind;
use gorge_test_util::{Authority, Nginx, ServerTls, TempFolder};
use gorge_tls::{ClientOptions, Connector, Roots};
use openssl::x509::X509;
use peers::{connect, endpoint, refused, said};

const NAME: &str = "app.example";

fn trusting(pem: &str) -> ClientOptions {
    let mut options = ClientOptions::default();
    options.roots = Roots::from_pem(pem.as_bytes()).unwrap();
    options
}

#[tokio::test]
async fn a_file_of_several_with_text_between() {
    let (one, two) = (Authority::new("one"), Authority::new("two"));
    let folder = TempFolder::new();
    let text = format!("# one\n{}\nsubject=two\n{}\n", one.pem(), two.pem());
    let roots = Roots::read(&folder.write("ca.pem", text)).unwrap();
    assert_eq!(roots.count().unwrap(), 2);
    let mut options = ClientOptions::default();
    options.roots = roots;
    let endpoint = endpoint(NAME, options);
    for ca in [one, two] {
        let server = Nginx::start_tls(&ServerTls::new(&ca.leaf(&[NAME]).make()), "");
        connect(server.addr(), &endpoint).await.unwrap();
    }
}

#[tokio::test]
async fn one_in_der() {
    let root = Authority::new("root");
    let folder = TempFolder::new();
    let roots = Roots::read(&folder.write("ca.der", root.der())).unwrap();
    assert_eq!(roots, Roots::from_pem(&X509::from_der(root.der()).unwrap().to_pem().unwrap()).unwrap());
}

#[tokio::test]
async fn an_intermediate_is_trusted_without_its_root() {
    let root = Authority::new("root");
    let (between, beside) = (root.intermediate("between"), root.intermediate("beside"));
    let endpoint = endpoint(NAME, trusting(&between.pem()));
    let server = Nginx::start_tls(&ServerTls::new(&between.leaf(&[NAME]).make()), "");
    connect(server.addr(), &endpoint).await.unwrap();
    // It then need not be sent.
    let alone = between.leaf(&[NAME]).missing_intermediate().make();
    let server = Nginx::start_tls(&ServerTls::new(&alone), "");
    connect(server.addr(), &endpoint).await.unwrap();
    // What its root signed otherwise is not trusted with it.
    let server = Nginx::start_tls(&ServerTls::new(&beside.leaf(&[NAME]).make()), "");
    assert_eq!(refused(connect(server.addr(), &endpoint).await).kind(), Kind::CertificateInvalid);
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_when_it_is_named() {
    let leaf = Authority::new("nobody").leaf(&[NAME]).self_signed().make();
    let server = Nginx::start_tls(&ServerTls::new(&leaf), "");
    connect(server.addr(), &endpoint(NAME, trusting(&leaf.cert_pem()))).await.unwrap();
    // For its names alone.
    let other = endpoint("other.example", trusting(&leaf.cert_pem()));
    assert_eq!(refused(connect(server.addr(), &other).await).kind(), Kind::CertificateMismatched);
}

#[tokio::test]
async fn those_of_the_system_trust_no_test() {
    let mut options = ClientOptions::default();
    options.roots = Roots::System;
    assert!(Roots::System.count().unwrap() > 10, "the package ca-certificates is missing");
    let server = Nginx::start_tls(&ServerTls::new(&Authority::new("root").leaf(&[NAME]).make()), "");
    let error = refused(connect(server.addr(), &endpoint(NAME, options)).await);
    assert_eq!(error.kind(), Kind::CertificateInvalid);
}

#[test]
fn what_is_no_file_of_certificates() {
    let root = Authority::new("root");
    let broken = root.pem().replacen("\nMII", "\nMIJ", 1);
    let folder = TempFolder::new();
    for (content, says) in [
        (String::new(), "there is no certificate; one begins with -----BEGIN CERTIFICATE-----"),
        ("no certificate".to_owned(), "there is no certificate; one begins with"),
        (root.key_pem(), "there is no certificate, only PRIVATE KEY"),
        (format!("{}{broken}", root.pem()), "certificate 2 is broken"),
        (root.pem().replace("-----END", "-----"), "certificate 1 is broken"),
    ] {
        let path = folder.write("ca.pem", &content);
        let error = Roots::read(&path).unwrap_err();
        assert_eq!(error.kind(), Kind::CertificateInvalid);
        let text = format!("{error:#}");
        assert!(text.contains(says) && text.contains("ca.pem"), "{text}");
        // Unlooked at it fails when a connector is made, not later.
        let mut options = ClientOptions::default();
        options.roots = Roots::Pem(content.into_bytes().into());
        assert_eq!(Connector::new(options).unwrap_err().kind(), Kind::CertificateInvalid);
    }
    let error = Roots::read("/nowhere/ca.pem".as_ref()).unwrap_err();
    assert_eq!(
        (error.kind(), said(&error).as_str()),
        (Kind::File, "read the CA certificates in /nowhere/ca.pem")
    );
}
