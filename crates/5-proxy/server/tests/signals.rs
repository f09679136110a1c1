//! TERM stops gracefully, a second signal at once. A process of its own, with one test, for signals
//! reach the whole process.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use gorge_protocols::{Accepted, Address, Handler, ListenOptions};
use gorge_server::{Config, Server};

const LONG: Duration = Duration::from_secs(60);

struct Hold(Mutex<Sender<()>>);

impl Handler for Hold {
    fn serve(&self, connection: Accepted) {
        self.0.lock().unwrap().send(()).unwrap();
        gorge_runtime::spawn(async move {
            let _held = connection;
            std::future::pending::<()>().await;
        });
    }
}

fn raise(signal: libc::c_int) {
    // SAFETY: sends a signal to this process, which the server under test handles.
    assert_eq!(unsafe { libc::kill(libc::getpid(), signal) }, 0);
}

#[test]
fn the_first_signal_stops_gracefully_and_the_second_at_once() {
    let mut server = Server::new(Config { grace: LONG, ..Config::default() });
    let address = server.listen(&"127.0.0.1:0".parse().unwrap(), &ListenOptions::default()).unwrap();
    let Address::Ip(address) = address else { panic!("{address}") };
    let (tx, taken) = mpsc::channel();
    let (tell, ready) = mpsc::channel();
    let run = thread::spawn(move || server.run(Hold(Mutex::new(tx)), |_| tell.send(()).unwrap()).unwrap());
    ready.recv_timeout(LONG).unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    taken.recv_timeout(LONG).unwrap();

    raise(libc::SIGTERM);
    let begun = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(begun.elapsed() < LONG, "the socket is not closed");
    }
    client.set_nonblocking(true).unwrap();
    let open = client.read(&mut [0]).unwrap_err();
    assert_eq!(
        open.kind(),
        std::io::ErrorKind::WouldBlock,
        "the connection was cut before its grace was over"
    );
    assert!(!run.is_finished());

    raise(libc::SIGINT);
    let stopped = run.join().unwrap();
    assert!(stopped.hurried && stopped.cut >= 1, "{stopped:?}");
    assert!(begun.elapsed() < LONG);
}
