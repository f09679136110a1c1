//! An origin that does what a test's closure says and records every byte it receives.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::guard::LIMIT;
use crate::message::{Request, latin1, request_framing, start_line};
use crate::wire::{End, Wire};

/// A listening origin on an ephemeral port, one thread per connection. Dropping it closes all of them.
///
/// A panic of the script is told again by the drop, so that an assertion in it fails the test.
pub struct Origin {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

/// One connection as the script of an [`Origin`] sees it. Dropping it, which is the script's end, closes it.
pub struct Connection {
    wire: Option<Wire>,
    shared: Arc<Shared>,
    number: usize,
}

#[derive(Default)]
struct Shared {
    record: Mutex<Record>,
    changed: Condvar,
}

#[derive(Default)]
struct Record {
    /// The bytes of each connection, in the order of their acceptance.
    received: Vec<Vec<u8>>,
    requests: Vec<Request>,
    ended: usize,
    /// A second descriptor of each connection that is open, for the drop.
    streams: Vec<Option<TcpStream>>,
    failures: Vec<String>,
    stopped: bool,
}

impl Shared {
    /// Lets go of the second descriptor, without which the connection would stay open.
    fn forget(&self, number: usize) {
        if let Some(stream) = self.record.lock().unwrap().streams.get_mut(number) {
            *stream = None;
        }
    }
}

impl Origin {
    /// Accepts connections and runs `script` on each.
    ///
    /// # Panics
    /// When loopback cannot be bound.
    pub fn start(script: impl Fn(&mut Connection) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("an ephemeral port of loopback");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared::default());
        thread::spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared, &Arc::new(script))
        });
        Self { addr, shared }
    }

    /// Reads requests until the connection ends and answers each with these bytes.
    pub fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |connection| {
            while connection.next_request().is_some() {
                connection.send(&answer);
            }
        })
    }

    /// Answers the first request of each connection with these bytes and closes it.
    pub fn answering_once(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |connection| {
            if connection.next_request().is_some() {
                connection.send(&answer);
            }
        })
    }

    /// Reads whatever comes and never answers.
    pub fn silent() -> Self {
        Self::start(|connection| {
            connection.rest();
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.record().received.len()
    }

    /// Everything it has read so far, of all connections in the order of their acceptance, as Latin-1 text.
    pub fn received(&self) -> String {
        self.record().received.iter().map(|bytes| latin1(bytes)).collect()
    }

    /// What it has read so far on one connection, counted from 0; empty when there is no such connection yet.
    pub fn received_on(&self, number: usize) -> String {
        self.record().received.get(number).map(|bytes| latin1(bytes)).unwrap_or_default()
    }

    /// The requests read with [`Connection::request`] and its like, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.record().requests.clone()
    }

    /// The only request so far.
    ///
    /// # Panics
    /// When there is none, or more than one.
    pub fn only_request(&self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "not one request: {requests:#?}");
        requests.remove(0)
    }

    /// Forgets the requests and bytes recorded so far; connections stay and keep their numbers.
    pub fn forget(&self) {
        let mut record = self.record();
        record.requests.clear();
        record.received.iter_mut().for_each(Vec::clear);
    }

    /// Blocks until this many requests have been read whole.
    ///
    /// # Panics
    /// After [`LIMIT`].
    pub fn wait_for_requests(&self, count: usize) {
        self.wait("requests", |record| record.requests.len() >= count);
    }

    /// Blocks until `text` has been read on any connection.
    ///
    /// # Panics
    /// After [`LIMIT`].
    pub fn wait_for_text(&self, text: &str) {
        self.wait(text, |record| record.received.iter().any(|bytes| latin1(bytes).contains(text)));
    }

    /// Blocks until the script of this many connections has ended.
    ///
    /// # Panics
    /// After [`LIMIT`].
    pub fn wait_for_ends(&self, count: usize) {
        self.wait("ended connections", |record| record.ended >= count);
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.shared.record.lock().unwrap()
    }

    fn wait(&self, what: &str, done: impl Fn(&Record) -> bool) {
        let deadline = Instant::now() + LIMIT;
        let mut record = self.record();
        while !done(&record) {
            let now = Instant::now();
            if now >= deadline {
                let seen: Vec<String> = record.received.iter().map(|bytes| latin1(bytes)).collect();
                drop(record);
                panic!("the origin waited {LIMIT:?} for {what:?}; it read {seen:#?}");
            }
            record = self.shared.changed.wait_timeout(record, deadline - now).unwrap().0;
        }
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        let failures = {
            let mut record = self.record();
            record.stopped = true;
            for stream in record.streams.drain(..).flatten() {
                // Already closed by its script, most of the time.
                let _ = stream.shutdown(Shutdown::Both);
            }
            std::mem::take(&mut record.failures)
        };
        // Wakes the acceptor, which then sees that it is over and lets go of the port.
        let _ = TcpStream::connect_timeout(&self.addr, LIMIT);
        if !thread::panicking() && !failures.is_empty() {
            panic!("the origin's script failed: {}", failures.join("; "));
        }
    }
}

fn accept<S>(listener: &TcpListener, shared: &Arc<Shared>, script: &Arc<S>)
where
    S: Fn(&mut Connection) + Send + Sync + 'static,
{
    while let Ok((stream, _)) = listener.accept() {
        let Some(mut connection) = Connection::accepted(stream, shared) else { return };
        let script = script.clone();
        thread::spawn(move || {
            let outcome = panic::catch_unwind(AssertUnwindSafe(|| script(&mut connection)));
            connection.ended(outcome.err());
        });
    }
}

impl Connection {
    /// `None` when the origin has been dropped.
    fn accepted(stream: TcpStream, shared: &Arc<Shared>) -> Option<Self> {
        let mut record = shared.record.lock().unwrap();
        if record.stopped {
            return None;
        }
        let number = record.received.len();
        record.received.push(Vec::new());
        record.streams.push(Some(stream.try_clone().expect("a second descriptor")));
        shared.changed.notify_all();
        let tap = {
            let shared = shared.clone();
            Box::new(move |bytes: &[u8]| {
                shared.record.lock().unwrap().received[number].extend_from_slice(bytes);
                shared.changed.notify_all();
            })
        };
        Some(Self { wire: Some(Wire::new(stream, Some(tap))), shared: shared.clone(), number })
    }

    fn ended(mut self, failure: Option<Box<dyn std::any::Any + Send>>) {
        self.close();
        let mut record = self.shared.record.lock().unwrap();
        record.ended += 1;
        if let Some(failure) = failure
            && !record.stopped
        {
            let text = failure.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| failure.downcast_ref::<&str>().copied()).unwrap_or("a panic");
            record.failures.push(text.to_owned());
        }
        self.shared.changed.notify_all();
    }

    fn wire(&mut self) -> &mut Wire {
        self.wire.as_mut().expect("the script uses its connection after closing it")
    }

    /// Which connection this is, counted from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The next request, whole.
    ///
    /// # Panics
    /// When the connection ends instead.
    pub fn request(&mut self) -> Request {
        self.next_request().expect("the connection ended where a request was due")
    }

    /// The next request, whole, or `None` when the connection ends instead.
    ///
    /// # Panics
    /// When what comes is no request.
    pub fn next_request(&mut self) -> Option<Request> {
        let mut request = self.next_head()?;
        self.body_of(&mut request);
        Some(request)
    }

    /// The head of the next request; its body is left unread.
    ///
    /// # Panics
    /// As [`Connection::request`].
    pub fn head(&mut self) -> Request {
        self.next_head().expect("the connection ended where a request was due")
    }

    /// The head of the next request, its body left unread, or `None` when the connection ends instead.
    ///
    /// # Panics
    /// When what comes is no request.
    pub fn next_head(&mut self) -> Option<Request> {
        let (line, fields) = self.wire().head()?;
        let (method, target, version) =
            start_line(&line).unwrap_or_else(|| panic!("no request line: {line:?}"));
        Some(Request {
            method: method.to_owned(),
            target: target.to_owned(),
            version: version.to_owned(),
            fields,
            body: Vec::new(),
            trailers: Default::default(),
            complete: false,
        })
    }

    /// Reads the body of a request whose head was read, and records the whole.
    pub fn body_of(&mut self, request: &mut Request) {
        let framing = request_framing(&request.fields);
        let read = self.wire().body(framing);
        request.body = read.data;
        request.trailers = read.trailers;
        request.complete = read.complete;
        self.shared.record.lock().unwrap().requests.push(request.clone());
        self.shared.changed.notify_all();
    }

    /// `count` bytes, or fewer when the connection ends first.
    pub fn exactly(&mut self, count: usize) -> Vec<u8> {
        self.wire().exactly(count)
    }

    /// The next bytes that come, at least one; empty at the end.
    pub fn some(&mut self) -> Vec<u8> {
        self.wire().some()
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        self.wire().rest()
    }

    /// Whether the connection, once ended, ended by a reset.
    pub fn was_reset(&self) -> bool {
        self.wire.as_ref().is_some_and(|wire| wire.end() == Some(End::Reset))
    }

    /// Sends these bytes; false when the proxy has closed the connection.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.wire().send(bytes.as_ref())
    }

    /// Sends the bytes in pieces of `size`, each a packet of its own.
    pub fn send_in_pieces(&mut self, bytes: impl AsRef<[u8]>, size: usize) -> bool {
        bytes.as_ref().chunks(size).all(|piece| {
            let sent = self.wire().send(piece);
            // Lets the reader run between the pieces; what it then reads is up to the scheduler, and must not matter.
            thread::yield_now();
            sent
        })
    }

    /// Sends `block` over and over until the proxy has taken nothing for `quiet`, at most `most` times; how many bytes
    /// it took.
    ///
    /// The one place where time decides: that nothing more is read cannot be seen in any other way. A machine that
    /// stalls makes the count smaller, never larger.
    pub fn send_until_stalled(&mut self, block: impl AsRef<[u8]>, most: usize, quiet: Duration) -> usize {
        self.wire().send_until_stalled(block.as_ref(), most, quiet)
    }

    /// Ends the sending direction; the other stays open.
    pub fn finish(&mut self) {
        self.wire().finish();
    }

    /// Closes the connection before the script ends. As everywhere, what was not read makes this a reset.
    pub fn close(&mut self) {
        self.shared.forget(self.number);
        self.wire = None;
    }

    /// Ends the connection with a reset.
    pub fn reset(&mut self) {
        self.shared.forget(self.number);
        if let Some(wire) = self.wire.take() {
            wire.reset();
        }
    }
}
