//! Names into peers: what a balancer has after each answer of a name server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use gorge_load_balancer::{Discovery, DiscoveryEvent, LoadBalancer};
use gorge_protocols::{Address, Family, Resolver, ResolverOptions};
use gorge_test_util::{NameKind, NameQuery, NameReply, NameServer};
use gorge_upstream::{Peer, PeerBuilder, State};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// A name server whose answer the test replaces, and a resolver that asks it each time.
struct Names {
    server: NameServer,
    script: Arc<Mutex<Box<Script>>>,
    resolver: Resolver,
}

type Script = dyn Fn(&NameQuery) -> NameReply + Send;

impl Names {
    fn new(script: impl Fn(&NameQuery) -> NameReply + Send + 'static) -> Self {
        let script: Arc<Mutex<Box<Script>>> = Arc::new(Mutex::new(Box::new(script)));
        let server = NameServer::start({
            let script = script.clone();
            move |query| script.lock().unwrap()(query)
        });
        let resolver = Resolver::new(ResolverOptions {
            servers: Some(vec![server.addr()]),
            hosts_file: false,
            min_ttl: Duration::ZERO,
            max_ttl: Duration::ZERO,
            negative: Duration::ZERO,
            max_stale: Duration::ZERO,
            timeout: Duration::from_secs(20),
            ..ResolverOptions::default()
        });
        Self { server, script, resolver }
    }

    fn say(&self, script: impl Fn(&NameQuery) -> NameReply + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    fn discovery(&self) -> Discovery {
        Discovery::new().resolver(self.resolver.clone())
    }
}

fn balancer() -> LoadBalancer {
    LoadBalancer::round_robin([])
}

fn make(address: Address) -> PeerBuilder {
    Peer::builder(address)
}

/// Addresses, weights and ranks of the peers.
fn shown(balancer: &LoadBalancer) -> Vec<String> {
    let one = |peer: &Peer| {
        let backup = if peer.is_backup() { " backup" } else { "" };
        format!("{peer} {}{backup}", peer.weight())
    };
    balancer.peers().iter().map(one).collect()
}

/// What a discovery tells.
fn listened(discovery: Discovery) -> (Discovery, Arc<Mutex<Vec<String>>>) {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let note = told.clone();
    let tell = move |event: &DiscoveryEvent<'_>| {
        note.lock().unwrap().push(match event {
            DiscoveryEvent::Changed { name, added, removed } => format!("{name} +{added:?} -{removed:?}"),
            DiscoveryEvent::Failed { name, why, kept } => format!("{name} fails, keeps {kept}: {why}"),
            DiscoveryEvent::Recovered { name } => format!("{name} recovers"),
            other => format!("{other:?}"),
        });
    };
    (discovery.on_event(tell), told)
}

#[test]
fn given_peers_and_addresses_of_names_stand_side_by_side() {
    let names = Names::new(|_| NameReply::ips(60, &["192.0.2.2", "192.0.2.1", "2001:db8::1"]));
    let fixed: Peer = "127.0.0.1:1".parse().unwrap();
    let discovery = names
        .discovery()
        .name("a.example", 80, |address| make(address).weight(3))
        .fixed(fixed.clone())
        .name("192.0.2.7", 81, make);
    let balancer = balancer();
    run(discovery.refresh(&balancer));
    assert_eq!(shown(&balancer), ["192.0.2.1:80 3", "192.0.2.2:80 3", "127.0.0.1:1 1", "192.0.2.7:81 1"]);
    assert_eq!(balancer.peers()[2].id(), fixed.id());
    assert!(!discovery.is_static());
}

#[test]
fn the_family_can_be_chosen() {
    for (family, expected) in [
        (Family::Ipv4, &["192.0.2.1:80 1"][..]),
        (Family::Ipv6, &["[2001:db8::1]:80 1"]),
        (Family::Both, &["192.0.2.1:80 1", "[2001:db8::1]:80 1"]),
    ] {
        let names = Names::new(|_| NameReply::ips(60, &["192.0.2.1", "2001:db8::1"]));
        let balancer = balancer();
        run(names.discovery().family(family).name("a.example", 80, make).refresh(&balancer));
        assert_eq!(shown(&balancer), expected);
    }
}

#[test]
fn a_service_brings_weights_and_ranks() {
    let names = Names::new(|query| match query.name.as_str() {
        "_http._tcp.a.example" => NameReply::nothing()
            .service(60, 2, 7, 8003, "c.example")
            .service(60, 1, 4, 8001, "a.example")
            .service(60, 1, 2, 8002, "b.example"),
        "a.example" => NameReply::ips(60, &["192.0.2.1", "192.0.2.2"]),
        "b.example" => NameReply::ips(60, &["192.0.2.3"]),
        _ => NameReply::ips(60, &["192.0.2.4"]),
    });
    let balancer = balancer();
    run(names.discovery().service("_http._tcp.a.example", make).refresh(&balancer));
    // Weights 4, 2 and 7 with two, one and one address.
    assert_eq!(
        shown(&balancer),
        ["192.0.2.1:8001 4", "192.0.2.2:8001 4", "192.0.2.3:8002 4", "192.0.2.4:8003 14 backup"]
    );
}

#[test]
fn peers_that_stay_keep_identity_and_state() {
    let names = Names::new(|_| NameReply::ips(60, &["192.0.2.1", "192.0.2.2"]));
    let (discovery, told) = listened(names.discovery().name("a.example", 80, make));
    let balancer = balancer();
    run(discovery.refresh(&balancer));
    let before = balancer.peers();
    before[1].set_state(State::Draining);
    names.say(|_| NameReply::ips(60, &["192.0.2.3", "192.0.2.2"]));
    run(discovery.refresh(&balancer));
    let after = balancer.peers();
    assert_eq!(shown(&balancer), ["192.0.2.2:80 1", "192.0.2.3:80 1"]);
    assert_eq!((after[0].id(), after[0].state()), (before[1].id(), State::Draining));
    assert_eq!(
        *told.lock().unwrap(),
        ["a.example +[192.0.2.1:80, 192.0.2.2:80] -[]", "a.example +[192.0.2.3:80] -[192.0.2.1:80]"]
    );
}

#[test]
fn the_order_of_an_answer_changes_nothing() {
    let names = Names::new(|_| NameReply::ips(60, &["192.0.2.1", "192.0.2.2"]));
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    let (discovery, told) = listened(names.discovery().name("a.example", 80, move |address| {
        count.fetch_add(1, Ordering::SeqCst);
        make(address)
    }));
    let balancer = balancer();
    run(discovery.refresh(&balancer));
    names.say(|_| NameReply::ips(60, &["192.0.2.2", "192.0.2.1"]));
    run(discovery.refresh(&balancer));
    assert_eq!((made.load(Ordering::SeqCst), told.lock().unwrap().len()), (2, 1));
    assert_eq!(names.server.asked("a.example", NameKind::A), 2);
}

#[test]
fn empty_and_failed_answers_keep_the_last_good_peers() {
    let good = |_: &NameQuery| NameReply::ips(60, &["192.0.2.1"]);
    let names = Names::new(good);
    let (discovery, told) = listened(names.discovery().name("a.example", 80, make));
    let balancer = balancer();
    run(discovery.refresh(&balancer));
    for bad in [NameReply::nothing, NameReply::no_such_name, NameReply::server_failure] {
        names.say(move |_| bad());
        for _ in 0..2 {
            run(discovery.refresh(&balancer));
            assert_eq!(shown(&balancer), ["192.0.2.1:80 1"]);
        }
    }
    names.say(good);
    run(discovery.refresh(&balancer));
    let told = told.lock().unwrap();
    assert!(told[1].starts_with("a.example fails, keeps 1: a.example has no IPv4 address"), "{told:#?}");
    assert!(told[2].contains("does not exist") && told[3].contains("Server Failure"), "{told:#?}");
    assert_eq!((told.len(), &*told[4]), (5, "a.example recovers"), "{told:#?}");
}

#[test]
fn hosts_of_a_service_are_kept_one_by_one() {
    let service = |query: &NameQuery| match query.name.as_str() {
        "_http._tcp.a.example" => {
            NameReply::nothing().service(60, 1, 1, 80, "a.example").service(60, 1, 1, 80, "b.example")
        }
        "a.example" => NameReply::ips(60, &["192.0.2.1"]),
        _ => NameReply::ips(60, &["192.0.2.2"]),
    };
    let names = Names::new(service);
    let discovery = names.discovery().service("_http._tcp.a.example", make);
    let balancer = balancer();
    run(discovery.refresh(&balancer));
    names.say(move |query| match query.name.as_str() {
        "a.example" => NameReply::server_failure(),
        "b.example" => NameReply::ips(60, &["192.0.2.3"]),
        _ => service(query),
    });
    run(discovery.refresh(&balancer));
    assert_eq!(shown(&balancer), ["192.0.2.1:80 1", "192.0.2.3:80 1"]);
    names.say(|query| match query.name.as_str() {
        "a.example" => NameReply::ips(60, &["192.0.2.4"]),
        _ => NameReply::no_such_name(),
    });
    run(discovery.refresh(&balancer));
    assert_eq!(shown(&balancer), ["192.0.2.3:80 1", "192.0.2.4:80 1"]);
}

#[test]
fn a_name_that_never_resolved_leaves_the_others() {
    let names = Names::new(|query| match query.name.as_str() {
        "a.example" => NameReply::ips(60, &["192.0.2.1"]),
        _ => NameReply::no_such_name(),
    });
    let (discovery, told) =
        listened(names.discovery().name("b.example", 80, make).name("a.example", 80, make));
    let balancer = balancer();
    let before = Instant::now();
    let due = run(discovery.refresh(&balancer));
    assert_eq!(shown(&balancer), ["192.0.2.1:80 1"]);
    assert!(told.lock().unwrap()[0].starts_with("b.example fails, keeps 0"));
    // It is asked for again soon.
    assert!(due <= Instant::now() + Duration::from_secs(5) && due >= before + Duration::from_secs(1));
}

#[test]
fn the_next_time_is_when_the_first_answer_is_over() {
    let names =
        Names::new(|query| NameReply::ips(if query.name == "a.example" { 600 } else { 60 }, &["192.0.2.1"]));
    let options = ResolverOptions { max_ttl: Duration::from_secs(3600), ..names.resolver.options().clone() };
    let discovery = Discovery::new().resolver(Resolver::new(options)).name("a.example", 80, make).name(
        "b.example",
        80,
        make,
    );
    let before = Instant::now();
    let due = run(discovery.refresh(&balancer()));
    let life = Duration::from_secs(60);
    assert!(due >= before + life && due <= Instant::now() + life);
}

#[test]
fn running_asks_again_and_again() {
    let names = Names::new(|_| NameReply::ips(60, &["192.0.2.1"]));
    let balancer = Arc::new(balancer());
    let running = names.discovery().name("a.example", 80, make).run(balancer.clone());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let runner = thread::spawn(move || {
        run(async {
            // Time passes whenever nothing else is left to do.
            tokio::time::pause();
            let running = tokio::spawn(running);
            let _ = stopped.await;
            running.abort();
        });
    });
    names.server.wait_until_asked("a.example", NameKind::A, 3);
    names.say(|_| NameReply::ips(60, &["192.0.2.2"]));
    while shown(&balancer) != ["192.0.2.2:80 1"] {
        thread::yield_now();
    }
    stop.send(()).unwrap();
    runner.join().unwrap();
}

#[test]
fn given_peers_alone_are_done_at_once() {
    let balancer = Arc::new(balancer());
    let discovery = Discovery::new().fixed("127.0.0.1:1".parse().unwrap());
    assert!(discovery.is_static());
    run(discovery.run(balancer.clone()));
    assert_eq!(shown(&balancer), ["127.0.0.1:1 1"]);
}

#[test]
fn its_futures_can_move_between_threads() {
    fn send<T: Send>(_: T) {}
    let balancer = Arc::new(balancer());
    send(Discovery::new().refresh(&balancer));
    send(Discovery::new().run(balancer.clone()));
}
