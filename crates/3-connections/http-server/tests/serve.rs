//! A connection with a handler behind it.

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use common::{answer_to, run, start};
use gorge_error::{Error, Kind, Result};
use gorge_filter::{Body, BodySource, Response};
use gorge_http::{Chunk, Known, RequestHead, Status};
use gorge_http_server::{RequestBody, Settings};

async fn hello(head: &RequestHead, _: &mut RequestBody<'_>) -> Response {
    Response::text(Status::OK, head.uri.path().to_owned())
}

async fn echo(_: &RequestHead, body: &mut RequestBody<'_>) -> Result<Response> {
    Ok(Response::text(Status::OK, body.collect(1 << 20).await?))
}

/// A body in two pieces, of which nobody knows the length before.
struct Pieces(Vec<&'static str>);

impl BodySource for Pieces {
    fn poll_chunk(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<Chunk>> {
        let chunk = if self.0.is_empty() { Chunk::End } else { Chunk::Data(self.0.remove(0).into()) };
        std::task::Poll::Ready(Ok(chunk))
    }
}

async fn pieces(_: &RequestHead, _: &mut RequestBody<'_>) -> Response {
    let mut response = Response::empty(Status::OK);
    response.body = Body::Stream(Box::new(Pieces(vec!["hello", "world"])), None);
    response
}

/// A body that stops coming.
struct Stalled;

impl BodySource for Stalled {
    fn poll_chunk(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<Chunk>> {
        std::task::Poll::Pending
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    run(async {
        let three = "GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc\
                     GET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        let answer = answer_to(three, hello).await;
        let at = |path| answer.find(path).unwrap();
        assert!(at("\r\n\r\n/a") < at("\r\n\r\n/b") && at("\r\n\r\n/b") < at("\r\n\r\n/c"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 3);
        assert_eq!(answer.matches("Connection: close").count(), 1);
        assert_eq!(answer.matches("\r\nDate: ").count(), 3);
    });
}

#[test]
fn persistence_follows_version_and_connection() {
    // The request's version and Connection; what the answer says; whether the connection stays.
    let table = [
        ("1.1", "", "", true),
        ("1.1", "Connection: keep-alive\r\n", "", true),
        ("1.1", "Connection: close\r\n", "Connection: close", false),
        ("1.1", "Connection: foo, Close\r\n", "Connection: close", false),
        ("1.0", "", "Connection: close", false),
        ("1.0", "Connection: keep-alive\r\n", "Connection: keep-alive", true),
        ("1.0", "Connection: keep-alive, close\r\n", "Connection: close", false),
    ];
    for (version, fields, says, stays) in table {
        run(async {
            let (mut client, _server) = start(Settings::default(), hello);
            client.send(format!("GET /x HTTP/{version}\r\nHost: h\r\n{fields}\r\n")).await;
            let answer = client.until("/x").await;
            assert!(answer.contains(says), "{version} {fields}: {answer}");
            assert_eq!(answer.contains("Connection: "), !says.is_empty(), "{version} {fields}: {answer}");
            if stays {
                client.send("GET /y HTTP/1.1\r\nHost: h\r\n\r\n").await;
                client.until("/y").await;
            } else {
                assert_eq!(client.rest().await, "");
            }
        });
    }
}

#[test]
fn a_body_of_unknown_length_is_chunked_for_11_and_ends_with_the_connection_for_10() {
    run(async {
        let answer = answer_to("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", pieces).await;
        assert!(answer.contains("Transfer-Encoding: chunked\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n"), "{answer}");

        let answer = answer_to("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", pieces).await;
        assert!(
            answer.contains("Connection: close\r\n") && answer.ends_with("\r\n\r\nhelloworld"),
            "{answer}"
        );
        assert!(!answer.contains("Transfer-Encoding") && !answer.contains("Content-Length"), "{answer}");
    });
}

#[test]
fn answers_to_head_204_and_304_have_no_body() {
    run(async {
        let close = "Host: h\r\nConnection: close\r\n\r\n";
        let answer = answer_to(format!("HEAD /abc HTTP/1.1\r\n{close}"), hello).await;
        assert!(answer.contains("Content-Length: 4\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
        let answer = answer_to(format!("HEAD / HTTP/1.1\r\n{close}"), pieces).await;
        assert!(answer.ends_with("\r\n\r\n") && !answer.contains("Transfer-Encoding"), "{answer}");
        for status in [204, 304] {
            let answer = answer_to(format!("GET / HTTP/1.1\r\n{close}"), async move |_, _| {
                Response::text(Status::new(status).unwrap(), "none of this is sent")
            });
            let answer = answer.await;
            assert!(answer.ends_with("\r\n\r\n") && !answer.contains("Content-Length"), "{answer}");
        }
    });
}

#[test]
fn the_last_of_the_allowed_requests_says_so() {
    run(async {
        let (mut client, server) = start(Settings { requests: 2, ..Settings::default() }, hello);
        client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n".repeat(3)).await;
        let answer = client.rest().await;
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 2);
        assert_eq!(answer.matches("Connection: close").count(), 1);
        server.await.unwrap().unwrap();
    });
}

#[test]
fn leave_to_continue_is_given_when_the_body_is_wanted() {
    run(async {
        let (mut client, _server) = start(Settings::default(), echo);
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").await;
        assert_eq!(client.until("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
        client.send("hello").await;
        let answer = client.until("hello").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && !answer.contains("Connection"), "{answer}");
    });
}

#[test]
fn a_body_that_came_without_waiting_needs_no_leave() {
    run(async {
        let input = "POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello";
        let answer = answer_to(input, echo).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("hello"), "{answer}");
    });
}

#[test]
fn an_answer_instead_of_leave_closes() {
    run(async {
        let (mut client, server) = start(Settings::default(), hello);
        client
            .send("POST /no HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            .await;
        let answer = client.rest().await;
        assert!(answer.contains("Connection: close\r\n") && answer.ends_with("/no"), "{answer}");
        drop(client);
        server.await.unwrap().unwrap();
    });
}

#[test]
fn any_other_expectation_is_417() {
    run(async {
        let input = "GET / HTTP/1.1\r\nHost: h\r\nExpect: wonders\r\nConnection: close\r\n\r\n";
        assert!(answer_to(input, hello).await.starts_with("HTTP/1.1 417 "));
    });
}

#[test]
fn an_unread_body_is_discarded_up_to_64_kib() {
    let next = "GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    for (size, kept) in [(1, true), (64 * 1024, true), (64 * 1024 + 1, false)] {
        for chunked in [false, true] {
            run(async {
                let (mut client, _server) = start(Settings::default(), hello);
                let body = "x".repeat(size);
                let (field, body) = match chunked {
                    true => ("Transfer-Encoding: chunked".into(), format!("{size:x}\r\n{body}\r\n0\r\n\r\n")),
                    false => (format!("Content-Length: {size}"), body),
                };
                client.send(format!("POST /first HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n")).await;
                let _ = client.until("/first").await;
                client.send(body).await;
                client.send(next).await;
                let rest = client.rest().await;
                assert_eq!(rest.ends_with("/next"), kept, "{size} {chunked}: {rest}");
            });
        }
    }
}

#[test]
fn early_answers_close_at_once_by_choice() {
    run(async {
        let settings = Settings { close_on_early_answer: true, ..Settings::default() };
        let (mut client, _server) = start(settings, hello);
        client.send("POST /first HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n").await;
        let answer = client.rest().await;
        assert!(answer.contains("Connection: close\r\n") && answer.ends_with("/first"), "{answer}");
    });
}

#[test]
fn refusals_have_their_status_say_close_and_have_no_body() {
    let large = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    let long = format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(20_000));
    let table = [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: h\n\n", 400),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        (&large, 431),
        (&long, 414),
    ];
    for (request, status) in table {
        run(async {
            let (mut client, server) = start(Settings::default(), hello);
            // Also behind an answer to HEAD, whose rules must not hold for this one.
            client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n").await;
            let _ = client.until("\r\n\r\n").await;
            client.send(request).await;
            client.send("GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n").await;
            let answer = client.rest().await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.contains("Connection: close\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
            assert!(answer.contains("Content-Length: 0\r\n") && !answer.contains("hidden"), "{answer}");
            drop(client);
            assert_eq!(server.await.unwrap().unwrap_err().status(), status);
        });
    }
}

#[test]
fn one_empty_line_before_a_request_is_passed_over() {
    run(async {
        let input = "\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        let answer = answer_to(input, hello).await;
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    });
}

#[test]
fn a_broken_body_is_refused_with_its_status() {
    run(async {
        let limits = gorge_http_parser::Limits { body: 10, ..Default::default() };
        let post = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (body, status) in [("zz\r\n", 400), ("b\r\n", 413)] {
            let (mut client, server) = start(Settings { limits, ..Settings::default() }, echo);
            client.send(format!("{post}{body}")).await;
            let answer = client.rest().await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.contains("Connection: close\r\n"), "{answer}");
            drop(client);
            server.await.unwrap().unwrap_err();
        }
    });
}

#[test]
fn a_slow_head_is_408_and_a_silent_connection_nothing() {
    run(async {
        let (mut client, server) = start(Settings::default(), hello);
        client.send("GET / HT").await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("Connection: close"), "{answer}");
        drop(client);
        assert_eq!(server.await.unwrap().unwrap_err().kind(), Kind::HeadTimedOut);

        let began = tokio::time::Instant::now();
        let (mut client, server) = start(Settings::default(), hello);
        assert_eq!(client.rest().await, "");
        assert!(began.elapsed() >= Duration::from_secs(10));
        server.await.unwrap().unwrap();
    });
}

#[test]
fn a_slow_body_is_408() {
    run(async {
        let (mut client, server) = start(Settings::default(), echo);
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe").await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("Connection: close"), "{answer}");
        drop(client);
        assert_eq!(server.await.unwrap().unwrap_err().kind(), Kind::ReadTimedOut);
    });
}

#[test]
fn a_kept_connection_is_closed_after_its_idle_time() {
    run(async {
        let (mut client, server) = start(Settings::default(), hello);
        client.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n").await;
        let _ = client.until("/x").await;
        let began = tokio::time::Instant::now();
        assert_eq!(client.rest().await, "");
        assert!((60..62).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
        server.await.unwrap().unwrap();
    });
}

#[test]
fn a_client_that_takes_nothing_is_given_up() {
    run(async {
        let (mut client, server) =
            start(Settings::default(), async |_: &RequestHead, _: &mut RequestBody<'_>| {
                Response::text(Status::OK, vec![b'x'; 1 << 20])
            });
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
        assert_eq!(server.await.unwrap().unwrap_err().kind(), Kind::WriteTimedOut);
    });
}

#[test]
fn a_response_that_stalls_is_never_cleanly_ended() {
    run(async {
        let (mut client, server) =
            start(Settings::default(), async |_: &RequestHead, _: &mut RequestBody<'_>| {
                let mut response = Response::empty(Status::OK);
                response.body = Body::Stream(Box::new(Stalled), None);
                response
            });
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
        let answer = client.rest().await;
        assert!(answer.ends_with("\r\n\r\n") && !answer.contains("\r\n0\r\n"), "{answer}");
        server.await.unwrap().unwrap_err();
    });
}

#[test]
fn a_client_that_leaves_ends_a_streamed_answer() {
    run(async {
        let (mut client, server) =
            start(Settings::default(), async |_: &RequestHead, _: &mut RequestBody<'_>| {
                let mut response = Response::empty(Status::OK);
                response.body = Body::Stream(Box::new(Stalled), None);
                response
            });
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
        let _ = client.until("\r\n\r\n").await;
        drop(client);
        assert_eq!(server.await.unwrap().unwrap_err().kind(), Kind::ClosedEarly);
    });
}

#[test]
fn errors_and_panics_of_a_handler_become_statuses() {
    run(async {
        let (mut client, _server) =
            start(Settings::default(), async |head: &RequestHead, _: &mut RequestBody<'_>| {
                match head.uri.path() {
                    "/denied" => Err(Error::new(Kind::Rejected(403))),
                    "/panic" => panic!("of a handler"),
                    "/interim" => Ok(Response::empty(Status::CONTINUE)),
                    _ => Ok(Response::empty(Status::OK)),
                }
            });
        for (path, status) in [("/denied", 403), ("/panic", 500), ("/interim", 500), ("/", 200)] {
            client.send(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
            let answer = client.until("\r\n\r\n").await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        }
    });
}

#[test]
fn a_handler_sees_chunks_trailers_and_the_limit_of_what_it_collects() {
    run(async {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let noted = seen.clone();
        let (mut client, _server) =
            start(Settings::default(), async move |_: &RequestHead, body: &mut RequestBody<'_>| {
                let whole = body.collect(5).await?;
                let sum = body.trailers().and_then(|fields| fields.get_str("X-Sum")).map(str::to_owned);
                noted.borrow_mut().push((whole, sum));
                Ok(Response::empty(Status::OK))
            });
        let post = "POST / HTTP/1.1\r\nHost: h\r\n";
        client
            .send(format!(
                "{post}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n"
            ))
            .await;
        assert!(client.until("\r\n\r\n").await.starts_with("HTTP/1.1 200 "));
        assert_eq!(*seen.borrow(), [("hello".into(), Some("1".into()))]);
        client.send(format!("{post}Content-Length: 6\r\n\r\nworlds")).await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("Connection: close"), "{answer}");
    });
}

#[test]
fn a_redirect_is_a_response_like_any_other() {
    run(async {
        let answer = answer_to("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", async |_, _| {
            let mut response = Response::redirect(Status::new(308).unwrap(), "/there").unwrap();
            response.head.headers.append(Known::CacheControl, "no-store").unwrap();
            response
        });
        assert!(answer.await.contains("Location: /there\r\nCache-Control: no-store\r\n"));
    });
}
