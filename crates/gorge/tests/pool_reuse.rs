//! Connections to an origin are used again, by every worker, and only when nothing is wrong with them.

mod common;

use common::{Setup, ok, proxy_to, proxy_with};
use gorge_test_util::{Gate, Origin, Signal};

#[test]
fn many_clients_in_turn_share_one_connection() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    for _ in 0..20 {
        assert_eq!(proxy.ask(common::GET).text(), "hi");
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn an_idle_connection_of_one_worker_serves_the_others() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_with(&[origin.addr()], Setup { workers: 4, ..Setup::default() });
    // The kernel deals new connections out to the workers by their port, so forty of them reach several.
    for _ in 0..40 {
        assert_eq!(proxy.ask(common::GET).text(), "hi");
        // The answer can be read a moment before the connection is back in the pool.
        proxy.wait_for("an idle connection", |proxy| proxy.idle_upstream() == 1);
    }
    assert_eq!(origin.connections(), 1);
    assert!(proxy.stats().moved > 0);
}

#[test]
fn exchanges_at_the_same_time_use_connections_of_their_own() {
    let asked = Signal::new("requests at the origin");
    let answer = Gate::new("all have asked");
    let origin = Origin::start({
        let (asked, answer) = (asked.clone(), answer.clone());
        move |connection| {
            while connection.next_request().is_some() {
                asked.raise();
                answer.wait();
                connection.send(ok("hi"));
            }
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut clients: Vec<_> = (0..8).map(|_| proxy.client()).collect();
    for client in &mut clients {
        client.send(common::GET);
    }
    asked.wait_for(8);
    answer.open();
    for client in &mut clients {
        assert_eq!(client.response().text(), "hi");
    }
    assert_eq!(origin.connections(), 8);
}

#[test]
fn an_idle_connection_that_speaks_unasked_is_dropped() {
    let poisoned = Gate::new("the origin has sent an answer that nobody asked for");
    let origin = Origin::start({
        let poisoned = poisoned.clone();
        move |connection| {
            let number = connection.number();
            connection.request();
            connection.send(ok("asked"));
            if number == 0 {
                connection.send(ok("unasked"));
                poisoned.open();
                // The proxy closes it.
                assert_eq!(connection.rest(), b"");
            }
        }
    });
    let proxy = proxy_to(&[origin.addr()]);
    assert_eq!(proxy.ask(common::GET).text(), "asked");
    poisoned.wait();
    assert_eq!(proxy.ask(common::GET).text(), "asked");
    assert_eq!(origin.connections(), 2);
}

#[test]
fn a_connection_is_not_reused_while_its_upload_is_unfinished() {
    let origin = Origin::start(|connection| {
        let head = connection.head();
        connection.send(ok(&head.method));
        connection.rest();
    });
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf-");
    assert_eq!(client.response().text(), "POST");
    assert_eq!(proxy.ask(common::GET).text(), "GET");
    assert_eq!(origin.connections(), 2);
    assert!(!origin.received_on(0).contains("GET"));
}

#[test]
fn two_origins_take_turns_and_keep_their_own_connections() {
    let (first, second) = (Origin::answering(ok("1")), Origin::answering(ok("2")));
    let proxy = proxy_to(&[first.addr(), second.addr()]);
    let answers: String = (0..10).map(|_| proxy.ask(common::GET).text()).collect();
    assert_eq!(answers.matches('1').count(), 5, "{answers}");
    assert_eq!((first.connections(), second.connections()), (1, 1));
}

#[test]
fn a_connection_is_not_kept_longer_than_the_origin_says() {
    // A second before the end a request might cross the close on its way: that is too late.
    for (seconds, connections) in [(0, 2), (1, 2), (60, 1)] {
        let answer =
            format!("HTTP/1.1 200 OK\r\nKeep-Alive: timeout={seconds}\r\nContent-Length: 2\r\n\r\nhi");
        let origin = Origin::answering(answer);
        let proxy = proxy_to(&[origin.addr()]);
        for _ in 0..2 {
            assert_eq!(proxy.ask(common::GET).text(), "hi");
        }
        assert_eq!(origin.connections(), connections, "{seconds} s");
    }
}

#[test]
fn idle_connections_end_with_the_proxy() {
    let origin = Origin::answering(ok("hi"));
    let proxy = proxy_to(&[origin.addr()]);
    assert_eq!(proxy.ask(common::GET).text(), "hi");
    drop(proxy);
    origin.wait_for_ends(1);
}
