//! The longest times that a program can ask for, and none at all.

mod common;

use std::time::Duration;

use common::{GET, Setup, ok, proxy_with};
use gorge_test_util::Origin;

/// All times of this length.
fn all(time: Duration) -> Setup {
    let some = Some(time);
    Setup {
        connect: some,
        first_byte: some,
        head: some,
        idle_body: some,
        keep_alive: some,
        total: some,
        tunnel: some,
        write: some,
        ..Setup::default()
    }
}

#[test]
fn whoever_says_forever_is_served() {
    let origin = Origin::answering(ok("hi"));
    for least in [None, Some(1)] {
        let proxy = proxy_with(&[origin.addr()], Setup { min_rate: least, ..all(Duration::MAX) });
        let mut client = proxy.client();
        for _ in 0..2 {
            client.send(GET);
            assert_eq!(client.response().text(), "hi");
        }
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
        assert_eq!(client.response().text(), "hi");
        // The 404 that is made here takes the same times.
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: something\r\n\r\n");
        assert_eq!(client.response().status, 417);
        assert_eq!(proxy.stats().panics, 0);
    }
}

#[test]
fn an_upstream_that_promises_to_wait_forever_is_believed_as_far_as_time_goes() {
    for seconds in ["4294967295", "9223372036854775807", "18446744073709551615", "99999999999999999999999"] {
        let answer = ok("hi").replace("\r\n\r\n", &format!("\r\nKeep-Alive: timeout={seconds}\r\n\r\n"));
        let origin = Origin::answering(answer);
        let proxy = proxy_with(&[origin.addr()], Setup::default());
        let mut client = proxy.client();
        for _ in 0..2 {
            client.send(GET);
            assert_eq!(client.response().text(), "hi", "{seconds}");
        }
        assert_eq!(proxy.stats().panics, 0);
    }
}
