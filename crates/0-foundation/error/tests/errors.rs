//! Building, asking and printing errors.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use gorge_error::{Error, Fault, Kind, OrErr, Result, Retryable};
use gorge_test_util::AllocationCounter;

#[global_allocator]
static ALLOCATOR: AllocationCounter = AllocationCounter::new();

#[derive(Debug)]
struct Reason(&'static str);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for Reason {}

#[test]
fn is_one_pointer_wide_and_thread_safe() {
    fn checks<T: Send + Sync + StdError + 'static>() {}
    checks::<Error>();
    assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
}

#[test]
fn undecided_reads_as_no_retry_and_nobodys_fault() {
    let error = Error::from(Kind::ReadFailed);
    assert_eq!((error.retry(), error.fault()), (Retryable::No, Fault::Unset));
}

#[test]
fn reused_connections_decide_late() {
    let table = [
        (Retryable::Yes, true, true),
        (Retryable::Yes, false, true),
        (Retryable::IfReused, true, true),
        (Retryable::IfReused, false, false),
        (Retryable::No, true, false),
    ];
    for (retry, reused, allowed) in table {
        assert_eq!(Error::new(Kind::ClosedEarly).retryable(retry).retry().allows(reused), allowed);
    }
}

#[test]
fn context_keeps_the_verdicts() {
    let error =
        Error::new(Kind::ConnectRefused).into_upstream().retryable(Retryable::Yes).context("connecting");
    assert_eq!(
        (error.kind(), error.fault(), error.retry()),
        (Kind::ConnectRefused, Fault::Upstream, Retryable::Yes)
    );
}

#[test]
fn wrapping_keeps_the_blame_but_not_the_licence_to_retry() {
    let inner = Error::new(Kind::ConnectRefused).into_upstream().retryable(Retryable::Yes);
    let outer = Error::because(Kind::AttemptsExhausted, "the last of 3", inner);
    assert_eq!((outer.fault(), outer.retry()), (Fault::Upstream, Retryable::No));
    assert_eq!(outer.into_internal().fault(), Fault::Internal);
}

#[test]
fn prints_this_level_or_the_whole_chain() {
    let io = io::Error::new(io::ErrorKind::ConnectionReset, Reason("reset by peer"));
    let inner = Error::because(Kind::of_read(&io), "reading the head", io).into_upstream();
    let outer =
        Error::because(Kind::AttemptsExhausted, format!("after {} attempts", 3), inner).context("GET /");
    assert_eq!(outer.to_string(), "attempts_exhausted (upstream): GET /: after 3 attempts");
    assert_eq!(
        format!("{outer:#}"),
        "attempts_exhausted (upstream): GET /: after 3 attempts: \
         closed_early (upstream): reading the head: reset by peer"
    );
    assert_eq!(
        outer.source().unwrap().to_string(),
        "closed_early (upstream): reading the head",
        "the rest is left to `source`"
    );
    assert_eq!(Error::new(Kind::Rejected(403)).to_string(), "rejected 403");
    assert_eq!(Error::new(Kind::Custom("quota")).to_string(), "quota");
    assert!(format!("{outer:?}").contains("AttemptsExhausted"));
}

#[test]
fn the_whole_chain_stays_on_one_line() {
    let error =
        Error::because(Kind::Internal, "a\nb\u{1b}[31m\u{85}c", Reason("x\r\ny")).context("é".to_owned());
    assert_eq!(format!("{error:#}"), r"internal: é: a\nb\u{1b}[31m\u{85}c: x\r\ny");
}

#[test]
fn finds_causes_through_every_layer() {
    let io = io::Error::other(Error::because(Kind::Cache, "looking", Reason("disk")));
    let error = Error::because(Kind::ReadFailed, "reading", io);
    assert!(
        error.is_caused_by::<io::Error>() && error.is_caused_by::<Reason>() && error.is_caused_by::<Error>()
    );
    assert!(!error.is_caused_by::<fmt::Error>());
    assert_eq!(error.cause::<Error>().unwrap().kind(), Kind::Cache);
    assert_eq!(error.root_cause().to_string(), "disk");
    assert_eq!(Error::new(Kind::Loop).root_cause().to_string(), "loop");
}

#[test]
fn maps_what_the_system_says() {
    use io::ErrorKind as Io;
    let table = [
        (Io::ConnectionRefused, Kind::ConnectRefused, Kind::ReadFailed, Kind::WriteFailed),
        (Io::ConnectionReset, Kind::ConnectReset, Kind::ClosedEarly, Kind::ClosedEarly),
        (Io::TimedOut, Kind::ConnectTimedOut, Kind::ReadTimedOut, Kind::WriteTimedOut),
        (Io::HostUnreachable, Kind::NoRoute, Kind::ReadFailed, Kind::WriteFailed),
        (Io::NetworkUnreachable, Kind::NoRoute, Kind::ReadFailed, Kind::WriteFailed),
        (Io::AddrNotAvailable, Kind::BindFailed, Kind::ReadFailed, Kind::WriteFailed),
        (Io::BrokenPipe, Kind::ConnectFailed, Kind::ClosedEarly, Kind::ClosedEarly),
        (Io::UnexpectedEof, Kind::ConnectFailed, Kind::ClosedEarly, Kind::ClosedEarly),
        (Io::PermissionDenied, Kind::ConnectFailed, Kind::ReadFailed, Kind::WriteFailed),
    ];
    for (io, connect, read, write) in table {
        let io = io::Error::from(io);
        assert_eq!((Kind::of_connect(&io), Kind::of_read(&io), Kind::of_write(&io)), (connect, read, write));
    }
}

#[test]
fn tells_timeouts_and_closes() {
    assert!(Error::new(Kind::FirstByteTimedOut).is_timeout());
    assert!(!Error::new(Kind::ReadFailed).is_timeout());
    assert!(Error::new(Kind::ClosedEarly).is_closed());
    let gone = io::Error::from(io::ErrorKind::BrokenPipe);
    assert!(Error::because(Kind::WebSocket, "writing a frame", gone).is_closed());
    assert!(!Error::new(Kind::ReadTimedOut).is_closed());
}

#[test]
fn results_and_options_become_errors_of_ours() {
    let parsed: Result<u8> = "x".parse::<u8>().or_err(Kind::Configuration, "reading `workers`");
    let error = parsed.unwrap_err();
    assert!(error.is_caused_by::<std::num::ParseIntError>());
    assert_eq!(error.to_string(), "configuration: reading `workers`");

    let missing: Result<u8> = None.or_err_with(Kind::NoPeer, || format!("in {}", "app"));
    assert_eq!(missing.unwrap_err().to_string(), "no_peer: in app");

    let explained: Result<()> = Err(Reason("why")).explain("doing");
    let again = explained.explain_with(|| "on top").unwrap_err();
    assert_eq!(format!("{again:#}"), "internal: on top: doing: why", "an error of ours is not nested");
    assert_eq!(None::<u8>.explain("looking").unwrap_err().kind(), Kind::Internal);
    assert_eq!(Err::<u8, _>("text").or_err(Kind::File, "a").unwrap_err().root_cause().to_string(), "text");
    assert_eq!(Some(1).or_err(Kind::Internal, "never").unwrap(), 1);
}

#[test]
fn allocates_as_promised() {
    let allocations = |make: fn() -> Option<Error>| {
        let (made, error) = ALLOCATOR.of_thread(make);
        drop(error);
        made
    };
    assert_eq!(allocations(|| Some(Error::new(Kind::Loop))), 1);
    assert_eq!(allocations(|| Some(Error::explain(Kind::Loop, "seen in Via"))), 1);
    assert_eq!(allocations(|| Some(Error::new(Kind::Loop).context("a").context("b"))), 1);
    assert_eq!(allocations(|| Some(Error::because(Kind::Loop, "outside", Error::new(Kind::Cache)))), 2);
    assert_eq!(allocations(|| Some(Error::new(Kind::Loop).context(String::from("owned")))), 2);
    assert_eq!(allocations(|| Err::<(), _>(Error::new(Kind::Loop)).explain("outside").err()), 1);
    assert_eq!(allocations(|| Ok::<_, Error>(1).explain_with(|| format!("{}", 1)).err()), 0);
    assert_eq!(allocations(|| Some(1).or_err_with(Kind::Loop, || format!("{}", 1)).err()), 0);
}
