//! Every request of the corpus gets the answer it must get, however its bytes arrive, and harms nobody after it.

mod common;
mod corpus;

use common::{RunningProxy, ok, proxy_to};
use corpus::requests::{Case, Required, Then, all};
use gorge_test_util::{Origin, RawClient};

const HONEST: &str = "GET /honest HTTP/1.1\r\nHost: example.org\r\n\r\n";

/// In how large pieces a request is sent.
#[derive(Clone, Copy, Debug)]
enum Pieces {
    Whole,
    Of(usize),
}

#[test]
fn whole_requests_are_answered_as_required() {
    each_case(Pieces::Whole);
}

#[test]
fn requests_in_single_bytes_are_answered_as_required() {
    each_case(Pieces::Of(1));
}

#[test]
fn requests_in_pieces_of_seven_bytes_are_answered_as_required() {
    each_case(Pieces::Of(7));
}

#[test]
fn the_corpus_is_large_and_its_names_are_unique() {
    let mut names: Vec<_> = all().iter().map(|case| case.name).collect();
    let faulty = all().iter().filter(|case| !matches!(case.required, Required::Served(..))).count();
    assert!(faulty >= 80, "{faulty}");
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// Runs all rows, so that one run shows all that is wrong.
fn each_case(pieces: Pieces) {
    let origin = recorder();
    let proxy = proxy_to(&[origin.addr()]);
    let mut wrong = Vec::new();
    for case in all() {
        origin.forget();
        let outcome = run(&case, pieces, &proxy, &origin)
            .and_then(|()| honest_client_is_served(&proxy, &origin, &case));
        if let Err(what) = outcome {
            wrong.push(format!("{} ({}): {what}", case.name, case.section));
        }
    }
    assert!(wrong.is_empty(), "{} cases, {pieces:?}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Answers whole requests and only those.
fn recorder() -> Origin {
    Origin::start(|connection| {
        while let Some(request) = connection.next_request()
            && request.complete
        {
            connection.send(ok(&request.target));
        }
    })
}

fn run(case: &Case, pieces: Pieces, proxy: &RunningProxy, origin: &Origin) -> Result<(), String> {
    let mut client = proxy.client();
    match pieces {
        Pieces::Whole => client.send(&case.bytes),
        // Long rows are long for a limit's sake; their pieces may be larger.
        Pieces::Of(size) => {
            client.send_in_pieces(&case.bytes, if case.bytes.len() > 4096 { 509 } else { size })
        }
    };
    match case.required {
        Required::Refused(status) | Required::Broken(status) => refused(&mut client, status),
        Required::Declined(status) => declined(&mut client, status),
        Required::Served(requests, then) => served(&mut client, origin, requests, then),
    }
}

fn refused(client: &mut RawClient, status: u16) -> Result<(), String> {
    let answer = client.try_response().ok_or("closed without an answer")?;
    ensure(answer.status == status, || format!("{} instead of {status}", answer.status))?;
    ensure(answer.complete, || "the answer is cut short".into())?;
    ensure(answer.fields.get("connection") == Some("close"), || format!("no announced close: {answer:?}"))?;
    let reason = answer.fields.get("proxy-status").unwrap_or_default();
    ensure(reason.contains("error="), || format!("no reason: {answer:?}"))?;
    closed(client)
}

fn declined(client: &mut RawClient, status: u16) -> Result<(), String> {
    let answer = client.try_response().ok_or("closed without an answer")?;
    ensure(answer.status == status, || format!("{} instead of {status}", answer.status))?;
    if answer.fields.get("connection") == Some("close") {
        return closed(client);
    }
    kept(client)
}

fn served(client: &mut RawClient, origin: &Origin, requests: &[&str], then: Then) -> Result<(), String> {
    for request in requests {
        let answer =
            client.try_response().ok_or_else(|| format!("closed before the answer to {request:?}"))?;
        ensure(answer.status == 200, || format!("{} for {request:?}", answer.status))?;
    }
    let seen: Vec<_> =
        origin.requests().iter().map(|r| format!("{} {} {}", r.method, r.target, r.text())).collect();
    ensure(seen == requests, || format!("the origin saw {seen:?}"))?;
    if then == Then::Kept { kept(client) } else { closed(client) }
}

fn closed(client: &mut RawClient) -> Result<(), String> {
    let rest = client.rest();
    ensure(rest.is_empty(), || format!("more came after the answer: {:?}", String::from_utf8_lossy(&rest)))
}

fn kept(client: &mut RawClient) -> Result<(), String> {
    client.send(HONEST);
    let answer = client.try_response().ok_or("the connection was not kept")?;
    ensure(answer.text() == "/honest", || format!("the next request got {answer:?}"))
}

/// The last check of each row: others go on, and no byte beyond what was allowed reached the origin.
fn honest_client_is_served(proxy: &RunningProxy, origin: &Origin, case: &Case) -> Result<(), String> {
    let answer = proxy.ask(HONEST);
    ensure(answer.text() == "/honest", || format!("the next client got {answer:?}"))?;
    let whole: Vec<_> = origin.requests().into_iter().filter(|request| request.complete).collect();
    let smuggled = whole.iter().any(|request| request.target == "/smuggled");
    ensure(!smuggled, || "a request was smuggled".into())?;
    if !matches!(case.required, Required::Served(..)) {
        let strange = whole.iter().find(|request| request.target != "/honest");
        ensure(strange.is_none(), || format!("a whole request reached the origin: {strange:?}"))?;
    }
    if matches!(case.required, Required::Refused(_) | Required::Declined(_)) {
        let heads = origin.received().matches("\r\n\r\n").count();
        ensure(heads == whole.len(), || format!("bytes reached the origin: {:?}", origin.received()))?;
    }
    Ok(())
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
