//! CONNECT: refused unless a policy allows it, and then a tunnel to where the policy says.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use common::{RunningProxy, Setup, ok, run};
use gorge::prelude::*;
use gorge::protocols::{ConnectPolicy, Credentials};
use gorge::proxy::Tunnels;
use gorge_test_util::{Origin, curl};

fn proxy(policy: ConnectPolicy, idle: Duration) -> RunningProxy {
    let setup = Setup::default();
    let peer = Peer::new(SocketAddr::from(([127, 0, 0, 1], 9)));
    let tunnels = Tunnels { idle, ..Tunnels::new(policy) };
    run(setup.builder().tunnels(tunnels).upstream(peer).build().unwrap(), &setup)
}

fn inside(port: u16) -> ConnectPolicy {
    ConnectPolicy { ports: vec![port], private: true, ..ConnectPolicy::on() }
}

const MINUTE: Duration = Duration::from_secs(60);

fn connect(to: &str) -> String {
    format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n")
}

#[test]
fn without_a_policy_a_tunnel_is_a_method_not_allowed() {
    let setup = Setup::default();
    let peer = Peer::new(SocketAddr::from(([127, 0, 0, 1], 9)));
    let proxy = run(setup.builder().upstream(peer).build().unwrap(), &setup);
    let refused = proxy.ask(connect("example.com:443"));
    assert_eq!(refused.status, 405);
    assert!(refused.fields.has("Allow"));
}

#[test]
fn what_the_policy_does_not_allow_is_refused_with_its_status() {
    let proxy = proxy(ConnectPolicy::on(), MINUTE);
    for (to, status) in [
        ("127.0.0.1:443", 403),
        ("[::1]:443", 403),
        ("example.com:25", 403),
        ("localhost:443", 403),
        ("a:0", 400),
    ] {
        assert_eq!(proxy.ask(connect(to)).status, status, "{to}");
    }
    assert_eq!(proxy.errors("access_denied"), 4);
}

#[test]
fn bytes_pass_both_ways_until_both_sides_have_ended() {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = target.local_addr().unwrap();
    let proxy = proxy(inside(to.port()), MINUTE);
    let mut client = proxy.client();
    // What is sent at once behind the head belongs to the tunnel already.
    client.send(connect(&format!("localhost:{}", to.port())) + "early");
    let (mut stream, _) = target.accept().unwrap();
    let agreed = client.head();
    assert_eq!(agreed.status, 200);
    assert!(!agreed.fields.has("Content-Length") && !agreed.fields.has("Transfer-Encoding"));
    let mut bytes = [0; 5];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"early");
    stream.write_all(b"answer").unwrap();
    assert_eq!(client.exactly(6), b"answer");
    client.finish();
    assert_eq!(stream.read(&mut bytes).unwrap(), 0);
    stream.write_all(b"last").unwrap();
    drop(stream);
    assert_eq!(client.rest(), b"last");
    proxy.wait_for("the tunnel is counted", |proxy| proxy.stats().sent == 10);
}

#[test]
fn a_tunnel_that_stands_still_is_ended() {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = target.local_addr().unwrap();
    let proxy = proxy(inside(to.port()), Duration::from_millis(100));
    let mut client = proxy.client();
    client.send(connect(&to.to_string()));
    let (mut stream, _) = target.accept().unwrap();
    assert_eq!(client.head().status, 200);
    // Either way of seeing the end will do.
    let _ = stream.read(&mut [0; 1]);
    proxy.wait_for("the idle tunnel is counted", |proxy| proxy.errors("idle_timed_out") == 1);
}

#[test]
fn nobody_is_there_or_nobody_may_ask() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let credentials = Credentials::basic([("alice", "secret")]).unwrap();
    let policy = ConnectPolicy { auth: Some(credentials), ..inside(closed.port()) };
    let proxy = proxy(policy, MINUTE);
    let refused = proxy.ask(connect(&closed.to_string()));
    assert_eq!(refused.status, 407);
    assert!(refused.fields.get("Proxy-Authenticate").unwrap().starts_with("Basic realm="));
    let allowed = format!(
        "CONNECT {closed} HTTP/1.1\r\nHost: {closed}\r\nProxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n"
    );
    assert_eq!(proxy.ask(allowed).status, 502);
}

#[test]
fn curl_reaches_an_origin_through_a_tunnel() {
    let origin = Origin::answering(ok("through"));
    let proxy = proxy(inside(origin.addr().port()), MINUTE);
    let (through, url) = (format!("http://{}", proxy.addr()), format!("http://{}/", origin.addr()));
    let ran = curl(&["--noproxy", "", "--proxytunnel", "--proxy", &through, &url]);
    assert_eq!(ran.succeeded(), "through");
}
