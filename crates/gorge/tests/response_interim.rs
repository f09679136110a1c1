//! Interim answers reach the client in order, each as it comes (RFC 9110 15.2).

mod common;

use common::{ok, proxy_to};
use gorge_test_util::{Gate, Origin};

#[test]
fn early_hints_arrive_before_the_origin_has_made_up_its_mind() {
    let seen = Gate::new("the client has seen the hints");
    let origin = Origin::start({
        let seen = seen.clone();
        move |connection| {
            connection.request();
            connection.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
            seen.wait();
            connection.send(ok("page"));
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(common::GET);
    let hints = client.response();
    assert_eq!((hints.status, hints.fields.get("link")), (103, Some("</style.css>; rel=preload")));
    seen.open();
    assert_eq!(client.response().text(), "page");
}

#[test]
fn several_interim_answers_in_one_packet_stay_apart() {
    let origin = Origin::answering(
        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\
         Link: <b>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage",
    );
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send(common::GET);
        let statuses: Vec<_> = (0..4).map(|_| client.response().status).collect();
        assert_eq!(statuses, [102, 103, 103, 200]);
    }
}

#[test]
fn hop_by_hop_fields_of_an_interim_answer_end_here() {
    let origin = Origin::answering(
        "HTTP/1.1 103 Early Hints\r\nConnection: close, X-Private\r\nX-Private: 1\r\nLink: <a>\r\n\r\nHTTP/1.1 204 No \
         Content\r\n\r\n",
    );
    let hints = proxy_to(&[origin.addr()]).ask(common::GET);
    assert_eq!(hints.fields.get("link"), Some("<a>"));
    assert!(!hints.fields.has("x-private") && !hints.fields.has("connection"), "{hints:?}");
}

#[test]
fn an_http_1_0_client_gets_none() {
    let origin = Origin::answering(format!("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n{}", ok("page")));
    let answer = proxy_to(&[origin.addr()]).ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!((answer.status, answer.text().as_str()), (200, "page"));
}
