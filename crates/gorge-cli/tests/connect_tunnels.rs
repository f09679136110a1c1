//! CONNECT through the program: by policy, with credentials, and with a limit for silence.

mod served;

use gorge_test_util::{Gate, Origin};
use served::{GET, Served, answer};

/// An origin that says back what it is sent.
fn echo() -> Origin {
    Origin::start(|connection| {
        loop {
            let bytes = connection.some();
            if bytes.is_empty() || !connection.send(&bytes) {
                return;
            }
        }
    })
}

fn serve(connect: &str) -> Served {
    Served::start(&format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\n{connect}\n[[route]]\nrespond = {{ text = \"page\" }}\n"
    ))
}

fn connect_to(authority: &str, fields: &str) -> String {
    format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{fields}\r\n")
}

#[test]
fn without_the_table_there_are_no_tunnels() {
    let origin = echo();
    let served = serve("");
    let response = served.ask(&connect_to(&origin.addr().to_string(), ""));
    assert_eq!(response.status, 405, "{response:#?}");
    assert_eq!(origin.connections(), 0);
}

#[test]
fn ports_and_networks_are_as_the_policy_says() {
    let origin = echo();
    let port = origin.addr().port();
    let to = origin.addr().to_string();
    for (table, status) in [
        ("[listen.connect]\nprivate = true".to_owned(), 403),
        (format!("[listen.connect]\nports = [{port}]"), 403),
        (format!("[listen.connect]\nports = [{port}]\nprivate = true"), 200),
    ] {
        let served = serve(&table);
        let mut client = served.client();
        client.send(connect_to(&to, ""));
        let response = client.head();
        assert_eq!(response.status, status, "{table}: {response:#?}");
        if status == 200 {
            client.send("ping");
            assert_eq!(client.exactly(4), b"ping");
        }
        // Other requests are served as ever.
        assert_eq!(served.ask(GET).text(), "page");
    }
}

#[test]
fn credentials_are_asked_for() {
    let origin = echo();
    let to = origin.addr().to_string();
    let port = origin.addr().port();
    for (auth, good) in [
        // alice:secret
        ("{ basic = { alice = \"secret\" } }", "Basic YWxpY2U6c2VjcmV0"),
        ("{ bearer = [\"token\"] }", "Bearer token"),
    ] {
        let served = serve(&format!("[listen.connect]\nports = [{port}]\nprivate = true\nauth = {auth}"));
        for (fields, status) in [
            (String::new(), 407),
            ("Proxy-Authorization: Basic YWxpY2U6d3Jvbmc=\r\n".to_owned(), 407),
            (format!("Proxy-Authorization: {good}\r\n"), 200),
        ] {
            let mut client = served.client();
            client.send(connect_to(&to, &fields));
            let response = client.head();
            assert_eq!(response.status, status, "{auth} {fields}: {response:#?}");
            assert_eq!(response.fields.has("proxy-authenticate"), status == 407, "{response:#?}");
        }
    }
}

#[test]
fn a_silent_tunnel_is_closed() {
    let origin = echo();
    let served = serve(&format!(
        "[listen.connect]\nports = [{}]\nprivate = true\nidle = \"50ms\"",
        origin.addr().port()
    ));
    let mut client = served.client();
    client.send(connect_to(&origin.addr().to_string(), ""));
    assert_eq!(client.head().status, 200);
    assert!(client.is_closed());
    origin.wait_for_ends(1);
}

#[test]
fn a_tunnel_lives_through_a_reload_that_takes_the_table_away() {
    let origin = echo();
    let table = format!("[listen.connect]\nports = [{}]\nprivate = true\n", origin.addr().port());
    let config = |table: &str| format!("{}{table}[[route]]\nrespond = 200\n", served::HEAD);
    let served = Served::start(&config(&table));
    let mut client = served.client();
    client.send(connect_to(&origin.addr().to_string(), ""));
    assert_eq!(client.head().status, 200);
    served.reload(&config(""));
    client.send("ping");
    assert_eq!(client.exactly(4), b"ping");
    assert_eq!(served.ask(&connect_to(&origin.addr().to_string(), "")).status, 405);
}

#[test]
fn a_name_that_leads_inside_is_refused_all_the_same() {
    let gate = Gate::new("never asked");
    let origin = Origin::start({
        let gate = gate.clone();
        move |connection| {
            gate.open();
            connection.send(answer("", ""));
        }
    });
    let port = origin.addr().port();
    let served = serve(&format!("[listen.connect]\nports = [{port}]"));
    let response = served.ask(&connect_to(&format!("localhost:{port}"), ""));
    assert_eq!(response.status, 403, "{response:#?}");
    assert!(!gate.is_open());
}
