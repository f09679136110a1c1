//! Large bodies pass whole, in every framing.

mod common;

use common::proxy_to;
use gorge_test_util::Origin;

/// A body in which every part differs from its neighbours.
fn body(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i / 251 + i) as u8).collect()
}

#[test]
fn a_large_download_passes_whole_by_length_by_chunks_and_until_close() {
    let size = 8 << 20;
    let origin = Origin::start(move |connection| {
        while let Some(request) = connection.next_request() {
            let body = body(size);
            match request.target.as_str() {
                "/length" => {
                    connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n"));
                    connection.send(body);
                }
                "/chunks" => {
                    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                    for (number, chunk) in body.chunks(77_777).enumerate() {
                        connection.send(format!("{:x};number={number}\r\n", chunk.len()));
                        connection.send(chunk);
                        connection.send("\r\n");
                        if number % 30 == 29 {
                            // The extensions of one body are bounded: go on by one large chunk.
                            let rest = &body[(number + 1) * 77_777..];
                            connection.send(format!("{:x}\r\n", rest.len()));
                            connection.send(rest);
                            connection.send("\r\n");
                            break;
                        }
                    }
                    connection.send("0\r\n\r\n");
                }
                _ => {
                    connection.send("HTTP/1.1 200 OK\r\n\r\n");
                    connection.send(body);
                    return;
                }
            }
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    for target in ["/length", "/chunks", "/until-close"] {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let answer = client.response();
        assert!(answer.complete && answer.body == body(size), "{target}: {} bytes", answer.body.len());
    }
}

#[test]
fn a_large_upload_passes_whole_by_length_and_by_chunks() {
    let size = 8 << 20;
    let origin = Origin::answering(common::ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    let sent = body(size);
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n"));
    client.send(&sent);
    assert_eq!(client.response().text(), "hi");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for chunk in sent.chunks(65_537) {
        client.send(format!("{:X}\r\n", chunk.len()));
        client.send(chunk);
        client.send("\r\n");
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.response().text(), "hi");
    for request in origin.requests() {
        assert!(request.complete && request.body == sent);
    }
}

#[test]
fn large_heads_within_the_limit_pass_both_ways() {
    let value = "v".repeat(60_000);
    let origin =
        Origin::answering(format!("HTTP/1.1 200 OK\r\nX-Large: {value}\r\nContent-Length: 2\r\n\r\nhi"));
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Large: {value}\r\n\r\n"));
        let answer = client.response();
        assert_eq!((answer.text().as_str(), answer.fields.get("x-large") == Some(&value)), ("hi", true));
    }
    assert!(origin.requests().iter().all(|request| request.fields.get("x-large") == Some(&value)));
}
