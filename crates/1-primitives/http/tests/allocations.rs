//! A recycled head allocates nothing.

use bytes::Bytes;
use gorge_http::{Known, Method, RequestHead, ResponseHead, Status, Uri, date};
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

const REQUEST: &[u8] = b"POST /path?query HTTP/1.1\r\nHost: example.org\r\nUser-Agent: test\r\n\
    Accept: */*\r\nX-Other: 1\r\nConnection: close, x-other\r\nTE: trailers\r\nCookie: a=b\r\n";

/// Fills `head` as a parser would, from bytes that are there already.
fn receive(head: &mut RequestHead, bytes: &Bytes) {
    head.clear();
    head.method = Method::from_received(bytes.slice(0..4)).unwrap();
    head.uri = Uri::parse(&head.method, bytes.slice(5..16)).unwrap();
    head.headers.begin(bytes.clone());
    let mut start = 27;
    while start < bytes.len() {
        let colon = start + bytes[start..].iter().position(|&byte| byte == b':').unwrap();
        let end = start + bytes[start..].iter().position(|&byte| byte == b'\r').unwrap();
        let known = Known::classify(&bytes[start..colon]);
        head.headers.push_received(known, start..colon, colon + 2..end);
        start = end + 2;
    }
}

/// What a proxy does to a request head.
fn edit(head: &mut RequestHead) {
    let options = head.headers.remove_hop_by_hop();
    assert!(options.close && options.te_trailers);
    head.headers.append(Known::Via, "1.1 gorge").unwrap();
    head.headers.insert(Known::XForwardedFor, "192.0.2.1").unwrap();
    head.headers.insert("X-Own", "value").unwrap();
    head.headers.insert("X-Own", "other").unwrap();
    assert_eq!(head.headers.remove("User-Agent"), 1);
    assert!(head.headers.get_all(Known::Cookie).eq([&b"a=b"[..]]));
    assert_eq!(head.headers.get("x-other"), None);
}

#[test]
fn a_recycled_request_head_allocates_nothing() {
    let bytes = Bytes::from(REQUEST.to_vec().into_boxed_slice());
    // The first clone of a `Bytes` makes its counter.
    let _shared = bytes.clone();
    let mut head = RequestHead::new();
    let mut copy = RequestHead::new();
    let mut exchange = || {
        receive(&mut head, &bytes);
        edit(&mut head);
        copy.clone_from(&head);
    };
    exchange();
    assert_eq!(ALLOCATOR.of_thread(exchange).0, 0);
    assert_eq!(head, copy);
}

#[test]
fn new_heads_allocate_nothing_before_the_first_field() {
    let made = || {
        let response = ResponseHead::new(Status::OK);
        assert_eq!((response.reason(), RequestHead::new().uri.path()), (&b"OK"[..], "/"));
    };
    assert_eq!(ALLOCATOR.of_thread(made).0, 0);
}

#[test]
fn dates_are_written_without_allocating() {
    date::now();
    let (made, read) = ALLOCATOR.of_thread(|| date::parse(&date::now()));
    assert!(read.is_some());
    assert_eq!(made, 0);
}
