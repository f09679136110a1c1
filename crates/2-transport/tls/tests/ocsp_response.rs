//! Answers of responders: the one to show, and every one not to.

mod responder;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gorge_test_util::Authority;
use gorge_tls::Certificate;
use gorge_tls::ocsp::{Fault, MAX_RESPONSE, Request, check};
use proptest::prelude::*;
use responder::House;

const URL: &str = "http://ocsp.example/";
const DAY: Duration = Duration::from_secs(86_400);

fn judge(house: &House, response: &[u8]) -> Result<(), Fault> {
    check(&house.certificate, response, SystemTime::now()).map(drop)
}

#[test]
fn asks_as_openssl_asks() {
    let house = House::new(URL);
    let request = Request::for_certificate(&house.certificate).unwrap();
    house.run("ocsp -issuer @issuer.pem -cert @leaf.pem -no_nonce -reqout @request.der");
    assert_eq!(request.url, URL);
    assert_eq!(request.body, std::fs::read(house.path("request.der")).unwrap());
}

#[test]
fn asks_nothing_without_responder_or_issuer() {
    let issuer = Authority::new("root").intermediate("issuer");
    let read = |leaf: gorge_test_util::Leaf| {
        Certificate::from_pem(leaf.cert_pem().as_bytes(), leaf.key_pem().as_bytes()).unwrap()
    };
    assert_eq!(Request::for_certificate(&read(issuer.leaf(&["a"]).make())), None);
    for url in ["https://ocsp.example/", "ldap://ocsp.example/", "http:/", "http://a b/"] {
        assert_eq!(
            Request::for_certificate(&read(issuer.leaf(&["a"]).ocsp_responder(url).make())),
            None,
            "{url}"
        );
    }
    let alone = read(issuer.leaf(&["a"]).ocsp_responder(URL).missing_intermediate().make());
    assert_eq!(Request::for_certificate(&alone), None);
    assert_eq!(check(&alone, b"", SystemTime::now()), Err(Fault::NoIssuer));
}

#[test]
fn takes_a_good_one_and_shows_it() {
    let house = House::new(URL);
    for (response, form) in [
        (house.response(""), "plain"),
        (house.response("-resp_key_id"), "by key"),
        (house.response("-resp_no_certs"), "without certificates"),
        (house.response("-rmd sha512"), "SHA-512"),
        (house.response_by("issuer", "-ndays 4", "-sha256 "), "named by SHA-256"),
        (house.response_by("issuer", "-ndays 4", "-sha512 "), "named by SHA-512"),
    ] {
        let now = SystemTime::now();
        let staple =
            check(&house.certificate, &response, now).unwrap_or_else(|fault| panic!("{form}: {fault}"));
        assert_eq!(staple.der(), response);
        assert!(staple.this_update() <= now);
        assert_eq!(staple.next_update(), staple.this_update() + 4 * DAY);
        let shown = house.certificate.with_ocsp(&staple);
        assert_eq!(shown.staple(), Some(&staple));
        assert_eq!(shown.sha256(), house.certificate.sha256());
        assert_eq!(shown.without_ocsp().staple(), None);
        assert_eq!(House::new(URL).certificate.with_ocsp(&staple).staple(), None);
    }
}

#[test]
fn refuses_what_is_not_about_it_or_not_good() {
    let house = House::new(URL);
    let response = house.response("");
    assert_eq!(judge(&House::new(URL), &response), Err(Fault::BadSignature), "an issuer of the same name");
    let sister = house.issuer.leaf(&["b.example"]).make();
    let sister = Certificate::from_pem(sister.cert_pem().as_bytes(), sister.key_pem().as_bytes()).unwrap();
    assert_eq!(check(&sister, &response, SystemTime::now()), Err(Fault::OtherCertificate));
    house.set_state("R", "200102030405Z,keyCompromise");
    let revoked =
        Fault::Revoked { at: UNIX_EPOCH + Duration::from_secs(1_577_934_245), reason: Some("keyCompromise") };
    assert_eq!(
        revoked.to_string(),
        "the certificate was revoked on 2020-01-02 (keyCompromise): clients refuse it; get another one"
    );
    assert_eq!(judge(&house, &house.response("")), Err(revoked));
    house.folder.write("index", "");
    assert_eq!(judge(&house, &house.response("")), Err(Fault::Unknown));
    for (number, status) in [
        (1, "malformedRequest"),
        (2, "internalError"),
        (3, "tryLater"),
        (5, "sigRequired"),
        (6, "unauthorized"),
    ] {
        assert_eq!(judge(&house, &[0x30, 3, 0x0a, 1, number]), Err(Fault::Refused { status }));
    }
    for nonsense in [&[][..], &[0x30, 3, 0x0a, 1, 0], &[0x30, 3, 0x0a, 1, 4], b"<html>"] {
        assert!(matches!(judge(&house, nonsense), Err(Fault::Broken { .. })), "{nonsense:?}");
    }
    assert_eq!(judge(&house, &vec![0; MAX_RESPONSE + 1]), Err(Fault::TooLarge));
}

#[test]
fn refuses_what_is_of_another_time() {
    let house = House::new(URL);
    let response = house.response("");
    let judge = |now| check(&house.certificate, &response, now).map(drop);
    let staple = check(&house.certificate, &response, SystemTime::now()).unwrap();
    let (from, to) = (staple.this_update(), staple.next_update());
    // Clocks differ a little.
    assert_eq!(judge(from - Duration::from_secs(300)), Ok(()));
    assert_eq!(judge(from - Duration::from_secs(301)), Err(Fault::NotYet { from }));
    assert_eq!(judge(to - Duration::from_secs(1)), Ok(()));
    assert_eq!(judge(to), Err(Fault::Outdated { since: to }));
    // One that does not say when it ends counts for a day.
    let endless = house.response_by("issuer", "", "");
    let staple = check(&house.certificate, &endless, SystemTime::now()).unwrap();
    assert_eq!(staple.next_update(), staple.this_update() + DAY);
}

const SIGNING: &str = "extendedKeyUsage=OCSPSigning\n";

#[test]
fn takes_one_of_an_appointed_responder() {
    let house = House::new(URL);
    house.appoint("deputy", "issuer", SIGNING, "-days 9");
    for more in ["-ndays 4", "-ndays 4 -resp_key_id"] {
        assert_eq!(judge(&house, &house.response_by("deputy", more, "")), Ok(()), "{more}");
    }
    let without = house.response_by("deputy", "-ndays 4 -resp_no_certs", "");
    assert_eq!(judge(&house, &without), Err(Fault::UnknownSigner));
}

#[test]
fn refuses_a_responder_that_nobody_appointed() {
    let house = House::new(URL);
    house.appoint("for-servers", "issuer", "extendedKeyUsage=serverAuth\n", "-days 9");
    house.appoint("for-nothing", "issuer", "basicConstraints=CA:FALSE\n", "-days 9");
    house.appoint("for-all", "issuer", "extendedKeyUsage=anyExtendedKeyUsage\n", "-days 9");
    for name in ["for-servers", "for-nothing", "for-all", "leaf"] {
        let why = "its certificate is not for signing OCSP responses";
        let response = house.response_by(name, "-ndays 4", "");
        assert_eq!(judge(&house, &response), Err(Fault::NotAppointed { why }), "{name}");
    }
    // Another authority's, even of the same name, and one of nobody.
    let stranger = House::new(URL);
    stranger.appoint("deputy", "issuer", SIGNING, "-days 9");
    for file in ["deputy.pem", "deputy.key"] {
        house.folder.write(file, std::fs::read(stranger.path(file)).unwrap());
    }
    house.run("req -x509 -nodes -subj /CN=own -newkey rsa:2048 -addext extendedKeyUsage=OCSPSigning -keyout @own.key -out @own.pem");
    for name in ["deputy", "own"] {
        let why = "its certificate is not of the issuer";
        let response = house.response_by(name, "-ndays 4", "");
        assert_eq!(judge(&house, &response), Err(Fault::NotAppointed { why }), "{name}");
    }
    house.appoint("late", "issuer", SIGNING, "-days 1");
    let response = house.response_by("late", "-ndays 4", "");
    assert_eq!(judge(&house, &response), Ok(()));
    let why = "its certificate has expired, or is not valid yet";
    let later = check(&house.certificate, &response, SystemTime::now() + 2 * DAY);
    assert_eq!(later, Err(Fault::NotAppointed { why }));
}

#[test]
fn refuses_signatures_that_clients_refuse() {
    let house = House::new(URL);
    let sha1 = Fault::UnsupportedSignature { algorithm: "ECDSA with SHA-1".to_owned() };
    assert_eq!(judge(&house, &house.response("-rmd sha1")), Err(sha1));
    let sha224 = Fault::UnsupportedSignature { algorithm: "1.2.840.10045.4.3.1".to_owned() };
    assert_eq!(judge(&house, &house.response("-rmd sha224")), Err(sha224));
    // An appointed one with the hash that nobody should sign with any more.
    house.appoint("old", "issuer", SIGNING, "-days 9 -sha1");
    let why = "its certificate is not of the issuer";
    let response = house.response_by("old", "-ndays 4", "");
    assert_eq!(judge(&house, &response), Err(Fault::NotAppointed { why }));
}

#[test]
fn takes_rsa_and_ed25519() {
    let house = House::new(URL);
    for (name, algorithm, more) in [("rsa", "rsa:2048", "-ndays 4"), ("ed", "ed25519", "-ndays 4")] {
        house.folder.write("extensions", SIGNING);
        house.run(&format!(
            "req -new -newkey {algorithm} -nodes -subj /CN={name} -keyout @{name}.key -out @{name}.csr"
        ));
        house.run(&format!("x509 -req -in @{name}.csr -CA @issuer.pem -CAkey @issuer.key -set_serial 7 -extfile @extensions -out @{name}.pem -days 9"));
        let response = house.response_by(name, more, "");
        assert_eq!(judge(&house, &response), Ok(()), "{name}");
        // The signature is the last part but the certificates: not a bit of what it covers may change.
        let mut changed = response.clone();
        let at = response.len() / 4;
        changed[at] ^= 1;
        assert!(judge(&house, &changed).is_err(), "{name}");
    }
}

#[test]
fn takes_nothing_that_is_cut_off_or_longer() {
    let house = House::new(URL);
    let response = house.response("");
    for end in 0..response.len() {
        assert!(judge(&house, &response[..end]).is_err(), "{end}");
    }
    let longer = [&response[..], &[0]].concat();
    assert!(matches!(judge(&house, &longer), Err(Fault::Broken { .. })));
}

#[test]
fn takes_no_changed_word() {
    let house = House::new(URL);
    let responses = [house.response("-resp_no_certs"), {
        house.appoint("deputy", "issuer", SIGNING, "-days 9");
        house.response_by("deputy", "-ndays 4", "")
    }];
    let now = SystemTime::now();
    let right: Vec<_> = responses.iter().map(|it| check(&house.certificate, it, now).unwrap()).collect();
    // One byte that is another. Of the issuer's own, not one may pass; of a deputy's, what is said in its
    // certificate beside its key and use is not told apart here, but its signature covers it.
    for at in 0..responses[0].len() {
        for bit in 0..8 {
            let mut changed = responses[0].clone();
            changed[at] ^= 1 << bit;
            assert!(check(&house.certificate, &changed, now).is_err(), "{at} {bit}");
        }
    }
    let changes = proptest::collection::vec((0..1usize << 16, any::<u8>()), 1..6);
    let cuts = (0..1usize << 16, 0..9usize, any::<bool>());
    proptest!(ProptestConfig::with_cases(3000), |(which in 0..2usize, changes in changes, cut in cuts)| {
        let mut changed = responses[which].clone();
        for (at, byte) in changes {
            let at = at % changed.len();
            changed[at] = byte;
        }
        let (at, length, cuts) = cut;
        let at = at % changed.len();
        if cuts {
            let end = (at + length).min(changed.len());
            changed.drain(at..end);
        } else {
            let again = changed[..length.min(at)].to_vec();
            changed.splice(at..at, again);
        }
        if let Ok(staple) = check(&house.certificate, &changed, now) {
            prop_assert_eq!(staple.next_update(), right[which].next_update());
            prop_assert_eq!(staple.this_update(), right[which].this_update());
        }
    });
}
