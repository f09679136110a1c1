//! A peer that is told by the PROXY protocol who the client is.

mod common;

use common::{GET, RunningProxy, Setup, ok, run};
use gorge::prelude::*;
use gorge::protocols::proxy_protocol::Version;
use gorge_test_util::{Nginx, Origin};

fn proxy(peer: Address, version: Version) -> RunningProxy {
    let setup = Setup::default();
    let peer = Peer::builder(peer).proxy_protocol(version).build();
    run(setup.builder().upstream(peer).build().unwrap(), &setup)
}

/// Reads the header that comes ahead of the first request, and answers with it.
fn told() -> Origin {
    Origin::start(|connection| {
        let mut header = String::new();
        while !header.ends_with('\n') {
            header.push_str(&String::from_utf8(connection.exactly(1)).unwrap());
        }
        while let Some(request) = connection.next_request() {
            let _ = request;
            connection.send(ok(&header));
        }
    })
}

#[test]
fn each_client_connection_has_upstream_connections_of_its_own() {
    let origin = told();
    let proxy = proxy(origin.addr().into(), Version::V1);
    let (mut one, mut other) = (proxy.client(), proxy.client());
    for _ in 0..2 {
        for client in [&mut one, &mut other] {
            client.send(GET);
            let expected = format!(
                "PROXY TCP4 127.0.0.1 127.0.0.1 {} {}\r\n",
                client.local_addr().port(),
                proxy.addr().port()
            );
            assert_eq!(client.response().text(), expected);
        }
    }
    assert_eq!(origin.connections(), 2);
}

#[test]
fn nginx_reads_either_version() {
    let directives = "location / { return 200 \"$proxy_protocol_addr $proxy_protocol_port\"; }";
    let nginx = Nginx::start_with("proxy_protocol", directives);
    for version in [Version::V1, Version::V2] {
        let proxy = proxy(nginx.addr().into(), version);
        let mut client = proxy.client();
        client.send(GET);
        let expected = format!("127.0.0.1 {}", client.local_addr().port());
        assert_eq!(client.response().text(), expected, "{version:?}");
    }
}
