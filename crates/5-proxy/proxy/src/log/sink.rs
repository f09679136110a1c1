//! What a log asks of the place where its lines go.

use std::sync::{Arc, Weak};

/// Where the lines of a log go.
///
/// The sink hands out its own buffer, so that a line is formatted where it will be written from and
/// nothing is allocated for it. Any number of logs may share one sink: a line is never mixed with
/// another.
pub trait LineSink: Send + Sync + 'static {
    /// Takes one line: `write` puts it, without a line end, behind what is in the buffer.
    fn line(&self, write: &mut dyn FnMut(&mut Vec<u8>));

    /// Makes the acquaintance of a log that may hold lines back: while lines come, and until it says
    /// that it holds none any more, it is to be asked for them once a second. The default asks never:
    /// what such a log sums up is then told when its next line comes.
    fn acquaint(&self, log: Weak<dyn HeldBack>) {
        let _ = log;
    }
}

/// A log that holds lines back, in order to sum them up.
pub trait HeldBack: Send + Sync {
    /// Gives its sink what it held back. Returns whether it is to be asked again a second later.
    fn release(&self) -> bool;
}

impl<S: LineSink + ?Sized> LineSink for Arc<S> {
    fn line(&self, write: &mut dyn FnMut(&mut Vec<u8>)) {
        (**self).line(write);
    }

    fn acquaint(&self, log: Weak<dyn HeldBack>) {
        (**self).acquaint(log);
    }
}
