//! The PROXY protocol through the program: from clients, and to upstreams that others wrote.

mod served;

use gorge_test_util::{Nginx, RawClient};
use served::{GET, Served, telling, upstream};

const ROUTE: &str = "[[route]]\nupstream = \"app\"\n";

/// Version 2 for TCP over IPv4 from 192.0.2.7:1111.
const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x0a\0\0\x09\x04\x57\0\x50";

#[test]
fn clients_are_those_of_the_header() {
    let origin = telling("app");
    let served = Served::start(&format!(
        "[server]\naccess_log = {{ to = \"stdout\", format = 'client=$client_ip' }}\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = true\ndeny = [\"192.0.2.66\", \"127.0.0.1\"]\n{}{ROUTE}",
        upstream("app", origin.addr())
    ));
    for header in [&b"PROXY TCP4 192.0.2.7 10.0.0.9 1111 80\r\n"[..], VERSION_2] {
        origin.forget();
        let mut client = served.client();
        client.send(header);
        client.send(GET);
        assert_eq!(client.response().status, 200);
        assert_eq!(origin.only_request().fields.get("x-forwarded-for"), Some("192.0.2.7"));
    }
    served.program.out().wait_for_count("client=192.0.2.7", 2);
    // Without one, or with nonsense, nobody is served.
    for nonsense in [GET, "PROXY TCP4 300.0.0.1 1.1.1.1 1 2\r\n", "PROXY\r\n"] {
        let mut client: RawClient = served.client();
        client.send(nonsense);
        client.finish();
        assert!(client.try_response().is_none(), "{nonsense}");
    }
    served.program.err().wait_for("info refused proxy_header_missing listener=127.0.0.1:");
    served.program.err().wait_for("info refused proxy_header_malformed listener=127.0.0.1:");
    // Lists judge whom the header names, and who sends it if it names nobody.
    for header in ["PROXY TCP4 192.0.2.66 10.0.0.9 1111 80\r\n", "PROXY UNKNOWN\r\n"] {
        let mut client = served.client();
        client.send(format!("{header}{GET}"));
        assert!(client.try_response().is_none(), "{header}");
    }
}

#[test]
fn only_trusted_proxies_may_send_one_if_any_are_named() {
    let origin = telling("app");
    for (trusted, served_too) in [("10.0.0.0/8", false), ("127.0.0.0/8", true)] {
        let served = Served::start(&format!(
            "[server]\ntrusted_proxies = [\"{trusted}\"]\n\
             [[listen]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = true\n{}{ROUTE}",
            upstream("app", origin.addr())
        ));
        let mut client = served.client();
        client.send(format!("PROXY TCP4 192.0.2.7 10.0.0.9 1111 80\r\n{GET}"));
        assert_eq!(client.try_response().is_some(), served_too, "{trusted}");
    }
}

#[test]
fn nginx_learns_who_the_client_is() {
    let nginx = Nginx::start_with(
        "proxy_protocol",
        "location / { default_type text/plain; return 200 \"$proxy_protocol_addr:$proxy_protocol_port\"; }",
    );
    for version in ["v1", "v2"] {
        let served = Served::with(&format!(
            "{}proxy_protocol = \"{version}\"\n{ROUTE}",
            upstream("app", nginx.addr())
        ));
        let mut one = served.client();
        for _ in 0..2 {
            one.send(GET);
            assert_eq!(one.response().text(), one.local_addr().to_string(), "{version}");
        }
        // Another client never gets a connection that speaks for the first.
        let mut other = served.client();
        other.send(GET);
        assert_eq!(other.response().text(), other.local_addr().to_string(), "{version}");
    }
}

#[test]
fn a_chain_of_two_hands_the_client_on() {
    let origin = telling("app");
    let inner = Served::start(&format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = true\n{}{ROUTE}",
        upstream("app", origin.addr())
    ));
    let outer = Served::start(&format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = true\n{}proxy_protocol = \"v2\"\n{ROUTE}",
        upstream("app", inner.addr())
    ));
    let mut client = outer.client();
    client.send(format!("PROXY TCP6 2001:db8::7 2001:db8::9 1111 80\r\n{GET}"));
    assert_eq!(client.response().status, 200);
    assert_eq!(origin.only_request().fields.get("x-forwarded-for"), Some("2001:db8::7"));
}
