//! What every process that serves does around it: descriptors, the last words, the last lines.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use gorge::server::{LogWriter, Stopped, raise_open_files};

use crate::terminal::say;

/// How long the end waits for a reader who is slow to take the last lines of a log.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the system for as many descriptors as so many connections take, and for `wanted` at least.
/// Returns what there is to warn of; `option` is what sets the number of connections.
pub(crate) fn raise_limit(max_connections: usize, wanted: u64, option: &str) -> Option<String> {
    // Each proxied connection takes two.
    let needed = (max_connections as u64).saturating_mul(2);
    match raise_open_files(needed.max(wanted)) {
        Ok(limit) if limit < needed => Some(format!(
            "the system allows {limit} open files, enough for about {} of {max_connections} connections; raise it \
             with `ulimit -n {needed}` or allow fewer with {option}",
            limit / 2
        )),
        Ok(_) => None,
        Err(error) => Some(format!("the limit of open files cannot be raised: {error}")),
    }
}

/// How it ended.
pub(crate) fn last_words(stopped: &Stopped) -> String {
    match (stopped.cut, stopped.stuck) {
        (0, 0) => "stopped".to_owned(),
        (cut, 0) => format!("stopped; connections cut off: {cut}"),
        (cut, stuck) => format!("stopped; connections cut off: {cut}, workers left behind: {stuck}"),
    }
}

/// Writes what is still to be written. A reader who takes nothing does not keep the process.
pub(crate) fn flush(writers: Vec<LogWriter>) {
    let (done, is_done) = mpsc::channel();
    let flush = move || {
        writers.iter().for_each(LogWriter::flush);
        // Nobody listens any more once the patience has run out.
        let _ = done.send(writers.iter().map(LogWriter::dropped).sum::<u64>());
    };
    let flushing = thread::Builder::new().spawn(flush);
    match flushing.map(|_| is_done.recv_timeout(PATIENCE)) {
        Ok(Ok(0)) => {}
        Ok(Ok(lost)) => say(format_args!("warning: {lost} lines of the logs could not be written")),
        _ => say("warning: the last lines of the logs could not be written"),
    }
}
