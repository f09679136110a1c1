//! Filters see the request in order, the response in reverse, and the end exactly once.

mod common;

use common::{RunningProxy, Setup, balancer, ok, run};
use gorge::filter::{BodyTransform, ChunkSink};
use gorge::http::Chunk;
use gorge::prelude::*;
use gorge_test_util::{Origin, TextLog};
use std::io::Write;

/// Notes what it is called for, and does what the path says to its name.
struct Noted {
    name: &'static str,
    log: TextLog,
}

impl Noted {
    fn note(&self, what: &str) {
        writeln!(self.log.clone(), "{} {what}", self.name).unwrap();
    }
}

impl Filter for Noted {
    async fn on_request(&self, x: &mut Exchange) -> Result<Flow> {
        self.note("request");
        let path = x.req.uri.path();
        if path == format!("/answer-by-{}", self.name) {
            return Ok(Flow::Respond(Response::text(Status::OK, self.name)));
        }
        if path == format!("/refuse-by-{}", self.name) {
            return Err(Error::explain(Kind::Rejected(403), "not for you").into_downstream());
        }
        Ok(Flow::Continue)
    }

    async fn on_response(&self, _: &mut Exchange, head: &mut ResponseHead) -> Result<()> {
        self.note(&format!("response {}", head.status.as_u16()));
        Ok(())
    }

    fn on_end(&self, _: &Exchange, end: &Outcome) {
        self.note(&format!("end {} {}", end.status.as_u16(), end.complete));
    }
}

fn noted(origin: &Origin, log: &TextLog) -> RunningProxy {
    let setup = Setup::default();
    let filter = |name| Noted { name, log: log.clone() };
    let builder =
        setup.builder().filter(filter("outer")).filter(filter("inner")).upstream_filter(filter("attempt"));
    run(builder.upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup)
}

/// Asks for a path and returns the status and what the filters noted.
fn notes(path: &str, lines: usize) -> (u16, Vec<String>) {
    let (origin, log) = (Origin::answering(ok("hi")), TextLog::new());
    let proxy = noted(&origin, &log);
    let status = proxy.ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).status;
    log.wait_for_count(" ", lines);
    drop(proxy);
    (status, log.lines())
}

#[test]
fn the_request_goes_in_and_the_response_comes_out_through_all_filters() {
    let (status, mut notes) = notes("/", 9);
    assert_eq!(status, 200);
    let ends = notes.split_off(6);
    assert_eq!(
        notes,
        [
            "outer request",
            "inner request",
            "attempt request",
            "attempt response 200",
            "inner response 200",
            "outer response 200"
        ]
    );
    for name in ["outer", "inner", "attempt"] {
        assert_eq!(ends.iter().filter(|end| **end == format!("{name} end 200 true")).count(), 1, "{ends:?}");
    }
}

#[test]
fn an_early_answer_walks_back_through_those_that_were_entered() {
    let (status, notes) = notes("/answer-by-outer", 3);
    assert_eq!(
        (status, notes),
        (200, vec!["outer request".into(), "outer response 200".into(), "outer end 200 true".into()])
    );
}

#[test]
fn a_refusal_has_its_status_and_is_seen_by_those_that_were_entered() {
    let (status, notes) = notes("/refuse-by-inner", 6);
    assert_eq!(status, 403);
    assert_eq!(notes[..4], ["outer request", "inner request", "inner response 403", "outer response 403"]);
    assert_eq!(notes.len(), 6, "{notes:?}");
}

#[test]
fn an_early_answer_leaves_no_body_to_be_read_as_a_request() {
    let (origin, log) = (Origin::answering(ok("hi")), TextLog::new());
    let proxy = noted(&origin, &log);
    let hidden = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut client = proxy.client();
    client.send(format!(
        "POST /answer-by-outer HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{hidden}",
        hidden.len()
    ));
    assert_eq!(client.response().text(), "outer");
    client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    if let Some(answer) = client.try_response() {
        assert_eq!(answer.text(), "hi");
    }
    assert!(!origin.received().contains("smuggled"));
}

/// Turns a body into upper case and counts what it saw into a last line.
struct Shout(usize);

impl BodyTransform for Shout {
    fn push(&mut self, chunk: Chunk, out: &mut ChunkSink) -> Result<()> {
        match chunk {
            Chunk::Data(data) => {
                self.0 += data.len();
                out.put(Chunk::Data(data.to_ascii_uppercase().into()));
            }
            Chunk::End => {
                out.put(Chunk::Data(format!(" ({})", self.0).into()));
                out.put(Chunk::End);
            }
            trailers => out.put(trailers),
        }
        Ok(())
    }
}

/// Lets both bodies shout.
struct Shouting;

impl Filter for Shouting {
    async fn on_request(&self, x: &mut Exchange) -> Result<Flow> {
        x.request_body().push(Shout(0));
        Ok(Flow::Continue)
    }

    async fn on_response(&self, x: &mut Exchange, _: &mut ResponseHead) -> Result<()> {
        x.response_body().push(Shout(0));
        Ok(())
    }
}

#[test]
fn bodies_changed_by_a_filter_have_the_right_length_both_ways() {
    let origin = Origin::answering(ok("hello"));
    let setup = Setup::default();
    let builder = setup.builder().filter(Shouting).upstream(balancer(&[origin.addr()], &setup));
    let proxy = run(builder.build().unwrap(), &setup);
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
        let answer = client.response();
        assert_eq!((answer.text().as_str(), answer.complete), ("HELLO (5)", true));
        assert!(!answer.fields.has("content-length"), "{answer:?}");
    }
    assert_eq!(origin.requests()[1].text(), "ABC (3)");
}
