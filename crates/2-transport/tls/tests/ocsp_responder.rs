//! Beside a responder that others wrote, over a plain connection.

mod responder;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::SystemTime;

use gorge_test_util::RawClient;
use gorge_tls::ocsp::{Fault, Refresh, Request, Step, check};
use responder::House;

fn ask(port: u16, request: &Request) -> Vec<u8> {
    let mut client = RawClient::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let Request { body, .. } = request;
    let head = format!(
        "POST / HTTP/1.0\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        Request::CONTENT_TYPE,
        body.len()
    );
    client.send([head.as_bytes(), body].concat());
    let response = client.response();
    assert_eq!(response.status, 200);
    assert_eq!(response.fields.get("content-type"), Some("application/ocsp-response"));
    response.body
}

#[test]
fn a_responder_answers_and_its_answer_is_good() {
    let house = House::new("http://127.0.0.1/");
    let (_program, port) = house.start("-nmin 30");
    let mut refresh = Refresh::new(&house.certificate, SystemTime::now()).unwrap();
    assert_eq!(refresh.next(SystemTime::now()), Step::Fetch);
    let answer = ask(port, refresh.request());
    let shown = refresh.answered(&answer, SystemTime::now()).unwrap();
    assert_eq!(shown.staple().unwrap().der(), answer);
    assert!(matches!(refresh.next(SystemTime::now()), Step::Wait(_)));
}

#[test]
fn a_responder_says_what_is_wrong() {
    let house = House::new("http://127.0.0.1/");
    house.set_state("R", "200101000000Z");
    let (_program, port) = house.start("-nmin 30");
    let request = Request::for_certificate(&house.certificate).unwrap();
    let now = SystemTime::now();
    assert!(matches!(
        check(&house.certificate, &ask(port, &request), now),
        Err(Fault::Revoked { reason: None, .. })
    ));
    house.folder.write("index", "");
    let (_program, port) = house.start("-nmin 30");
    assert_eq!(check(&house.certificate, &ask(port, &request), now), Err(Fault::Unknown));
}
