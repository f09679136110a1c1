//! Certificates are swapped while clients ask without a pause: no connection is lost, no session, and who comes next
//! sees the new one.
#![cfg(feature = "openssl")]

mod served;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use gorge_test_util::{Authority, ClientTls, Leaf, Nginx, ServerTls, TempFolder, curl_tls, python_tls};
use served::{HEAD, Served, until};

const RELOADS: usize = 20;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";

fn config(generation: usize, origin: SocketAddr) -> String {
    format!(
        "{HEAD}[listen.tls]\ncertificates = [{{ cert = \"site.pem\", key = \"site.key\" }}]\n\
         [upstream.app]\nservers = [\"{origin}\"]\n[upstream.app.tls]\nca = \"ca.pem\"\nsni = \"app.internal\"\n\
         [[route]]\nupstream = \"app\"\nresponse_headers = {{ set = {{ \"X-Generation\" = \"{generation}\" }} }}\n"
    )
}

fn write(folder: &TempFolder, leaf: &Leaf) {
    let (_, key) = leaf.write_as(folder, "site");
    std::fs::set_permissions(key, PermissionsExt::from_mode(0o600)).unwrap();
}

/// Many requests on one connection.
fn keeps(to: SocketAddr, client: &ClientTls) -> Result<(), String> {
    let words = ["--output", "/dev/null", "--write-out", "%{http_code} %{num_connects};"];
    let ran = curl_tls(to, client, "/[1-300]", &words);
    let expected = format!("200 1;{}", "200 0;".repeat(299));
    if ran.status.success() && ran.stdout == expected { Ok(()) } else { Err(format!("{ran:?}")) }
}

/// A new connection for each request, all but the first with the session of the one before.
fn comes_again(to: SocketAddr, client: &ClientTls) -> Result<(), String> {
    for (number, visit) in python_tls(to, client, REQUEST, 20)?.into_iter().enumerate() {
        let is_fine = visit.answer.starts_with("HTTP/1.1 200 ") && visit.answer.ends_with("hello");
        if !is_fine || !visit.clean_end || visit.seen.resumed != (number > 0) {
            return Err(format!("visit {number}: {visit:?}"));
        }
    }
    Ok(())
}

type Client = fn(SocketAddr, &ClientTls) -> Result<(), String>;

#[test]
fn certificates_are_swapped_without_a_loss() {
    let root = Authority::new("root");
    let origin = Nginx::start_tls(&ServerTls::new(&root.leaf(&["app.internal"]).make()), "return 200 hello;");
    let leaves = [root.leaf(&["a.example"]).make(), root.leaf(&["a.example"]).rsa().make()];
    let folder = TempFolder::new();
    folder.write("ca.pem", root.pem());
    write(&folder, &leaves[0]);
    let served = Served::start_in(folder, &config(0, origin.addr()));
    let (to, client) = (served.addr(), ClientTls::new("a.example").trusting(&root));
    let (over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = [keeps as Client, comes_again]
        .into_iter()
        .map(|ask| {
            let (over, asked, client) = (over.clone(), asked.clone(), client.clone());
            thread::spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    ask(to, &client)?;
                    asked.fetch_add(1, Ordering::SeqCst);
                }
                Ok::<_, String>(())
            })
        })
        .collect();
    for generation in 1..=RELOADS {
        let leaf = &leaves[generation % 2];
        write(&served.folder, leaf);
        served.reload(&config(generation, origin.addr()));
        let visit = python_tls(to, &client, REQUEST, 1).unwrap().remove(0);
        assert_eq!(visit.seen.certificate.as_deref(), Some(leaf.der()), "generation {generation}");
        let field = format!("x-generation: {generation}\r\n");
        assert!(visit.answer.to_ascii_lowercase().contains(&field), "{}", visit.answer);
    }
    until("each has asked", || {
        asked.load(Ordering::SeqCst) > 4 || clients.iter().any(thread::JoinHandle::is_finished)
    });
    over.store(true, Ordering::SeqCst);
    let failed: Vec<_> = clients.into_iter().filter_map(|client| client.join().unwrap().err()).collect();
    assert!(failed.is_empty(), "{failed:#?}\n{}", served.program.err().text());
    served.program.err().wait_for_count("info reloaded in ", RELOADS);
    for level in [" warn ", " error "] {
        assert!(!served.program.err().text().contains(level), "{}", served.program.err().text());
    }
}
