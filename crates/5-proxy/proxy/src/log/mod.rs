//! Logs as observers: a line per exchange, and a line per failure.

mod access;
mod error;
mod escape;
mod level;
mod line;
mod name;
mod repeats;
mod sink;
mod stamp;
mod template;
mod value;

pub use access::{AccessLog, Format};
pub use error::{ErrorLog, Refused};
pub use level::Level;
pub use sink::{HeldBack, LineSink};
pub use template::Template;
