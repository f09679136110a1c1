//! A scanner that others wrote finds nothing in the default configuration.
#![cfg(feature = "openssl")]

mod served;

use std::process::Command;

use gorge_test_util::{Authority, TempFolder};
use served::{HEAD, Served, text};

/// What is a matter of the test's certificate, of DNS, and of what the operator chooses to send.
const ASIDE: [&str; 6] = [
    "cert_chain_of_trust",
    "cert_expirationStatus",
    "cert_notAfter",
    "cert_revocation",
    "DNS_CAArecord",
    "HSTS",
];

#[test]
fn testssl_finds_nothing_above_info() {
    let (folder, root) = (TempFolder::new(), Authority::new("root"));
    for (name, leaf) in [
        ("ecdsa", root.leaf(&["localhost", "127.0.0.1"]).make()),
        ("rsa", root.leaf(&["localhost", "127.0.0.1"]).rsa().make()),
    ] {
        leaf.write_as(&folder, name);
    }
    let tls = "[listen.tls]\ncertificates = [{ cert = \"ecdsa.pem\", key = \"ecdsa.key\" }, { cert = \"rsa.pem\", key = \"rsa.key\" }]\n";
    let served = Served::start_in(folder, &format!("{HEAD}{tls}[[route]]\nrespond = {{ text = \"hi\" }}\n"));
    let report = served.path("report.json");
    let scan = format!(
        "timeout 300 testssl --nodns none --protocols --server-defaults --vulnerable --color 0 --warnings off \
         --openssl \"$(command -v openssl)\" --jsonfile {} {}",
        text(&report),
        served.addr()
    );
    let mut scanner = Command::new("sh");
    // Its exit code counts what it found, the certificate's affairs included.
    let ended = scanner.args(["-c", &scan]).current_dir(served.folder.path()).output().unwrap();
    let found: serde_json::Value = serde_json::from_str(&served::read(&report))
        .unwrap_or_else(|error| panic!("no report: {error}: {ended:#?}"));
    let findings = found.as_array().expect("a list");
    assert!(findings.len() > 40, "it looked at few things: {found:#}");
    let said = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let grave: Vec<_> = findings
        .iter()
        .filter(|finding| !["OK", "INFO"].contains(&said(finding, "severity").as_str()))
        .filter(|finding| !ASIDE.iter().any(|aside| said(finding, "id").starts_with(aside)))
        .collect();
    assert!(grave.is_empty(), "{grave:#?}");
    let offered = |id: &str| {
        let one = findings.iter().find(|finding| said(finding, "id") == id);
        one.map(|finding| said(finding, "finding")).unwrap_or_default()
    };
    assert!(offered("TLS1_3").contains("offered") && offered("TLS1_2").contains("offered"), "{found:#}");
    assert_eq!(offered("TLS1_1"), "not offered");
}
