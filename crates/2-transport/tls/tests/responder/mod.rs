//! An authority with a certificate, and what `openssl ocsp` says of it.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::path::PathBuf;

use gorge_test_util::{Authority, Leaf, Program, TempFolder, openssl};
use gorge_tls::Certificate;

pub(crate) struct House {
    pub(crate) issuer: Authority,
    pub(crate) leaf: Leaf,
    pub(crate) certificate: Certificate,
    pub(crate) folder: TempFolder,
}

impl House {
    /// A certificate that names this responder, and is in good standing.
    pub(crate) fn new(url: &str) -> Self {
        let issuer = Authority::new("root").intermediate("issuer");
        let leaf = issuer.leaf(&["a.example"]).ocsp_responder(url).make();
        let certificate =
            Certificate::from_pem(leaf.cert_pem().as_bytes(), leaf.key_pem().as_bytes()).unwrap();
        let house = Self { issuer, leaf, certificate, folder: TempFolder::new() };
        house.folder.write("issuer.pem", house.issuer.pem());
        house.folder.write("issuer.key", house.issuer.key_pem());
        house.leaf.write_as(&house.folder, "leaf");
        house.set_state("V", "");
        house
    }

    /// What the responder's database says: `V` and nothing, or `R` and when.
    pub(crate) fn set_state(&self, state: &str, revoked: &str) {
        let serial = self.certificate.serial().to_uppercase();
        let line = format!("{state}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN=x\n");
        self.folder.write("index", line);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `openssl` with words, those with `@` before them files of the folder.
    pub(crate) fn run(&self, words: &str) -> String {
        let words = self.words(words);
        openssl(&words.iter().map(String::as_str).collect::<Vec<_>>()).succeeded()
    }

    fn words(&self, words: &str) -> Vec<String> {
        let word = |word: &str| match word.strip_prefix('@') {
            Some(name) => self.path(name).display().to_string(),
            None => word.to_owned(),
        };
        words.split_whitespace().map(word).collect()
    }

    /// A response signed by the issuer, made with some more words, good for four days.
    pub(crate) fn response(&self, more: &str) -> Vec<u8> {
        self.response_by("issuer", &format!("-ndays 4 {more}"), "")
    }

    /// A response signed by whom the files of this name belong to; `hash` names the certificate by another.
    pub(crate) fn response_by(&self, signer: &str, more: &str, hash: &str) -> Vec<u8> {
        self.run(&format!(
            "ocsp -index @index -CA @issuer.pem -rsigner @{signer}.pem -rkey @{signer}.key -issuer @issuer.pem \
             {hash}-cert @leaf.pem -no_nonce -noverify -respout @response.der {more}"
        ));
        std::fs::read(self.path("response.der")).unwrap()
    }

    /// A certificate `name.pem` with its key, signed by `signer.pem`, with these extensions.
    pub(crate) fn appoint(&self, name: &str, signer: &str, extensions: &str, more: &str) {
        self.folder.write("extensions", extensions);
        self.run(&format!("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} -keyout @{name}.key -out @{name}.csr"));
        self.run(&format!(
            "x509 -req -in @{name}.csr -CA @{signer}.pem -CAkey @{signer}.key -set_serial 7 -extfile @extensions \
             -out @{name}.pem {more}"
        ));
    }

    /// Starts the responder, and says on which port.
    pub(crate) fn start(&self, more: &str) -> (Program, u16) {
        let words = self.words(&format!(
            "ocsp -index @index -CA @issuer.pem -rsigner @issuer.pem -rkey @issuer.key -port 0 {more}"
        ));
        let program = Program::start("openssl", &words.iter().map(String::as_str).collect::<Vec<_>>());
        let line = program.out().wait_for("ACCEPT ");
        let port = line.split(':').next_back().and_then(|rest| rest.split(' ').next()).unwrap();
        let port = port.parse().unwrap();
        (program, port)
    }
}
