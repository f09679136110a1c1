//! Certificates and keys as people have them: what is taken, and what is said of everything else.

use std::path::Path;
use std::time::{Duration, SystemTime};

use gorge_error::Kind;
use gorge_test_util::{Authority, Leaf, TempFolder, openssl};
use gorge_tls::{Certificate, CertificateFault as Fault, KeyKind, Part};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

fn pem(leaf: &Leaf) -> Result<Certificate, Fault> {
    Certificate::from_pem(leaf.cert_pem().as_bytes(), leaf.key_pem().as_bytes())
}

fn fault(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Fault {
    Certificate::from_pem(chain.as_ref(), key.as_ref()).unwrap_err()
}

fn chained() -> (Authority, Leaf) {
    let root = Authority::new("root");
    let leaf = root.intermediate("below").leaf(&["a.example"]).make();
    (root, leaf)
}

/// Runs `openssl` in the folder's files.
fn run(arguments: &str, folder: &TempFolder) -> String {
    let path = |word: &str| match word.strip_prefix('@') {
        Some(name) => folder.path().join(name).display().to_string(),
        None => word.to_owned(),
    };
    let words: Vec<_> = arguments.split(' ').map(path).collect();
    openssl(&words.iter().map(String::as_str).collect::<Vec<_>>()).succeeded()
}

fn content(folder: &TempFolder, name: &str) -> Vec<u8> {
    std::fs::read(folder.path().join(name)).unwrap()
}

#[test]
fn tells_its_facts() {
    let authority = Authority::new("the authority").intermediate("below, \"quoted\"");
    let leaf = authority
        .leaf(&["A.example", "*.b.example", "192.0.2.1", "2001:db8::1"])
        .organisation("O, Inc.")
        .days(30)
        .ocsp_responder("http://ocsp.example/x")
        .make();
    let certificate = pem(&leaf).unwrap();
    assert_eq!(certificate.names(), ["a.example", "*.b.example", "192.0.2.1", "2001:db8::1"]);
    let folder = TempFolder::new();
    let (cert, _) = leaf.write_as(&folder, "a");
    let shown =
        run("x509 -in @a.pem -noout -subject -issuer -serial -fingerprint -sha256 -nameopt RFC2253", &folder);
    let line = |name: &str| shown.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    assert_eq!(certificate.subject(), line("subject="));
    assert_eq!(certificate.issuer(), line("issuer="));
    assert_eq!(certificate.serial(), line("serial=").to_lowercase());
    let print: Vec<_> = certificate.sha256().iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(print.join(":"), line("sha256 Fingerprint="));
    let now = SystemTime::now();
    assert!(certificate.not_before() < now && now < certificate.not_after());
    assert_eq!(certificate.days_left(now), 30);
    assert_eq!(certificate.days_left(certificate.not_after()), 0);
    assert_eq!(certificate.days_left(certificate.not_after() + Duration::from_secs(1)), -1);
    assert_eq!(certificate.key_kind(), KeyKind::Ecdsa);
    assert_eq!(certificate.key_words(), "ECDSA over P-256");
    assert_eq!(certificate.ocsp_url().as_deref(), Some("http://ocsp.example/x"));
    assert!(!certificate.is_self_signed());
    let (shown, secret) = (format!("{certificate:?}"), leaf.key_pem().lines().nth(1).unwrap());
    assert!(shown.contains("a.example") && !shown.contains(secret), "{shown}");
    assert_eq!(
        Certificate::read(&cert, &folder.path().join("a.key")).unwrap().sha256(),
        certificate.sha256()
    );
}

#[test]
fn takes_every_form_of_chain_and_key() {
    let (_, leaf) = chained();
    let print = pem(&leaf).unwrap().sha256();
    let folder = TempFolder::new();
    let (cert, key) = leaf.write_as(&folder, "a");
    run("pkey -in @a.key -traditional -out @sec1.pem", &folder);
    run("pkey -in @a.key -outform DER -out @pkcs8.der", &folder);
    run("pkey -in @a.key -traditional -outform DER -out @sec1.der", &folder);
    run("x509 -in @a.pem -outform DER -out @a.der", &folder);
    run("ecparam -name prime256v1 -out @curve.pem", &folder);
    for name in ["sec1.pem", "pkcs8.der", "sec1.der"] {
        let read =
            Certificate::read(&cert, &folder.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(read.sha256(), print, "{name}");
        let chain = leaf.chain_der();
        if name.ends_with("der") {
            assert_eq!(
                Certificate::from_der(&chain, &content(&folder, name)).unwrap().sha256(),
                print,
                "{name}"
            );
        }
    }
    // One in DER stands alone.
    assert_eq!(Certificate::read(&folder.path().join("a.der"), &key).unwrap().sha256(), print);
    // `openssl ecparam -genkey` writes the curve first.
    let with_curve = [content(&folder, "curve.pem"), content(&folder, "sec1.pem")].concat();
    assert_eq!(Certificate::from_pem(leaf.cert_pem().as_bytes(), &with_curve).unwrap().sha256(), print);
    // All in one file, in any order of the two kinds, with the line ends of Windows.
    let all = format!("\u{feff}# the key\n{}and\n{}", leaf.key_pem(), leaf.cert_pem()).replace('\n', "\r\n");
    let all = folder.write("all.pem", all);
    assert_eq!(Certificate::read(&all, &all).unwrap().sha256(), print);
}

#[test]
fn takes_rsa_in_both_forms_and_the_other_keys_of_tls() {
    let folder = TempFolder::new();
    let rsa = Authority::new("root").leaf(&["a.example"]).rsa().make();
    rsa.write_as(&folder, "rsa");
    run("rsa -in @rsa.key -traditional -out @pkcs1.key", &folder);
    assert!(String::from_utf8_lossy(&content(&folder, "pkcs1.key")).contains("BEGIN RSA PRIVATE KEY"));
    let read = Certificate::from_pem(rsa.cert_pem().as_bytes(), &content(&folder, "pkcs1.key")).unwrap();
    assert_eq!((read.key_kind(), &*read.key_words()), (KeyKind::Rsa, "RSA of 2048 bits"));
    for (algorithm, kind, words) in [
        ("ec -pkeyopt ec_paramgen_curve:P-384", KeyKind::Ecdsa, "ECDSA over P-384"),
        ("ec -pkeyopt ec_paramgen_curve:P-521", KeyKind::Ecdsa, "ECDSA over P-521"),
        ("ed25519", KeyKind::Eddsa, "Ed25519"),
    ] {
        let read = self_made(algorithm, &folder).unwrap();
        assert_eq!((read.key_kind(), &*read.key_words()), (kind, words));
    }
}

/// A certificate of the program `openssl`, which signs itself.
fn self_made(algorithm: &str, folder: &TempFolder) -> Result<Certificate, Fault> {
    let hash = if algorithm.starts_with("ed") { "" } else { "-sha256 " };
    run(&format!("genpkey -algorithm {algorithm} -out @x.key"), folder);
    run(
        &format!("req -x509 -key @x.key -out @x.pem -subj /CN=x {hash}-addext subjectAltName=DNS:x -days 9"),
        folder,
    );
    Certificate::read(&folder.path().join("x.pem"), &folder.path().join("x.key"))
}

#[test]
fn says_which_file_is_empty_missing_or_too_large() {
    let (_, leaf) = chained();
    for nothing in ["", " \n\n"] {
        assert_eq!(fault(nothing, leaf.key_pem()), Fault::Empty { part: Part::Certificate });
        assert_eq!(fault(leaf.cert_pem(), nothing), Fault::Empty { part: Part::Key });
    }
    let none: &[&[u8]] = &[];
    assert_eq!(
        Certificate::from_der(none, leaf.key_der()).unwrap_err(),
        Fault::Empty { part: Part::Certificate }
    );
    let folder = TempFolder::new();
    let (cert, key) = leaf.write(&folder);
    let missing = folder.path().join("missing");
    for (cert, key, part) in [(&missing, &key, Part::Certificate), (&cert, &missing, Part::Key)] {
        let fault = Certificate::read(cert, key).unwrap_err();
        assert_eq!(fault.part(), part);
        assert!(matches!(&fault, Fault::Unreadable { path, .. } if *path == missing), "{fault}");
        assert!(fault.to_string().contains("missing: No such file"), "{fault}");
        assert_eq!(gorge_error::Error::from(fault).kind(), Kind::File);
    }
    // A device without an end has one here.
    let endless = Path::new("/dev/zero");
    assert_eq!(Certificate::read(endless, &key).unwrap_err(), Fault::TooLarge { part: Part::Certificate });
    assert_eq!(Certificate::read(&cert, endless).unwrap_err(), Fault::TooLarge { part: Part::Key });
}

#[test]
fn says_what_stands_where_something_else_belongs() {
    let (_, leaf) = chained();
    let folder = TempFolder::new();
    leaf.write_as(&folder, "a");
    run("req -new -key @a.key -subj /CN=a -out @request.pem", &folder);
    run("pkey -in @a.key -pubout -out @public.pem", &folder);
    run("crl2pkcs7 -nocrl -certfile @a.pem -out @p7.pem", &folder);
    run("pkcs12 -export -in @a.pem -inkey @a.key -passout pass:x -out @a.p12", &folder);
    run("x509 -in @a.pem -trustout -out @trusted.pem", &folder);
    let (cert, key) = (leaf.cert_pem().into_bytes(), leaf.key_pem().as_bytes().to_vec());
    for (name, label, hint) in [
        ("a.key", "PRIVATE KEY", "is a private key"),
        ("request.pem", "CERTIFICATE REQUEST", "is a request for a certificate"),
        ("public.pem", "PUBLIC KEY", "is a public key"),
        ("p7.pem", "PKCS7", "openssl pkcs7"),
        ("a.p12", "PKCS12", "openssl pkcs12"),
        ("trusted.pem", "TRUSTED CERTIFICATE", "openssl x509"),
    ] {
        let fault = fault(content(&folder, name), &key);
        let line = (label != "PKCS12").then_some(1);
        let part = Part::Certificate;
        assert_eq!(fault, Fault::WrongBlock { part, line, found: label.to_owned() }, "{name}");
        assert!(fault.to_string().contains(hint), "{fault}");
    }
    for (name, label) in
        [("a.pem", "CERTIFICATE"), ("request.pem", "CERTIFICATE REQUEST"), ("a.p12", "PKCS12")]
    {
        let fault = fault(&cert, content(&folder, name));
        assert!(
            matches!(&fault, Fault::WrongBlock { part: Part::Key, found, .. } if found == label),
            "{fault:?}"
        );
    }
    let der = leaf.der();
    let swapped = fault(&cert, der);
    assert!(matches!(&swapped, Fault::WrongBlock { part: Part::Key, line: None, .. }), "{swapped:?}");
    for text in ["what", "----BEGIN", "\0\u{1}"] {
        assert_eq!(fault(text, &key), Fault::NotPem { part: Part::Certificate });
        assert_eq!(fault(&cert, text), Fault::NotPem { part: Part::Key });
    }
    let openssh = b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAEC\n-----END OPENSSH PRIVATE KEY-----\n";
    assert!(fault(&cert, openssh).to_string().contains("a key of OpenSSH"));
}

#[test]
fn says_which_certificate_is_broken_and_where() {
    let (_, leaf) = chained();
    let whole = leaf.cert_pem();
    let lines: Vec<_> = whole.lines().collect();
    let second = 1 + lines.iter().skip(1).position(|line| line.contains("BEGIN")).unwrap();
    // One character of the second turned into one of another value.
    let mut damaged: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
    damaged[second + 1].replace_range(0..1, if lines[second + 1].starts_with('M') { "A" } else { "M" });
    match fault(damaged.join("\n"), leaf.key_pem()) {
        Fault::BrokenCertificate { number: 2, line, .. } => assert_eq!(line, Some(second + 1)),
        other => panic!("{other:?}"),
    }
    damaged[second + 1].replace_range(0..1, "*");
    let fault_at = fault(damaged.join("\n"), leaf.key_pem());
    let why = "the text is no base64";
    assert_eq!(fault_at, Fault::BrokenPem { part: Part::Certificate, line: second + 1, why });
    // Cut off at any place, it never passes for whole; but the first alone is a certificate.
    let first_ends = whole.find("-----END CERTIFICATE-----").unwrap() + "-----END CERTIFICATE-----".len();
    let second_begins = whole.rfind("-----BEGIN ").unwrap();
    for end in 0..whole.trim_end().len() {
        let got = Certificate::from_pem(&whole.as_bytes()[..end], leaf.key_pem().as_bytes());
        let between = (first_ends..second_begins + "-----BEGIN".len()).contains(&end);
        assert_eq!(got.is_ok(), between, "{end}: {got:?}");
    }
    let mut der = leaf.chain_der();
    der[1].push(0);
    let broken = Certificate::from_der(&der, leaf.key_der()).unwrap_err();
    assert!(matches!(broken, Fault::BrokenCertificate { number: 2, line: None, .. }), "{broken:?}");
    assert!(
        broken.to_string().starts_with("certificate 2 of the file is broken: it is cut off, or"),
        "{broken}"
    );
}

#[test]
fn says_what_is_wrong_with_the_key() {
    let (_, leaf) = chained();
    let folder = TempFolder::new();
    leaf.write_as(&folder, "a");
    run("pkey -in @a.key -aes256 -passout pass:x -out @new.pem", &folder);
    run("pkey -in @a.key -aes256 -passout pass:x -traditional -out @old.pem", &folder);
    run("pkcs8 -topk8 -in @a.key -passout pass:x -outform DER -out @new.der", &folder);
    for name in ["new.pem", "old.pem", "new.der"] {
        assert_eq!(fault(leaf.cert_pem(), content(&folder, name)), Fault::EncryptedKey, "{name}");
    }
    assert!(Fault::EncryptedKey.to_string().contains("openssl pkey"));
    let key = leaf.key_pem();
    let two = format!("{key}{key}");
    assert_eq!(fault(leaf.cert_pem(), &two), Fault::SeveralKeys { line: key.lines().count() + 1 });
    let cut = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n-----END PRIVATE KEY-----\n";
    assert!(matches!(fault(leaf.cert_pem(), cut), Fault::BrokenKey { line: Some(1), .. }));
    let broken = "-----BEGIN PRIVATE KEY-----\nMAMCAQA=\n-----END PRIVATE KEY-----\n";
    assert!(matches!(fault(leaf.cert_pem(), broken), Fault::BrokenKey { line: Some(1), .. }));
    assert_eq!(fault(leaf.cert_pem(), broken).part(), Part::Key);
}

#[test]
fn says_whose_the_key_is() {
    let root = Authority::new("root");
    let ecdsa = root.leaf(&["a.example"]).make();
    let rsa = root.leaf(&["a.example"]).rsa().make();
    let (p256, rsa2048) = ("ECDSA over P-256".to_owned(), "RSA of 2048 bits".to_owned());
    let mixed = fault(ecdsa.cert_pem(), rsa.key_pem());
    assert_eq!(mixed, Fault::KeyOfOther { key: rsa2048.clone(), certificate: p256 });
    assert!(
        mixed.to_string().ends_with("it is RSA of 2048 bits, the certificate's is ECDSA over P-256"),
        "{mixed}"
    );
    let other = pem(&root.leaf(&["a.example"]).rsa().key_of_another().make()).unwrap_err();
    assert_eq!(other, Fault::KeyOfOther { key: rsa2048.clone(), certificate: rsa2048 });
    assert!(other.to_string().ends_with("both are RSA of 2048 bits, but not a pair"), "{other}");
    // The file has them the wrong way round.
    let (_, leaf) = chained();
    let mut chain = leaf.chain_der();
    chain.reverse();
    let reversed = Certificate::from_der(&chain, leaf.key_der()).unwrap_err();
    assert_eq!(reversed, Fault::KeyOfLater { number: 2, subject: "CN=a.example".to_owned() });
    assert_eq!(reversed.part(), Part::Certificate);
    assert_eq!(gorge_error::Error::from(reversed).kind(), Kind::CertificateInvalid);
}

#[test]
fn says_which_did_not_sign_which() {
    let root = Authority::new("root");
    let lower = root.intermediate("upper").intermediate("lower");
    let leaf = lower.leaf(&["a.example"]).make();
    let [own, low, up] = <[Vec<u8>; 3]>::try_from(leaf.chain_der()).unwrap();
    let judge = |chain: &[&[u8]]| Certificate::from_der(chain, leaf.key_der());
    assert!(judge(&[&own, &low, &up]).is_ok());
    assert!(judge(&[&own, &low, &up, root.der()]).is_ok());
    let out_of_order = |number, subject: &str, wanted: &str, signer| Fault::OutOfOrder {
        number,
        subject: subject.to_owned(),
        wanted: wanted.to_owned(),
        signer,
    };
    let swapped = judge(&[&own, &up, &low]).unwrap_err();
    assert_eq!(swapped, out_of_order(2, "CN=upper", "CN=lower", Some(3)));
    assert_eq!(
        swapped.to_string(),
        "certificate 2 of the file, CN=upper, did not sign certificate 1, whose issuer is CN=lower; \
         certificate 3 did: put it behind certificate 1"
    );
    assert_eq!(judge(&[&own, &low, root.der()]).unwrap_err(), out_of_order(3, "CN=root", "CN=upper", None));
    // Another authority of the same name.
    let namesake = Authority::new("root").intermediate("lower");
    let namesake = namesake.leaf(&["x"]).make().chain_der().remove(1);
    let wrong = judge(&[&own, &namesake]).unwrap_err();
    assert_eq!(wrong, out_of_order(2, "CN=lower", "CN=lower", None));
    assert!(wrong.to_string().contains("though it has the name of its issuer"), "{wrong}");
    assert_eq!(judge(&[&own, &own, &low]).unwrap_err(), Fault::Twice { first: 1, second: 2 });
    assert_eq!(judge(&[&own, &low, &up, &low]).unwrap_err(), Fault::Twice { first: 2, second: 4 });
    assert_eq!(judge(&[&own[..]; 17]).unwrap_err(), Fault::TooMany { found: 17, limit: 16 });
}

#[test]
fn says_which_keys_tls_has_no_use_for() {
    let folder = TempFolder::new();
    let found = match self_made("ec -pkeyopt ec_paramgen_curve:secp256k1", &folder) {
        Err(Fault::UnsupportedKey { part: Part::Certificate, found }) => found,
        // BoringSSL does not even read it.
        Err(Fault::BrokenCertificate { number: 1, why, .. }) => why,
        other => panic!("{other:?}"),
    };
    assert!(found == "ECDSA over secp256k1" || found == "the library cannot read its key", "{found}");
    let (_, leaf) = chained();
    run("genpkey -algorithm x25519 -out @x.key", &folder);
    let fault = fault(leaf.cert_pem(), content(&folder, "x.key"));
    assert!(matches!(&fault, Fault::UnsupportedKey { part: Part::Key, .. }), "{fault:?}");
    assert!(fault.to_string().contains("does not sign"), "{fault}");
}

#[test]
fn makes_certificates_on_the_spot() {
    let names = ["A.example", "*.b.example", "127.0.0.1", "::1"];
    let made = Certificate::self_signed(&names, YEAR).unwrap();
    assert_eq!(made.names(), ["a.example", "*.b.example", "127.0.0.1", "::1"]);
    assert!(made.is_self_signed());
    assert_eq!((made.subject(), made.issuer()), ("CN=A.example".to_owned(), "CN=A.example".to_owned()));
    assert_eq!(made.days_left(SystemTime::now() - Duration::from_secs(60)), 365);
    assert_ne!(made.serial(), Certificate::self_signed(&names, YEAR).unwrap().serial());
    let (cert, key) = (made.to_pem().unwrap(), made.key_to_pem().unwrap());
    assert_eq!(Certificate::from_pem(cert.as_bytes(), key.as_bytes()).unwrap().sha256(), made.sha256());
    let folder = TempFolder::new();
    folder.write("made.pem", cert);
    let shown = run("x509 -in @made.pem -noout -text", &folder);
    for part in [
        "Version: 3",
        "ASN1 OID: prime256v1",
        "X509v3 Basic Constraints: critical\n                CA:FALSE",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
        "X509v3 Extended Key Usage: \n                TLS Web Server Authentication\n",
        "DNS:A.example, DNS:*.b.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    ] {
        assert!(shown.contains(part), "{part}:\n{shown}");
    }
    // Whoever is told to trust it does.
    run(
        "verify -x509_strict -purpose sslserver -CAfile @made.pem -verify_hostname x.b.example @made.pem",
        &folder,
    );
}

#[test]
fn makes_none_without_names_and_none_without_end() {
    for names in [&[][..], &[""], &["é.example"], &["a b"], &["a.example", "a\n"]] {
        let error = Certificate::self_signed(names, YEAR).unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration, "{names:?}");
    }
    let long = "a".repeat(63) + "." + &"b".repeat(63);
    let made = Certificate::self_signed(&[&long], Duration::MAX).unwrap();
    assert_eq!((made.names(), made.subject()), (&[long][..], String::new()));
    // The year 9999 is the last that a certificate can name.
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    assert_eq!(made.not_after(), end);
}

#[test]
fn survives_dates_far_away() {
    let folder = TempFolder::new();
    run("genpkey -algorithm ed25519 -out @a.key", &folder);
    run("req -new -key @a.key -subj /CN=a -out @a.csr", &folder);
    let epoch = SystemTime::UNIX_EPOCH;
    for (from, to) in [("19500101000000Z", "19691231235959Z"), ("00010101000000Z", "99991231235959Z")] {
        folder.write("index", "");
        folder.write("ca.conf", format!(
            "[ca]\ndefault_ca=c\n[c]\ndatabase={0}/index\nnew_certs_dir={0}\nrand_serial=yes\ndefault_md=default\npolicy=p\n[p]\n",
            folder.path().display()
        ));
        run(
            &format!(
                "ca -batch -config @ca.conf -selfsign -keyfile @a.key -in @a.csr -out @a.pem -notext -startdate {from} -enddate {to}"
            ),
            &folder,
        );
        let read = Certificate::read(&folder.path().join("a.pem"), &folder.path().join("a.key")).unwrap();
        assert!(read.not_before() < epoch, "{from}");
        let remarks: Vec<_> =
            read.remarks(epoch, gorge_tls::Role::Server).iter().map(ToString::to_string).collect();
        if to.starts_with('1') {
            assert_eq!(read.not_after(), epoch - Duration::from_secs(1));
            assert_eq!(read.days_left(epoch), -1);
            assert!(
                remarks.iter().any(|remark| remark.contains("expired on 1969-12-31 (today)")),
                "{remarks:?}"
            );
        } else {
            assert_eq!(read.days_left(epoch), 2_932_896);
        }
    }
}
