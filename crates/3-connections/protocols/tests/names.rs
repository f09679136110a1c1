//! Names: what a name server that answers rightly, slowly, wrongly or never makes of a lookup.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gorge_error::{Fault, Kind, Retryable};
use gorge_protocols::{Family, Resolver, ResolverOptions, Service};
use gorge_test_util::{Gate, NameKind, NameQuery, NameReply, NameServer, RefusedPort};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

fn options(server: &NameServer) -> ResolverOptions {
    ResolverOptions { servers: Some(vec![server.addr()]), hosts_file: false, ..ResolverOptions::default() }
}

/// For servers that do not answer: a lookup ends after two tries of 50 ms.
fn hasty(server: &NameServer) -> ResolverOptions {
    ResolverOptions { timeout: Duration::from_millis(50), ..options(server) }
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|ip| ip.parse().unwrap()).collect()
}

/// The message of a lookup that must fail.
fn failure(resolver: &Resolver, name: &str) -> String {
    let error = run(resolver.addresses(name, Family::Ipv4)).unwrap_err();
    assert_eq!((error.kind(), error.fault()), (Kind::NameNotFound, Fault::Upstream));
    assert_eq!(error.retry(), Retryable::Yes);
    let text = format!("{error:#}");
    assert!(text.contains(name), "{text}");
    text
}

fn both(_: &NameQuery) -> NameReply {
    NameReply::ips(60, &["192.0.2.1", "192.0.2.2", "2001:db8::1"])
}

#[test]
fn the_family_decides_which_addresses_count() {
    let server = NameServer::start(both);
    let resolver = Resolver::new(options(&server));
    for (family, expected) in [
        (Family::Ipv4, &["192.0.2.1", "192.0.2.2"][..]),
        (Family::Ipv6, &["2001:db8::1"]),
        (Family::Both, &["2001:db8::1", "192.0.2.1", "192.0.2.2"]),
    ] {
        let answer = run(resolver.addresses("a.example", family)).unwrap();
        assert_eq!(*answer.ips, *ips(expected), "{family:?}");
    }
    assert_eq!(server.queries().len(), 2, "one for each family: {:#?}", server.queries());
}

#[test]
fn a_family_that_the_name_does_not_have_is_made_up_for_by_the_other() {
    let server = NameServer::start(|query| match query.name.as_str() {
        "six.example" => NameReply::ips(60, &["2001:db8::1"]),
        _ => NameReply::ips(60, &["192.0.2.1"]),
    });
    let resolver = Resolver::new(options(&server));
    for (name, family, expected) in [
        ("six.example", Family::Ipv4, "2001:db8::1"),
        ("four.example", Family::Ipv6, "192.0.2.1"),
        ("four.example", Family::Both, "192.0.2.1"),
        ("six.example", Family::Both, "2001:db8::1"),
    ] {
        let answer = run(resolver.addresses(name, family)).unwrap();
        assert_eq!(*answer.ips, *ips(&[expected]), "{name} {family:?}");
    }
    assert_eq!(server.asked("four.example", NameKind::Aaaa), 1);
}

#[test]
fn an_answer_is_kept_for_its_shortest_time_to_live() {
    let server = NameServer::start(|query| match query.name.as_str() {
        "alias.example" => NameReply::ips(600, &["192.0.2.1"]).alias(60, "b.example"),
        _ => NameReply::ips(600, &["192.0.2.1"]),
    });
    let resolver = Resolver::new(options(&server));
    for (name, life) in [("a.example", 600), ("alias.example", 60)] {
        let before = Instant::now();
        let answer = run(resolver.addresses(name, Family::Ipv4)).unwrap();
        let life = Duration::from_secs(life);
        assert!(answer.expires >= before + life && answer.expires <= Instant::now() + life, "{name}");
        for _ in 0..9 {
            run(resolver.addresses(name, Family::Ipv4)).unwrap();
        }
        assert_eq!(server.asked(name, NameKind::A), 1);
    }
    let stats = resolver.stats();
    assert_eq!((stats.hits, stats.misses, stats.lookups, stats.entries), (18, 2, 2, 2));
}

#[test]
fn an_answer_whose_time_is_over_is_fetched_anew() {
    let server = NameServer::start(both);
    let short =
        ResolverOptions { min_ttl: Duration::ZERO, max_ttl: Duration::from_millis(5), ..options(&server) };
    let resolver = Resolver::new(short);
    while server.asked("a.example", NameKind::A) < 5 {
        run(resolver.addresses("a.example", Family::Ipv4)).unwrap();
    }
}

#[test]
fn nobody_waits_while_an_answer_near_its_end_is_fetched_anew() {
    let (count, may_answer) = (AtomicUsize::new(0), Gate::new("the old answer was given out"));
    let server = NameServer::start({
        let may_answer = may_answer.clone();
        move |_| {
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                return NameReply::ips(60, &["192.0.2.1"]);
            }
            may_answer.wait();
            NameReply::ips(60, &["192.0.2.2"])
        }
    });
    let resolver = Resolver::new(options(&server));
    run(async {
        tokio::time::pause();
        let ask = async || resolver.addresses("a.example", Family::Ipv4).await.unwrap().ips;
        assert_eq!(*ask().await, *ips(&["192.0.2.1"]));
        tokio::time::advance(Duration::from_secs(55)).await;
        assert_eq!(*ask().await, *ips(&["192.0.2.1"]));
        server.wait_until_asked("a.example", NameKind::A, 2);
        assert_eq!(*ask().await, *ips(&["192.0.2.1"]));
        may_answer.open();
        while *ask().await != *ips(&["192.0.2.2"]) {}
    });
    assert_eq!(resolver.stats().misses, 1);
}

#[test]
fn all_who_ask_at_the_same_time_share_one_lookup_across_runtimes() {
    let (all_ask, asking) = (Gate::new("all ask"), Arc::new(AtomicUsize::new(0)));
    let server = NameServer::start({
        let all_ask = all_ask.clone();
        move |_| {
            all_ask.wait();
            NameReply::ips(60, &["192.0.2.1"])
        }
    });
    let resolver = Resolver::new(options(&server));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                asking.fetch_add(1, Ordering::SeqCst);
                let answer = run(resolver.addresses("a.example", Family::Ipv4)).unwrap();
                assert_eq!(*answer.ips, *ips(&["192.0.2.1"]));
            });
        }
        while resolver.stats().misses < 8 {
            thread::yield_now();
        }
        all_ask.open();
    });
    assert_eq!((resolver.stats().lookups, resolver.stats().misses), (1, 8));
}

#[test]
fn a_lookup_goes_on_when_whoever_asked_has_gone() {
    let gone = Gate::new("the one who asked has gone");
    let server = NameServer::start({
        let gone = gone.clone();
        move |_| {
            gone.wait();
            NameReply::ips(60, &["192.0.2.1"])
        }
    });
    let resolver = Resolver::new(options(&server));
    run(async {
        let asked = resolver.addresses("a.example", Family::Ipv4);
        tokio::time::timeout(Duration::ZERO, asked).await.unwrap_err();
    });
    server.wait_until_asked("a.example", NameKind::A, 1);
    gone.open();
    run(resolver.addresses("a.example", Family::Ipv4)).unwrap();
    assert_eq!(resolver.stats().lookups, 1);
}

#[test]
fn a_name_that_does_not_exist_is_remembered() {
    let server = NameServer::start(|_| NameReply::no_such_name());
    let resolver = Resolver::new(options(&server));
    for _ in 0..3 {
        let text = failure(&resolver, "a.example");
        assert!(text.contains("does not exist") && text.contains(&server.addr().to_string()), "{text}");
    }
    assert_eq!(server.queries().len(), 2, "one for each family");
    assert_eq!(resolver.stats().failures, 0, "it is an answer");
}

#[test]
fn a_name_without_addresses_is_said_to_have_none() {
    let server = NameServer::start(|_| NameReply::nothing());
    let resolver = Resolver::new(options(&server));
    assert!(failure(&resolver, "a.example").contains("a.example has no IPv4 address"));
}

#[test]
fn a_server_that_fails_is_asked_twice_and_named() {
    let server = NameServer::start(|_| NameReply::server_failure());
    let resolver = Resolver::new(options(&server));
    let text = failure(&resolver, "a.example");
    assert!(text.contains("answered Server Failure"), "{text}");
    assert_eq!(server.asked("a.example", NameKind::A), 2);
    assert_eq!(resolver.stats().failures, 1);
}

#[test]
fn a_server_that_never_answers_ends_the_lookup_after_its_time() {
    let server = NameServer::start(|_| NameReply::silence());
    let resolver = Resolver::new(hasty(&server));
    let began = Instant::now();
    let text = failure(&resolver, "a.example");
    assert!(text.contains("no answer from") && text.contains("within 100ms"), "{text}");
    assert!(began.elapsed() >= Duration::from_millis(90), "{:?}", began.elapsed());
    assert!(server.asked("a.example", NameKind::A) >= 2);
}

#[test]
fn an_answer_to_another_question_is_no_answer() {
    let server = NameServer::start(|query| both(query).with_wrong_id());
    let resolver = Resolver::new(hasty(&server));
    let text = failure(&resolver, "a.example");
    assert!(text.contains("no answer from"), "{text}");
}

#[test]
fn bytes_that_are_no_message_are_no_answer() {
    let server = NameServer::start(|_| NameReply::garbage());
    let resolver = Resolver::new(hasty(&server));
    let text = failure(&resolver, "a.example");
    assert!(text.contains("no answer from"), "{text}");
}

#[test]
fn a_slow_server_is_waited_for() {
    let may_answer = Gate::new("the question was asked");
    let server = NameServer::start({
        let may_answer = may_answer.clone();
        move |query| {
            may_answer.wait();
            both(query)
        }
    });
    let resolver = Resolver::new(options(&server));
    thread::scope(|scope| {
        let asked = scope.spawn(|| run(resolver.addresses("a.example", Family::Ipv4)));
        server.wait_until_asked("a.example", NameKind::A, 1);
        may_answer.open();
        assert_eq!(asked.join().unwrap().unwrap().ips.len(), 2);
    });
}

#[test]
fn a_truncated_answer_is_fetched_over_tcp() {
    let server = NameServer::start(|query| both(query).truncated());
    let resolver = Resolver::new(options(&server));
    let answer = run(resolver.addresses("a.example", Family::Ipv4)).unwrap();
    assert_eq!(answer.ips.len(), 2);
    assert!(server.queries().iter().any(|query| query.tcp));
}

#[test]
fn a_failing_server_leaves_the_last_good_answer() {
    let fails = Arc::new(AtomicBool::new(false));
    let server = NameServer::start({
        let fails = fails.clone();
        move |query| if fails.load(Ordering::SeqCst) { NameReply::server_failure() } else { both(query) }
    });
    let short = ResolverOptions {
        min_ttl: Duration::ZERO,
        max_ttl: Duration::from_millis(5),
        negative: Duration::from_millis(5),
        ..options(&server)
    };
    let resolver = Resolver::new(short);
    let ask = || run(resolver.addresses("a.example", Family::Ipv4)).unwrap();
    assert_eq!(ask().stale, None);
    fails.store(true, Ordering::SeqCst);
    let stale = loop {
        let answer = ask();
        assert_eq!(answer.ips.len(), 2);
        if let Some(why) = answer.stale {
            break why;
        }
    };
    assert!(stale.contains("Server Failure"), "{stale}");
    fails.store(false, Ordering::SeqCst);
    while ask().stale.is_some() {}
    assert!(resolver.stats().stale >= 1);
}

#[test]
fn the_hosts_of_a_service_are_found() {
    let server = NameServer::start(|query| match query.name.as_str() {
        "_http._tcp.a.example" => {
            NameReply::nothing().service(60, 1, 5, 8001, "One.example").service(60, 2, 0, 8002, "two.example")
        }
        "_none._tcp.a.example" => NameReply::nothing().service(60, 0, 0, 0, "."),
        _ => NameReply::no_such_name(),
    });
    let resolver = Resolver::new(options(&server));
    let services = run(resolver.services("_http._tcp.a.example")).unwrap();
    let service = |priority, weight, port, host: &str| Service { priority, weight, port, host: host.into() };
    assert_eq!(*services.services, [service(1, 5, 8001, "one.example"), service(2, 0, 8002, "two.example")]);
    let none = run(resolver.services("_none._tcp.a.example")).unwrap_err();
    assert!(format!("{none:#}").contains("has no SRV record"), "{none:#}");
    run(resolver.services("_other._tcp.a.example")).unwrap_err();
}

#[test]
fn no_server_is_asked_for_this_machine_and_for_ip_addresses() {
    let server = NameServer::start(both);
    let resolver = Resolver::new(options(&server));
    for (name, family, expected) in [
        ("localhost", Family::Both, &["::1", "127.0.0.1"][..]),
        ("LocalHost.", Family::Ipv4, &["127.0.0.1"]),
        ("a.localhost", Family::Ipv6, &["::1"]),
        ("192.0.2.7", Family::Ipv4, &["192.0.2.7"]),
        ("192.0.2.7", Family::Ipv6, &["192.0.2.7"]),
        ("2001:db8::7", Family::Both, &["2001:db8::7"]),
    ] {
        let answer = run(resolver.addresses(name, family)).unwrap();
        assert_eq!(*answer.ips, *ips(expected), "{name} {family:?}");
    }
    for name in ["", "a b", "a..example", "1.2.3", "ä.example"] {
        let error = run(resolver.addresses(name, Family::Both)).unwrap_err();
        assert_eq!(error.kind(), Kind::NameNotFound);
    }
    assert_eq!(server.queries(), []);
}

#[test]
fn more_lookups_than_answers_kept_are_refused() {
    let may_answer = Gate::new("the third was refused");
    let server = NameServer::start({
        let may_answer = may_answer.clone();
        move |query| {
            may_answer.wait();
            both(query)
        }
    });
    let resolver = Resolver::new(ResolverOptions { capacity: 2, ..options(&server) });
    thread::scope(|scope| {
        for name in ["a.example", "b.example"] {
            scope.spawn(|| run(resolver.addresses(name, Family::Ipv4)).unwrap());
            server.wait_until_asked(name, NameKind::A, 1);
        }
        let error = run(resolver.addresses("c.example", Family::Ipv4)).unwrap_err();
        assert_eq!((error.kind(), error.fault()), (Kind::Overload, Fault::Internal));
        may_answer.open();
    });
}

#[test]
fn without_a_server_the_lookup_says_so() {
    let none = ResolverOptions { servers: Some(Vec::new()), hosts_file: false, ..ResolverOptions::default() };
    assert!(failure(&Resolver::new(none), "a.example").contains("no name server is known"));
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let refused = RefusedPort::new();
    let gone = refused.addr();
    let options = ResolverOptions {
        servers: Some(vec![gone]),
        hosts_file: false,
        timeout: Duration::from_millis(50),
        ..ResolverOptions::default()
    };
    assert!(failure(&Resolver::new(options), "a.example").contains(&gone.to_string()));
}

#[test]
fn another_server_answers_for_one_that_does_not() {
    let (silent, server) = (NameServer::start(|_| NameReply::silence()), NameServer::start(both));
    let servers = Some(vec![silent.addr(), server.addr()]);
    let resolver = Resolver::new(ResolverOptions { servers, ..options(&server) });
    assert_eq!(run(resolver.addresses("a.example", Family::Ipv4)).unwrap().ips.len(), 2);
}

#[test]
fn a_resolver_equals_its_clones() {
    let resolver = Resolver::shared();
    assert_eq!(resolver, Resolver::shared().clone());
    assert_ne!(resolver, Resolver::new(ResolverOptions::default()));
}
