//! Each certificate is what its words say, in the eyes of the program `openssl`.

use gorge_test_util::{Authority, Leaf, LeafBuilder, OcspStatus, TempFolder, openssl};

/// What `openssl verify` thinks of a chain when it trusts this root: nothing to say against it, or its sentence.
fn verify(root: &Authority, leaf: &Leaf, purpose: &str, more: &[&str]) -> Result<(), String> {
    let folder = TempFolder::new();
    let ca = root.write(&folder).display().to_string();
    let cert = leaf.write(&folder).0.display().to_string();
    // -untrusted takes the rest of the file, as a client takes the rest of what was sent.
    let first = ["verify", "-no-CApath", "-no-CAstore", "-x509_strict", "-CAfile", &ca, "-untrusted", &cert];
    let ran = openssl(&[&first[..], &["-purpose", purpose], more, &[cert.as_str()]].concat());
    if ran.status.success() { Ok(()) } else { Err(ran.stderr) }
}

/// What `openssl x509` prints of the first certificate.
fn shown(leaf: &Leaf, what: &[&str]) -> String {
    let folder = TempFolder::new();
    let cert = leaf.write(&folder).0.display().to_string();
    openssl(&[&["x509", "-in", &cert, "-noout"][..], what].concat()).succeeded()
}

#[track_caller]
fn refused(leaf: LeafBuilder, root: &Authority, purpose: &str, sentence: &str) {
    let said = verify(root, &leaf.make(), purpose, &[]).expect_err(sentence);
    assert!(said.contains(sentence), "{said}");
}

fn house() -> (Authority, Authority) {
    let root = Authority::new("gorge test root");
    let intermediate = root.intermediate("gorge test intermediate");
    (root, intermediate)
}

#[test]
fn a_right_certificate_is_right_on_every_path() {
    let (root, intermediate) = house();
    let deep = intermediate.intermediate("gorge test issuer");
    for (authority, sent) in [(&root, 1), (&intermediate, 2), (&deep, 3)] {
        for leaf in [authority.leaf(&["a.example"]), authority.leaf(&["a.example"]).rsa()] {
            let leaf = leaf.make();
            assert_eq!(leaf.chain_der().len(), sent);
            assert_eq!(leaf.cert_pem().matches("BEGIN CERTIFICATE").count(), sent);
            verify(&root, &leaf, "sslserver", &["-verify_hostname", "a.example"]).unwrap();
        }
    }
}

#[test]
fn names_are_hosts_wildcards_and_addresses() {
    let (root, _) = house();
    let leaf = root.leaf(&["a.example", "*.b.example", "127.0.0.1", "::1"]).make();
    for right in [
        ["-verify_hostname", "a.example"],
        ["-verify_hostname", "x.b.example"],
        ["-verify_ip", "127.0.0.1"],
        ["-verify_ip", "::1"],
    ] {
        verify(&root, &leaf, "sslserver", &right).unwrap_or_else(|said| panic!("{right:?}: {said}"));
    }
    let said = verify(&root, &leaf, "sslserver", &["-verify_hostname", "b.example"]).unwrap_err();
    assert!(said.contains("hostname mismatch"), "{said}");
}

#[test]
fn the_kind_of_key_is_as_asked_for_and_the_key_fits() {
    let (root, _) = house();
    for (leaf, kind) in [
        (root.leaf(&["a.example"]), "ASN1 OID: prime256v1"),
        (root.leaf(&["a.example"]).rsa(), "Public-Key: (2048 bit)"),
    ] {
        let leaf = leaf.make();
        assert!(shown(&leaf, &["-text"]).contains(kind));
        assert_eq!(public_key(&leaf), shown(&leaf, &["-pubkey"]));
    }
}

fn public_key(leaf: &Leaf) -> String {
    let folder = TempFolder::new();
    let key = leaf.write(&folder).1.display().to_string();
    openssl(&["pkey", "-in", &key, "-pubout"]).succeeded()
}

#[test]
fn the_key_of_another_does_not_fit() {
    let (root, _) = house();
    for leaf in [root.leaf(&["a.example"]), root.leaf(&["a.example"]).rsa()] {
        let leaf = leaf.key_of_another().make();
        verify(&root, &leaf, "sslserver", &[]).unwrap();
        assert_ne!(public_key(&leaf), shown(&leaf, &["-pubkey"]));
    }
}

#[test]
fn dates_are_as_asked_for() {
    let (root, _) = house();
    refused(root.leaf(&["a.example"]).expired(), &root, "sslserver", "certificate has expired");
    refused(root.leaf(&["a.example"]).not_yet_valid(), &root, "sslserver", "certificate is not yet valid");
    let leaf = root.leaf(&["a.example"]).days(7).make();
    let ends_within = |seconds: u32| {
        let folder = TempFolder::new();
        let cert = leaf.write(&folder).0.display().to_string();
        !openssl(&["x509", "-in", &cert, "-noout", "-checkend", &seconds.to_string()]).status.success()
    };
    assert!(!ends_within(7 * 86_400) && ends_within(7 * 86_400 + 3_601));
}

#[test]
fn a_purpose_is_one_or_both() {
    let (root, _) = house();
    let wrong = "unsuitable certificate purpose";
    refused(root.leaf(&["a.example"]).for_clients_only(), &root, "sslserver", wrong);
    refused(root.leaf(&["a.example"]), &root, "sslclient", wrong);
    refused(root.client("alice").for_servers_only(), &root, "sslclient", wrong);
    refused(root.client("alice"), &root, "sslserver", wrong);
    let both = root.leaf(&["a.example"]).for_both().make();
    verify(&root, &both, "sslserver", &[]).unwrap();
    verify(&root, &both, "sslclient", &[]).unwrap();
}

#[test]
fn a_client_is_named_by_its_subject() {
    let (root, intermediate) = house();
    let leaf = intermediate.client("alice").organisation("Acme").make();
    verify(&root, &leaf, "sslclient", &[]).unwrap();
    assert_eq!(shown(&leaf, &["-subject", "-nameopt", "RFC2253"]), "subject=CN=alice,O=Acme\n");
    assert!(!shown(&leaf, &["-text"]).contains("Subject Alternative Name"));
}

#[test]
fn a_chain_can_be_broken() {
    let (root, intermediate) = house();
    let missing = "unable to get local issuer certificate";
    refused(intermediate.leaf(&["a.example"]).missing_intermediate(), &root, "sslserver", missing);
    refused(root.leaf(&["a.example"]), &Authority::new("gorge test root"), "sslserver", missing);
    let leaf = root.leaf(&["a.example"]).self_signed();
    refused(leaf.clone(), &root, "sslserver", "self-signed certificate");
    let leaf = leaf.make();
    assert_eq!(leaf.chain_der().len(), 1);
    assert_eq!(shown(&leaf, &["-issuer"]).replace("issuer", "subject"), shown(&leaf, &["-subject"]));
}

#[test]
fn serials_differ_even_where_the_key_does_not() {
    let (root, _) = house();
    let serial = || shown(&root.leaf(&["a.example"]).rsa().make(), &["-serial"]);
    assert_ne!(serial(), serial());
}

#[test]
fn der_and_pem_hold_the_same() {
    let (root, _) = house();
    let leaf = root.leaf(&["a.example"]).make();
    let folder = TempFolder::new();
    let der = folder.write("cert.der", leaf.der()).display().to_string();
    let key = folder.write("key.der", leaf.key_der()).display().to_string();
    let ca = folder.write("ca.der", root.der()).display().to_string();
    assert_eq!(openssl(&["x509", "-inform", "DER", "-in", &der]).succeeded(), with_lf(leaf.cert_pem()));
    assert_eq!(openssl(&["pkey", "-inform", "DER", "-in", &key]).succeeded(), with_lf(leaf.key_pem()));
    assert_eq!(openssl(&["x509", "-inform", "DER", "-in", &ca]).succeeded(), with_lf(root.pem()));
}

fn with_lf(pem: impl Into<String>) -> String {
    pem.into().replace("\r\n", "\n")
}

#[test]
fn files_have_names_of_their_own_unless_told() {
    let (root, _) = house();
    let (one, other) = (root.leaf(&["a.example"]).make(), root.leaf(&["b.example"]).make());
    let folder = TempFolder::new();
    assert_ne!(one.write(&folder), other.write(&folder));
    let paths = one.write_as(&folder, "site");
    assert_eq!(paths, (folder.path().join("site.pem"), folder.path().join("site.key")));
    other.write_as(&folder, "site");
    assert_eq!(std::fs::read_to_string(&paths.0).unwrap(), other.cert_pem());
    assert_eq!(std::fs::read_to_string(&paths.1).unwrap(), other.key_pem());
}

#[test]
fn a_responder_is_named_and_answers() {
    let (root, intermediate) = house();
    let url = "http://127.0.0.1:1234/ocsp";
    let leaf = intermediate.leaf(&["a.example"]).ocsp_responder(url).make();
    verify(&root, &leaf, "sslserver", &[]).unwrap();
    assert_eq!(shown(&leaf, &["-ocsp_uri"]).trim(), url);
    for (status, text) in
        [(OcspStatus::Good, "good"), (OcspStatus::Revoked, "revoked"), (OcspStatus::Unknown, "unknown")]
    {
        let folder = TempFolder::new();
        let response = folder.write("response", intermediate.ocsp_response(&leaf, status, 3));
        let ca = intermediate.write(&folder).display().to_string();
        let said = openssl(&[
            "ocsp",
            "-respin",
            &response.display().to_string(),
            "-VAfile",
            &ca,
            "-issuer",
            &ca,
            "-cert",
            &leaf.write(&folder).0.display().to_string(),
            "-no_nonce",
        ]);
        assert!(said.stderr.contains("Response verify OK"), "{said:?}");
        assert!(said.stdout.contains(&format!(": {text}\n")), "{said:?}");
        assert!(said.stdout.contains("Next Update"), "{said:?}");
    }
}
