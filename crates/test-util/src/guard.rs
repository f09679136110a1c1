//! The time after which a test is given up.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long any single wait of this crate lasts before it panics with a message.
///
/// Long enough for a loaded machine, since a good test never comes near it.
pub const LIMIT: Duration = Duration::from_secs(10);

/// Runs `test` on a thread of its own and panics with `what` when it has not ended after [`LIMIT`].
///
/// For code that waits by other means than this crate's, which all end by themselves.
///
/// # Panics
/// When the limit passes, or with the panic of `test`.
pub fn timeout_guard<T: Send + 'static>(what: &str, test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, ended) = mpsc::channel();
    let runner = thread::spawn(move || {
        let value = test();
        // The receiver is gone only after the limit has passed, and then nobody wants the value.
        let _ = done.send(());
        value
    });
    if let Err(mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(LIMIT) {
        panic!("{what}: still running after {LIMIT:?}");
    }
    match runner.join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_on_the_value_and_the_panic() {
        assert_eq!(timeout_guard("sum", || 1 + 1), 2);
        let caught = std::panic::catch_unwind(|| timeout_guard("boom", || panic!("inner")));
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"inner"));
    }
}
