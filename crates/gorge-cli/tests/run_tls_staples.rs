//! Answers of OCSP responders: asked for in the background, kept across reloads, left out when not wanted.
#![cfg(feature = "openssl")]

mod served;

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use gorge_test_util::{Authority, ClientTls, OcspStatus, Origin, TempFolder, s_client};
use served::{HEAD, Served, until};

const SITE: &str = "certificates = [{ cert = \"site.pem\", key = \"site.key\" }]\n";

fn file(more: &str) -> String {
    format!("{HEAD}[listen.tls]\n{SITE}{more}[[route]]\nrespond = 204\n")
}

/// A responder: what it says, once that is known, and whether it says it.
struct Responder {
    origin: Origin,
    answer: Arc<OnceLock<Vec<u8>>>,
    is_up: Arc<AtomicBool>,
}

impl Responder {
    fn start() -> Self {
        let (answer, is_up) = (Arc::new(OnceLock::<Vec<u8>>::new()), Arc::new(AtomicBool::new(true)));
        let (says, up) = (answer.clone(), is_up.clone());
        let origin = Origin::start(move |connection| {
            while connection.next_request().is_some() {
                let body = says.get().filter(|_| up.load(Ordering::SeqCst));
                let (status, body) =
                    body.map_or(("503 Service Unavailable", &[][..]), |body| ("200 OK", body));
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
                connection.send([head.as_bytes(), body].concat());
            }
        });
        Self { origin, answer, is_up }
    }
}

/// A certificate that names the responder, with its issuer, about whom the answer is too.
fn site(root: &Authority, responder: &Responder) -> TempFolder {
    let folder = TempFolder::new();
    let url = format!("http://{}/ocsp", responder.origin.addr());
    let leaf = root.leaf(&["a.example"]).ocsp_responder(&url).make();
    folder.write("site.pem", format!("{}{}", leaf.cert_pem(), root.pem()));
    let key = folder.write("site.key", leaf.key_pem());
    std::fs::set_permissions(key, PermissionsExt::from_mode(0o600)).unwrap();
    responder.answer.set(root.ocsp_response(&leaf, OcspStatus::Good, 3)).unwrap();
    folder
}

/// Whether a client is shown an answer. That it is served is found out besides.
fn is_stapled(served: &Served, root: &Authority) -> bool {
    let client = ClientTls::new("a.example").trusting(root);
    let request = "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
    let seen = s_client(served.addr(), &client, request, &["-status"]);
    assert!(seen.stdout.contains("HTTP/1.1 204"), "{seen:?}");
    seen.stdout.contains("OCSP Response Status: successful")
}

#[test]
fn a_responder_is_asked_in_the_background_and_its_answer_outlives_reloads() {
    let (root, responder) = (Authority::new("root"), Responder::start());
    let served = Served::start_in(site(&root, &responder), &file(""));
    until("the answer is shown", || is_stapled(&served, &root));
    let asked = responder.origin.only_request();
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/ocsp"));
    assert_eq!(asked.fields.get("content-type"), Some("application/ocsp-request"));

    responder.is_up.store(false, Ordering::SeqCst);
    served.reload(&file("session_tickets = false\n"));
    assert!(is_stapled(&served, &root), "the answer is lost");
    assert_eq!(responder.origin.requests().len(), 1, "half of its time is not over");

    served.reload(&file("ocsp_stapling = false\n"));
    assert!(!is_stapled(&served, &root), "nobody wants an answer");
    assert_eq!(responder.origin.requests().len(), 1);
}

#[test]
fn without_an_answer_it_goes_on_and_is_told() {
    let (root, responder) = (Authority::new("root"), Responder::start());
    responder.is_up.store(false, Ordering::SeqCst);
    let served = Served::start_in(site(&root, &responder), &file(""));
    let line = served.program.err().wait_for("no good answer from its OCSP responder");
    assert!(line.contains("certificate for a.example") && line.contains("503"), "{line}");
    assert!(!is_stapled(&served, &root));
}
