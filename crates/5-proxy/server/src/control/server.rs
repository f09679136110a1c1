//! The side that is asked.

use std::io::{self, Write};
use std::net::Shutdown;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gorge_error::Result;
use gorge_protocols::{Address, ListenOptions, Listener, Transport, WorkerListener};
use parking_lot::Mutex;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::client::Verb;
use super::{ERROR, LINE, OK};
use crate::Stopped;
use crate::core::Core;
use crate::status;

/// Clients at a time; further ones are closed at once. Those who wait for a stop count.
const CLIENTS: usize = 16;

/// How long a client may take to send its line, or to read its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long accepting pauses after an error.
const PAUSE: Duration = Duration::from_millis(100);

/// A control socket that is bound.
#[derive(Debug)]
pub(crate) struct Control {
    listener: WorkerListener,
    stops: Stops,
}

/// Those who wait for the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stops(Arc<Mutex<Vec<(std::os::unix::net::UnixStream, Place)>>>);

impl Control {
    /// Binds the socket, for its owner alone. One that a dead process left is replaced.
    pub(crate) fn bind(path: &Path) -> Result<Self> {
        let options = ListenOptions { mode: 0o600, bind_tries: 1, backlog: 64, ..ListenOptions::default() };
        let bound = Listener::bind(&Address::Unix(path.into()), &options)?;
        // A Unix address has a single socket, whatever number is asked for.
        let listener = bound.for_workers(1)?.swap_remove(0);
        Ok(Control { listener, stops: Stops::default() })
    }

    pub(crate) fn stops(&self) -> Stops {
        self.stops.clone()
    }

    /// Serves clients as long as the server lives.
    pub(crate) async fn serve(self, core: Arc<Core>) -> io::Result<()> {
        let mut acceptor = self.listener.start()?;
        let clients = Arc::new(AtomicUsize::new(0));
        loop {
            match acceptor.accept().await {
                Ok((Transport::Unix(stream), _)) => {
                    if let Some(place) = Place::take(&clients) {
                        tokio::spawn(client(core.clone(), self.stops.clone(), stream, place));
                    }
                }
                Ok(_) => {}
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

/// A client's place among those allowed.
#[derive(Debug)]
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(clients: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Place(clients.clone());
        (clients.fetch_add(1, Ordering::SeqCst) < CLIENTS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Serves one client. What goes wrong with it is its own affair.
async fn client(core: Arc<Core>, stops: Stops, stream: UnixStream, place: Place) -> io::Result<()> {
    if !may_ask(&stream) {
        return Ok(());
    }
    let Ok(line) = timeout(PATIENCE, read_line(&stream)).await else { return Ok(()) };
    let outcome = match line?.as_deref().and_then(Verb::read) {
        Some(Verb::Reload) => reload(&core).await,
        Some(Verb::Status) => Ok(status::json(&core, None)),
        Some(Verb::Stop) => {
            stops.add(stream, place)?;
            core.wish.request();
            return Ok(());
        }
        None => Err("one line, please: reload, status or stop".to_owned()),
    };
    let answer = answer(&outcome);
    // A client that does not read is left behind.
    let _ = timeout(PATIENCE, write_all(&stream, answer.as_bytes())).await;
    Ok(())
}

/// The mode of the socket says the same, where the system heeds it.
fn may_ask(stream: &UnixStream) -> bool {
    // SAFETY: it only asks who we are, and cannot fail.
    let ours = unsafe { libc::geteuid() };
    stream.peer_cred().is_ok_and(|peer| peer.uid() == ours || peer.uid() == 0)
}

async fn reload(core: &Core) -> std::result::Result<String, String> {
    match core.reloader.ask().await {
        Ok(outcome) => outcome,
        Err(_) => Err("there is nothing to reload, or too many are waiting for it".to_owned()),
    }
}

fn answer(outcome: &std::result::Result<String, String>) -> String {
    match outcome {
        Ok(text) => format!("{OK}\n{text}\n"),
        Err(text) => format!("{ERROR}\n{text}\n"),
    }
}

/// A line of the right length; `None` for one that is too long, or is none.
async fn read_line(stream: &UnixStream) -> io::Result<Option<String>> {
    let mut line = [0; LINE];
    let mut filled = 0;
    loop {
        if let Some(end) = line[..filled].iter().position(|byte| *byte == b'\n') {
            return Ok(std::str::from_utf8(&line[..end]).ok().map(str::to_owned));
        }
        stream.readable().await?;
        match stream.try_read(&mut line[filled..]) {
            Ok(0) => return Ok(None),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

async fn write_all(stream: &UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Stops {
    /// Keeps a client until the end. It keeps its place as well, so that there are never more than
    /// [`CLIENTS`].
    fn add(&self, stream: UnixStream, place: Place) -> io::Result<()> {
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        self.0.lock().push((stream, place));
        Ok(())
    }

    /// Tells all who asked for the stop how it went.
    pub(crate) fn answer(&self, stopped: &Stopped) {
        let text = match (stopped.cut, stopped.hurried) {
            (0, _) => "stopped".to_owned(),
            (cut, false) => format!("stopped; connections cut off when the grace was over: {cut}"),
            (cut, true) => format!("stopped at once; connections cut off: {cut}"),
        };
        for (mut stream, _) in self.0.lock().drain(..) {
            // Whoever asked may be gone.
            let _ = stream.write_all(answer(&Ok(text.clone())).as_bytes());
            let _ = stream.shutdown(Shutdown::Write);
        }
    }
}
