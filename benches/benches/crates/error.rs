//! `gorge-error` beside `pingora-error`.

use std::hint::black_box;
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

    // One alone is less than a nanosecond.
    Operation::new(criterion, "error", "100 × pass a success on")
        .row(OURS, || {
            for number in 0..100 {
                let passed =
                    gorge_error::OrErr::or_err(done(number), gorge_error::Kind::ReadFailed, "reading");
                let _ = black_box(passed);
            }
        })
        .row("pingora-error", || {
            for number in 0..100 {
                let kind = pingora_error::ErrorType::ReadError;
                let _ = black_box(pingora_error::OrErr::or_err(done(number), kind, "reading"));
            }
        });
}

fn refused() -> io::Error {
    io::ErrorKind::ConnectionRefused.into()
}

fn done(number: u64) -> io::Result<u64> {
    black_box(Ok(number))
}
