//! A hundred reloads while clients ask without a pause: none of them notices anything but the change.

mod served;

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use gorge_test_util::RawClient;
use served::{GET, Served, telling, until};

const RELOADS: usize = 100;

/// The configuration of a generation: each changes routes and upstreams, and some listeners and logs.
fn config(generation: usize, origins: [SocketAddr; 2]) -> String {
    let mut text = format!(
        "[server]\nworkers = 2\npid_file = \"gorge.pid\"\naccess_log = {{ to = \"access-{}.log\", format = {:?} }}\n",
        generation / 10 % 2,
        ["json", "combined", "common"][generation % 3],
    );
    let listen = |text: &mut String, keys: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "[[listen]]\naddress = \"127.0.0.1:0\"\n{keys}");
    };
    // Options of a socket that is served, some of which take another socket beside it.
    let keys = [
        "",
        "backlog = 100",
        "nodelay = false",
        "reuse_port = false",
        "[listen.limits]\nconnections_per_address = 500",
    ];
    listen(&mut text, keys[generation % 5]);
    for _ in 0..generation % 3 {
        listen(&mut text, "");
    }
    let turn = generation % 2;
    let _ = writeln!(
        text,
        "[upstream.app-{turn}]\nservers = [\"{}\", \"{}\"]\nbalance = \"{}\"",
        origins[turn],
        origins[1 - turn],
        ["round_robin", "least_conn"][generation / 2 % 2],
    );
    for route in 0..generation % 7 {
        let _ = writeln!(text, "[[route]]\npath = \"/r{route}\"\nrespond = {{ text = \"{generation}\" }}");
    }
    let _ = writeln!(
        text,
        "[[route]]\nupstream = \"app-{turn}\"\nresponse_headers = {{ set = {{ \"X-Generation\" = \"{generation}\" }} }}"
    );
    text
}

/// Asks until it is told to stop: on one connection for as long as that may be used, or on a new one
/// each time. Returns how often, or what went wrong.
fn ask_on(to: SocketAddr, keeps: bool, over: &AtomicBool, asked: &AtomicUsize) -> Result<(), String> {
    let mut client = RawClient::connect(to);
    let mut newest = 0;
    while !over.load(Ordering::SeqCst) {
        if !client.send(GET) {
            return Err(format!("generation {newest}: closed before a request"));
        }
        let Some(response) = client.try_response() else {
            return Err(format!("generation {newest}: no answer"));
        };
        let generation = response.fields.get("x-generation").and_then(|text| text.parse().ok());
        match generation {
            Some(generation) if response.status == 200 && response.complete && generation >= newest => {
                newest = generation;
            }
            _ => return Err(format!("generation {newest}: {response:#?}")),
        }
        asked.fetch_add(1, Ordering::SeqCst);
        if !keeps || response.fields.get("connection") == Some("close") {
            client = RawClient::connect(to);
        }
    }
    Ok(())
}

#[test]
fn a_hundred_reloads_lose_nothing() {
    let (one, two) = (telling("one"), telling("two"));
    let origins = [one.addr(), two.addr()];
    let served = Served::start(&config(0, origins));
    let to = served.addr();
    let over = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = [true, true, false, false]
        .into_iter()
        .map(|keeps| {
            let (over, asked) = (over.clone(), asked.clone());
            thread::spawn(move || ask_on(to, keeps, &over, &asked))
        })
        .collect();
    for generation in 1..=RELOADS {
        let before = asked.load(Ordering::SeqCst);
        served.reload(&config(generation, origins));
        // There is traffic in each of them.
        until("somebody asks", || {
            asked.load(Ordering::SeqCst) > before || clients.iter().any(thread::JoinHandle::is_finished)
        });
    }
    over.store(true, Ordering::SeqCst);
    let failed: Vec<_> = clients.into_iter().filter_map(|client| client.join().unwrap().err()).collect();
    assert!(failed.is_empty(), "{failed:#?}\n{}", served.program.err().text());
    let last = served.ask(GET);
    assert_eq!(last.fields.get("x-generation"), Some(RELOADS.to_string().as_str()));
    served.program.err().wait_for_count("info reloaded in ", RELOADS);
}

/// What the process holds in memory, in KiB.
fn resident(pid: u32) -> u64 {
    let status = served::read(format!("/proc/{pid}/status").as_ref());
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn memory_stays_the_same_over_reloads() {
    let many = |generation: usize| {
        let mut text = served::HEAD.to_owned();
        for route in 0..1000 {
            let _ = writeln!(
                text,
                "[[route]]\nhost = \"h{route}.example\"\nrespond = {{ text = \"{generation} {route}\" }}"
            );
        }
        text
    };
    let served = Served::start(&many(0));
    served.addr();
    let rounds = |from: usize, count: usize| {
        for generation in from..from + count {
            served.reload(&many(generation));
        }
        resident(served.program.id())
    };
    let early = rounds(1, 5);
    let late = rounds(6, 20);
    // One generation of them takes some 2 MiB; if each stayed there were 20 more.
    assert!(late < early + 16 * 1024, "{early} KiB, then {late} KiB");
    println!("resident after 5 reloads {early} KiB, after 25 {late} KiB");
    let response = served.ask("GET / HTTP/1.1\r\nHost: h7.example\r\n\r\n");
    assert_eq!(response.text(), "25 7");
}
