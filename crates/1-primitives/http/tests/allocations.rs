//! A recycled head allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::Bytes;
use gorge_http::{Known, Method, RequestHead, ResponseHead, Status, Uri, date};

/// Counts what this thread allocates.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all calls go to the system's allocator as they came; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` allocates.
fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

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
    assert_eq!(allocations(exchange), 0);
    assert_eq!(head, copy);
}

#[test]
fn new_heads_allocate_nothing_before_the_first_field() {
    let made = || {
        let response = ResponseHead::new(Status::OK);
        assert_eq!((response.reason(), RequestHead::new().uri.path()), (&b"OK"[..], "/"));
    };
    assert_eq!(allocations(made), 0);
}

#[test]
fn dates_are_written_without_allocating() {
    date::now();
    assert_eq!(allocations(|| assert!(date::parse(&date::now()).is_some())), 0);
}
