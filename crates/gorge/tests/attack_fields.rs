//! Fields that are to deceive whoever reads them behind the proxy.

mod common;

use common::{Setup, ok, proxy_to};
use gorge::prelude::*;
use gorge_test_util::Origin;

#[test]
fn trailers_spelled_with_an_underscore_are_those_with_a_hyphen() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let trailers = "X_Forwarded_For: 6.6.6.6\r\nContent_Length: 3\r\nTRANSFER-ENCODING: x\r\n\
                    Proxy_Authorization: x\r\nSet_Cookie2: x\r\nX_Check_Sum: 1\r\n";
    let request = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n{trailers}\r\n"
    );
    assert_eq!(proxy.ask(request).text(), "hi");
    let received = origin.received();
    assert!(received.ends_with("\r\n0\r\nX_Check_Sum: 1\r\n\r\n"), "{received}");
}

#[test]
fn a_request_without_host_names_one_that_is_legal_at_a_unix_socket() {
    let folder = gorge_test_util::TempFolder::new();
    let path = folder.path().join("origin.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let origin = std::thread::spawn(move || {
        use std::io::{BufRead, BufReader, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let head: Vec<_> = lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        stream.write_all(ok("hi").as_bytes()).unwrap();
        head
    });
    let address: Address = format!("unix:{}", path.display()).parse().unwrap();
    let setup = Setup::default();
    let upstream = LoadBalancer::round_robin([Peer::new(address)]);
    let proxy = common::run(setup.builder().upstream(upstream).build().unwrap(), &setup);
    assert_eq!(proxy.ask("GET / HTTP/1.0\r\n\r\n").text(), "hi");
    let head = origin.join().unwrap();
    assert!(head.contains(&"Host: localhost".to_owned()), "{head:?}");
}
