//! The chart of `docs/life-of-a-request.md`: what filters, upstream and observers see, in which
//! order.

mod common;

use std::io::Write;

use common::{RunningProxy, Setup, balancer, ok, run};
use gorge::filter::{Event, Observer};
use gorge::prelude::*;
use gorge_test_util::{Origin, TextLog};

/// Notes its hooks as a filter, and all events as an observer.
struct Noted(&'static str, TextLog);

impl Noted {
    fn note(&self, what: impl std::fmt::Display) {
        writeln!(self.1.clone(), "{}{what}", self.0).unwrap();
    }
}

impl Filter for Noted {
    async fn on_request(&self, _: &mut Exchange) -> Result<Flow> {
        self.note("on_request");
        Ok(Flow::Continue)
    }

    async fn on_response(&self, _: &mut Exchange, _: &mut ResponseHead) -> Result<()> {
        self.note("on_response");
        Ok(())
    }

    fn on_end(&self, _: &Exchange, _: &Outcome) {
        self.note("on_end");
    }
}

impl Observer for Noted {
    fn event(&self, x: &Exchange, event: &Event<'_>) {
        match event {
            Event::Head => self.note("head"),
            Event::Selected => self.note(format_args!("selected {}", x.attempts().count())),
            Event::Connected => self.note("connected"),
            Event::RequestSent => self.note("request sent"),
            Event::ResponseHead(status) => self.note(format_args!("response head {}", status.as_u16())),
            Event::Retried(error) => self.note(format_args!("retried {}", error.kind())),
            Event::Done(end) => self.note(format_args!("done {}", end.status.as_u16())),
            other => self.note(format_args!("{other:?}")),
        }
    }
}

fn noted(origins: &[std::net::SocketAddr], log: &TextLog) -> RunningProxy {
    let setup = Setup::default();
    let builder = setup
        .builder()
        .filter(Noted("downstream ", log.clone()))
        .upstream_filter(Noted("upstream ", log.clone()))
        .observe(Noted("", log.clone()));
    run(builder.upstream(balancer(origins, &setup)).build().unwrap(), &setup)
}

#[test]
fn one_attempt() {
    let (origin, log) = (Origin::answering(ok("hi")), TextLog::new());
    let proxy = noted(&[origin.addr()], &log);
    assert_eq!(proxy.ask(common::GET).status, 200);
    log.wait_for("done");
    assert_eq!(
        log.lines(),
        [
            "head",
            "downstream on_request",
            "selected 1",
            "upstream on_request",
            "connected",
            "request sent",
            "response head 200",
            "upstream on_response",
            "downstream on_response",
            "upstream on_end",
            "downstream on_end",
            "done 200",
        ]
    );
}

#[test]
fn a_second_attempt() {
    let (sick, well, log) = (
        Origin::answering("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
        Origin::answering(ok("hi")),
        TextLog::new(),
    );
    let proxy = noted(&[sick.addr(), well.addr()], &log);
    assert_eq!(proxy.ask(common::GET).status, 200);
    log.wait_for("done");
    assert_eq!(
        log.lines(),
        [
            "head",
            "downstream on_request",
            "selected 1",
            "upstream on_request",
            "connected",
            "request sent",
            "response head 503",
            "retried rejected",
            "selected 2",
            "upstream on_request",
            "connected",
            "request sent",
            "response head 200",
            "upstream on_response",
            "downstream on_response",
            "upstream on_end",
            "downstream on_end",
            "done 200",
        ]
    );
}
