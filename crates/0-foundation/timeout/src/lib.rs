#![doc = include_str!("../README.md")]

mod wheel;

#[cfg(feature = "tokio")]
pub mod clock;
#[cfg(feature = "tokio")]
mod driver;
#[cfg(feature = "tokio")]
mod sleep;
#[cfg(feature = "tokio")]
mod timeout;
#[cfg(feature = "tokio")]
mod timer;

pub use wheel::{Key, TICK, Wheel};

#[cfg(feature = "tokio")]
pub use driver::{pause, resume};
#[cfg(feature = "tokio")]
pub use sleep::{Sleep, sleep, sleep_until};
#[cfg(feature = "tokio")]
pub use timeout::{Elapsed, Timeout, timeout};
#[cfg(feature = "tokio")]
pub use timer::Timer;
