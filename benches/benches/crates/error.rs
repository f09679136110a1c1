//! `gorge-error` beside `pingora-error`.

use std::io;

use criterion::Criterion;
use gorge_benches::{OURS, Operation};

pub(crate) fn bench(criterion: &mut Criterion) {
    Operation::new(criterion, "error", "create and drop")
        .row(OURS, || gorge_error::Error::new(gorge_error::Kind::ConnectTimedOut))
        .row("pingora-error", || pingora_error::Error::new(pingora_error::ErrorType::ConnectTimedout));

    Operation::new(criterion, "error", "wrap a cause and drop")
        .row(OURS, || {
            gorge_error::Error::because(
                gorge_error::Kind::ConnectRefused,
                "connecting to the origin",
                refused(),
            )
        })
        .row("pingora-error", || {
            let kind = pingora_error::ErrorType::ConnectRefused;
            pingora_error::Error::because(kind, "connecting to the origin", refused())
        });

    Operation::new(criterion, "error", "pass a success on")
        .row(OURS, || gorge_error::OrErr::or_err(done(), gorge_error::Kind::ReadFailed, "reading"))
        .row("pingora-error", || {
            pingora_error::OrErr::or_err(done(), pingora_error::ErrorType::ReadError, "reading")
        });
}

fn refused() -> io::Error {
    io::ErrorKind::ConnectionRefused.into()
}

fn done() -> io::Result<u64> {
    std::hint::black_box(Ok(1))
}
