//! What the stories of several files need: a service that answers, and clients for it.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of this module")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use gorge_async_io::{Stream, StreamExt};
use gorge_protocols::{Accepted, Address, Handler};
use gorge_runtime::spawn;
use gorge_server::{Config, Listen};

/// Longer than anything here takes.
pub const LONG: Duration = Duration::from_secs(60);

/// Answers each byte with its name and the peer's address, until the end or the shutdown.
pub struct Named(pub &'static str);

impl Handler for Named {
    fn serve(&self, connection: Accepted) {
        let name = self.0;
        spawn(async move { drop(answer(connection, name).await) });
    }
}

async fn answer(connection: Accepted, name: &str) -> io::Result<()> {
    let Accepted { mut transport, mut shutdown, peer, permit, .. } = connection;
    let answer = format!("{name} {peer}\n");
    let mut buf = BytesMut::with_capacity(1);
    // What waits for its first answer gets it, even after the shutdown was requested.
    let mut answered = false;
    loop {
        buf.clear();
        let read = std::future::poll_fn(|cx| {
            let read = transport.poll_read(cx, &mut buf);
            let leave = read.is_pending() && answered && shutdown.poll_requested(cx).is_ready();
            if leave { Poll::Ready(Ok(0)) } else { read }
        });
        if read.await? == 0 {
            drop(permit);
            return Ok(());
        }
        transport.write_all(answer.as_bytes()).await?;
        answered = true;
    }
}

/// A service with this many workers, and times that no test waits for.
pub fn config(workers: usize) -> Config {
    let runtime = gorge_runtime::Config { workers, ..Default::default() };
    Config { runtime, grace: LONG, handshake_end: Duration::from_millis(10), ..Config::default() }
}

pub fn any() -> Address {
    "127.0.0.1:0".parse().unwrap()
}

/// An ephemeral port, served by this name.
pub fn named(name: &'static str) -> Listen {
    Listen::new(any(), Named(name))
}

pub fn tcp(address: &Address) -> SocketAddr {
    match address {
        Address::Ip(addr) => *addr,
        other => panic!("{other} is no IP address"),
    }
}

/// The name in the answer on this connection.
pub fn ask(stream: &mut (impl Read + Write)) -> io::Result<String> {
    Ok(whole_answer(stream)?.split(' ').next().unwrap_or_default().to_owned())
}

/// Name and peer.
pub fn whole_answer(stream: &mut (impl Read + Write)) -> io::Result<String> {
    stream.write_all(b"?")?;
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        if stream.read(&mut byte)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match byte {
            [b'\n'] => return Ok(String::from_utf8_lossy(&line).into_owned()),
            [byte] => line.push(byte),
        }
    }
}

/// The name in the answer on a connection of its own.
pub fn ask_at(address: &Address) -> io::Result<String> {
    ask(&mut TcpStream::connect(tcp(address))?)
}

pub fn is_closed(stream: &mut impl Read) -> bool {
    !matches!(stream.read(&mut [0]), Ok(1..))
}

/// Waits until `done`, giving other threads the processor.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LONG, "{what} does not happen");
        thread::yield_now();
    }
}

/// A folder of its own, removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("gorge-server-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
