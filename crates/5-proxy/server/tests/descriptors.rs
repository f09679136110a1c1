//! Without descriptors accepting pauses, and goes on when there are some again. A process of its own,
//! for the limit holds for all threads.

use std::fs::File;
use std::io::Read;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use gorge_async_io::StreamExt;
use gorge_protocols::{Accepted, Address, Handler, ListenOptions};
use gorge_server::{Config, Server};

struct Greet;

impl Handler for Greet {
    fn serve(&self, mut connection: Accepted) {
        gorge_runtime::spawn(async move { connection.transport.write_all(b"hello").await });
    }
}

#[test]
fn accepting_pauses_without_descriptors() {
    let runtime = gorge_runtime::Config { workers: 1, ..Default::default() };
    let accept_pause = Duration::from_millis(10);
    let mut server = Server::new(Config { runtime, accept_pause, ..Config::default() });
    let address = server.listen(&"127.0.0.1:0".parse().unwrap(), &ListenOptions::default()).unwrap();
    let Address::Ip(address) = address else { panic!("{address}") };
    let running = server.start(Greet).unwrap();
    let mut answer = String::new();
    TcpStream::connect(address).unwrap().read_to_string(&mut answer).unwrap();

    limit(256);
    let mut hoard = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        hoard.push(file);
    }
    // One descriptor for the client; the server finds none for its end.
    drop(hoard.pop());
    let mut client = TcpStream::connect(address).unwrap();
    let begun = Instant::now();
    while running.stats().exhausted == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "accepting does not run out of descriptors");
        thread::yield_now();
    }
    drop(hoard);
    answer.clear();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
    assert_eq!(running.stop().cut, 0);
}

fn limit(files: u64) {
    let limit = libc::rlimit { rlim_cur: files, rlim_max: files };
    // SAFETY: the kernel only reads `limit`.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
}
