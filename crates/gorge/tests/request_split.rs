//! However the bytes of a request and of its answer are cut into packets, the same comes out.

mod common;

use common::proxy_to;
use gorge_test_util::Origin;

const REQUEST: &str = "POST /p?q=1 HTTP/1.1\r\nHost: a\r\nX-Field:  some value \r\nTransfer-Encoding: chunked\r\n\r\n\
     4;x=y\r\nbody\r\n3\r\n!\r\n\r\n0\r\nX-Sum: 7\r\n\r\n";
const ANSWER: &str = "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nX-Field:\tother \r\nDate: Sun, 06 \
     Nov 1994 08:49:37 GMT\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nanswer\r\n0\r\nX-Sum: 6\r\n\r\n";

#[test]
fn every_cut_into_two_packets_gives_the_same() {
    let origin = Origin::start(|connection| {
        while let Some(request) = connection.next_request() {
            let cut: usize = request.fields.get("x-cut").map_or(ANSWER.len(), |cut| cut.parse().unwrap());
            connection.send(&ANSWER[..cut]);
            std::thread::yield_now();
            connection.send(&ANSWER[cut..]);
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    let mut seen = Vec::new();
    for cut in 1..ANSWER.len().max(REQUEST.len()) {
        let line = format!("X-Cut: {}\r\nTransfer", cut.min(ANSWER.len()));
        let request = REQUEST.replace("Transfer", &line);
        client.send(&request[..cut.min(request.len())]);
        std::thread::yield_now();
        client.send(&request[cut.min(request.len())..]);
        seen.push((client.response(), client.response()));
        seen.dedup();
        assert_eq!(seen.len(), 1, "cut at {cut}: {seen:#?}");
    }
    let mut requests = origin.requests();
    for request in &mut requests {
        request.fields.0.retain(|(name, _)| name != "X-Cut");
    }
    requests.dedup();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    assert_eq!((requests[0].text().as_str(), requests[0].trailers.get("x-sum")), ("body!\r\n", Some("7")));
}
