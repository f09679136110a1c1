//! The example `tls` serves over TLS, with the certificate of its files or with one of its own.
#![cfg(feature = "openssl")]

mod common;

use gorge_test_util::{Authority, ClientTls, Origin, TempFolder, curl_tls};

fn origin() -> Origin {
    Origin::start(|connection| {
        while let Some(request) = connection.next_request() {
            let proto = request.fields.get("x-forwarded-proto").unwrap_or("none").to_owned();
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{proto}", proto.len()));
        }
    })
}

#[test]
fn without_files_it_makes_a_certificate() {
    let origin = origin();
    let program = common::start("tls", &[origin.addr()]);
    let answer = curl_tls(program.addr(), &ClientTls::new("localhost"), "/", &["--insecure"]);
    assert_eq!(answer.stdout, "https", "{answer:?}");
}

#[test]
fn with_files_clients_can_verify_it() {
    let (origin, folder, root) = (origin(), TempFolder::new(), Authority::new("root"));
    let (certificate, key) = root.leaf(&["site.example"]).make().write(&folder);
    let words = [origin.addr().to_string(), path(&certificate), path(&key)];
    let program = common::start_with("tls", &words);
    let client = ClientTls::new("site.example").trusting(&root);
    assert_eq!(curl_tls(program.addr(), &client, "/", &[]).stdout, "https");
}

fn path(path: &std::path::Path) -> String {
    path.to_str().expect("a plain name").to_owned()
}
