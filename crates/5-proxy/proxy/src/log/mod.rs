//! Logs as observers: a line per exchange, and a line per failure.

mod access;
mod error;
mod escape;
mod stamp;

pub use access::{AccessLog, Format};
pub use error::{ErrorLog, Level};

/// Where the lines of a log go.
///
/// The sink hands out its own buffer, so that a line is formatted where it will be written from and
/// nothing is allocated for it.
pub trait LineSink: Send + Sync + 'static {
    /// Takes one line: `write` puts it, without a line end, behind what is in the buffer.
    fn line(&self, write: &mut dyn FnMut(&mut Vec<u8>));
}

impl<S: LineSink + ?Sized> LineSink for std::sync::Arc<S> {
    fn line(&self, write: &mut dyn FnMut(&mut Vec<u8>)) {
        (**self).line(write);
    }
}
