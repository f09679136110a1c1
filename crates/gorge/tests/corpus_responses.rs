//! Every response of the corpus is relayed, cut or replaced by a 502 as it must be, and poisons nobody's next answer.

mod common;
mod corpus;

use common::{ok, proxy_to};
use corpus::responses::{Case, Ending, Required, Reuse, all};
use gorge_test_util::{Gate, Origin, RawClient, Response};
use std::sync::Arc;

#[test]
fn whole_responses_are_relayed_or_refused_as_required() {
    each_case(None);
}

#[test]
fn responses_in_single_bytes_are_relayed_or_refused_as_required() {
    each_case(Some(1));
}

#[test]
fn responses_in_pieces_of_seven_bytes_are_relayed_or_refused_as_required() {
    each_case(Some(7));
}

#[test]
fn the_corpus_is_large_and_its_names_are_unique() {
    let mut names: Vec<_> = all().iter().map(|case| case.name).collect();
    let faulty = all().iter().filter(|case| !matches!(case.required, Required::Relayed(..))).count();
    assert!(faulty >= 30, "{faulty}");
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// Runs all rows, so that one run shows all that is wrong.
fn each_case(piece: Option<usize>) {
    let mut wrong = Vec::new();
    for case in all() {
        let (name, section) = (case.name, case.section);
        if let Err(what) = run(Arc::new(case), piece) {
            wrong.push(format!("{name} ({section}): {what}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases, pieces {piece:?}:\n{}", wrong.len(), wrong.join("\n"));
}

fn run(case: Arc<Case>, piece: Option<usize>) -> Result<(), String> {
    let sent = Gate::new("the origin has sent the whole row");
    let origin = scripted(case.clone(), piece, sent.clone());
    let proxy = proxy_to(&[origin.addr()]);
    let mut client = proxy.client();
    client.send(format!("{} /case HTTP/1.1\r\nHost: example.org\r\n\r\n", case.method));
    let answer = final_answer(&mut client, case.method)?;
    judge(&case.required, &answer)?;
    let asked = origin.requests().iter().filter(|request| request.target == "/case").count();
    ensure(asked >= 1, || "the origin was not asked".into())?;
    if !matches!(case.ending, Ending::Close | Ending::Reset) {
        ensure(asked == 1, || format!("a forbidden message was asked for {asked} times"))?;
    }
    // What comes later than the next request cannot be told from its answer by anyone.
    sent.wait();
    let next = proxy.ask("GET /next HTTP/1.1\r\nHost: example.org\r\n\r\n");
    ensure(next.text() == "honest", || format!("the next client got {next:?}"))?;
    let reused = origin.received_on(0).contains("/next");
    ensure(reused == (case.reuse == Reuse::Must), || format!("connection reused: {reused}"))
}

/// Answers `/case` with the row's bytes and everything else honestly.
fn scripted(case: Arc<Case>, piece: Option<usize>, sent: Gate) -> Origin {
    Origin::start(move |connection| {
        while let Some(request) = connection.next_request() {
            if request.target != "/case" {
                connection.send(ok("honest"));
                continue;
            }
            match piece {
                None => connection.send(&case.bytes),
                Some(size) => {
                    connection.send_in_pieces(&case.bytes, if case.bytes.len() > 4096 { 509 } else { size })
                }
            };
            sent.open();
            match case.ending {
                Ending::Open => {}
                Ending::Close => return,
                Ending::Reset => return connection.reset(),
            }
        }
    })
}

fn final_answer(client: &mut RawClient, method: &str) -> Result<Response, String> {
    loop {
        let answer = client.try_response_to(method).ok_or("closed without an answer")?;
        if !matches!(answer.status, 100 | 102..=199) {
            return Ok(answer);
        }
    }
}

fn judge(required: &Required, answer: &Response) -> Result<(), String> {
    let good = match *required {
        Required::BadGateway => is_bad_gateway(answer),
        Required::Cut => !answer.complete || is_bad_gateway(answer),
        Required::Relayed(status, body) => {
            answer.status == status && answer.text() == body && answer.complete
        }
        Required::Either(status) => {
            answer.status == status && answer.body.is_empty() && answer.complete || is_bad_gateway(answer)
        }
    };
    ensure(good, || format!("the client saw {answer:?}"))
}

fn is_bad_gateway(answer: &Response) -> bool {
    let reason = answer.fields.get("proxy-status").unwrap_or_default();
    answer.status == 502 && answer.complete && reason.contains("error=")
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
