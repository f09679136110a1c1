//! Whoever asks for the OCSP response of the certificate that it is shown gets that one.

mod peers;

use std::time::SystemTime;

use gorge_test_util::{Authority, ClientTls, Leaf, OcspStatus, TlsVersion, s_client};
use gorge_tls::{Acceptor, Certificate, Certificates, ServerOptions};
use peers::certificate;
use peers::served::{REQUEST, Served};

/// A certificate that carries a response of its issuer.
fn stapled(issuer: &Authority, leaf: &Leaf) -> Certificate {
    let bare = certificate(leaf);
    let response = issuer.ocsp_response(leaf, OcspStatus::Good, 4);
    let staple = gorge_tls::ocsp::check(&bare, &response, SystemTime::now()).unwrap();
    bare.with_ocsp(&staple)
}

/// The serial number that the response is about which `openssl s_client` sees; `None` where it sees none.
fn about(served: &Served, name: &str, version: TlsVersion, arguments: &[&str]) -> Option<String> {
    let tls = ClientTls::new(name).versions(version, version);
    let seen = s_client(served.addr, &tls, REQUEST, &[&["-status"], arguments].concat()).stdout;
    served.digest();
    if seen.contains("OCSP response: no response sent") {
        return None;
    }
    assert!(
        seen.contains("OCSP Response Status: successful") && seen.contains("Cert Status: good"),
        "{seen}"
    );
    let (_, behind) = seen.split_once("Serial Number: ").unwrap_or_else(|| panic!("{seen}"));
    Some(behind.lines().next().unwrap().trim().to_ascii_lowercase())
}

#[test]
fn each_certificate_is_shown_with_its_own() {
    let issuer = Authority::new("root").intermediate("issuer");
    let leaf = |name: &str| issuer.leaf(&[name]).make();
    let (one, rsa) = (leaf("one.example"), issuer.leaf(&["one.example"]).rsa().make());
    let (two, bare) = (leaf("two.example"), leaf("bare.example"));
    let certificates =
        [stapled(&issuer, &one), stapled(&issuer, &rsa), stapled(&issuer, &two), certificate(&bare)];
    let all = certificates.into_iter().fold(Certificates::new(), Certificates::with);
    let served = Served::start(&Acceptor::new(ServerOptions::default(), all).unwrap());
    let serial = |leaf| Some(certificate(leaf).serial());
    let rsa_alone: [(_, &[&str]); 2] = [
        (TlsVersion::V12, &["-cipher", "ECDHE-RSA-AES128-GCM-SHA256"]),
        (TlsVersion::V13, &["-sigalgs", "rsa_pss_rsae_sha256"]),
    ];
    for (version, arguments) in rsa_alone {
        assert_eq!(about(&served, "one.example", version, &[]), serial(&one), "{version:?}");
        assert_eq!(about(&served, "elsewhere.example", version, &[]), serial(&one), "{version:?}");
        assert_eq!(about(&served, "one.example", version, arguments), serial(&rsa), "{version:?}");
        assert_eq!(about(&served, "two.example", version, &[]), serial(&two), "{version:?}");
        assert_eq!(about(&served, "bare.example", version, &[]), None, "{version:?}");
    }
}

#[test]
fn one_that_came_later_is_shown_from_then_on() {
    let issuer = Authority::new("root").intermediate("issuer");
    let leaf = issuer.leaf(&["one.example"]).make();
    let carried = stapled(&issuer, &leaf);
    let acceptor =
        Acceptor::new(ServerOptions::default(), Certificates::new().with(carried.without_ocsp())).unwrap();
    let served = Served::start(&acceptor);
    for version in [TlsVersion::V12, TlsVersion::V13] {
        acceptor.set_certificates(Certificates::new().with(carried.without_ocsp())).unwrap();
        assert_eq!(about(&served, "one.example", version, &[]), None);
        acceptor.set_certificates(Certificates::new().with(carried.clone())).unwrap();
        assert_eq!(about(&served, "one.example", version, &[]), Some(carried.serial()));
    }
}

#[test]
fn one_about_another_certificate_is_not_carried() {
    let issuer = Authority::new("root").intermediate("issuer");
    let [one, two] = [1, 2].map(|_| issuer.leaf(&["one.example"]).make());
    let staple = stapled(&issuer, &one).staple().unwrap().clone();
    let acceptor = Acceptor::new(
        ServerOptions::default(),
        Certificates::new().with(certificate(&two).with_ocsp(&staple)),
    );
    let served = Served::start(&acceptor.unwrap());
    assert_eq!(about(&served, "one.example", TlsVersion::V13, &[]), None);
}
