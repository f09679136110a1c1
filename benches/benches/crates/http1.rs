//! `gorge-http-server` and `gorge-http-client` beside hyper's: one keep-alive exchange, hello world.
//!
//! Each server is asked by the same bare client over a pair of Unix sockets, each client asks the same bare server over
//! loopback, all on one thread. So the sockets cost both sides of a row the same.

use std::convert::Infallible;

use bytes::Bytes;
use criterion::Criterion;
use gorge_benches::{OURS, Operation};
use gorge_filter::Response;
use gorge_http::Status;
use gorge_http_client::Client;
use gorge_http_server::{Settings, serve};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

const REQUEST: &[u8] = b"GET /hello HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
const BODY: &[u8] = b"hello";

pub(crate) fn bench(criterion: &mut Criterion) {
    // Nothing can be measured without a runtime.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    server(criterion, &runtime);
    client(criterion, &runtime);
}

fn server(criterion: &mut Criterion, runtime: &Runtime) {
    let (mut to_ours, ours) = runtime.block_on(async { start_ours() });
    let (mut to_theirs, theirs) = runtime.block_on(async { start_hyper() });
    Operation::new(criterion, "http-server", "hello world over a pair of sockets")
        .row(OURS, || runtime.block_on(ask(&mut to_ours)))
        .row("hyper", || runtime.block_on(ask(&mut to_theirs)));
    ours.abort();
    theirs.abort();
}

fn start_ours() -> (UnixStream, JoinHandle<()>) {
    // A pair needs two descriptors and nothing else.
    let (client, server) = UnixStream::pair().expect("a pair of sockets");
    // More requests on one connection than the limit made for the open network.
    let settings = Settings { requests: 0, ..Settings::default() };
    let task = tokio::spawn(async move {
        let _ = serve(server, settings.into(), async |_, _| Response::text(Status::OK, "hello")).await;
    });
    (client, task)
}

fn start_hyper() -> (UnixStream, JoinHandle<()>) {
    // A pair needs two descriptors and nothing else.
    let (client, server) = UnixStream::pair().expect("a pair of sockets");
    let hello = service_fn(async |_| {
        let mut response = hyper::Response::new(Full::new(Bytes::from_static(BODY)));
        let text = http::HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(http::header::CONTENT_TYPE, text);
        Ok::<_, Infallible>(response)
    });
    let task = tokio::spawn(async move {
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), hello).await;
    });
    (client, task)
}

/// Writes one request and reads until the body is there.
async fn ask(stream: &mut UnixStream) -> usize {
    let mut answer = [0; 1024];
    let mut filled = 0;
    // A broken connection shows as a panic rather than as a fast row.
    stream.write_all(REQUEST).await.expect("the server reads");
    while !answer[..filled].ends_with(BODY) {
        let read = stream.read(&mut answer[filled..]).await.expect("the server answers");
        assert!(read > 0, "the server closed the connection");
        filled += read;
    }
    filled
}

fn client(criterion: &mut Criterion, runtime: &Runtime) {
    // Loopback has a free port.
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    let bare = runtime.spawn(answer_all(listener));
    let ours = Client::default();
    let url = format!("http://{address}/hello");
    let mut theirs = runtime.block_on(async {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a TCP socket");
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .expect("nothing is exchanged yet");
        tokio::spawn(connection);
        sender
    });
    Operation::new(criterion, "http-client", "get a small answer, keep-alive")
        .row(OURS, || runtime.block_on(async { ours.get(&url).await.expect("an answer").body.len() }))
        .row("hyper", || {
            runtime.block_on(async {
                let request =
                    hyper::Request::get("/hello").header("host", "localhost").body(Empty::<Bytes>::new());
                theirs.ready().await.expect("an open connection");
                let answer = theirs.send_request(request.expect("a legal request")).await.expect("an answer");
                answer.into_body().collect().await.expect("a body").to_bytes().len()
            })
        });
    bare.abort();
}

/// Answers whatever ends like a head.
async fn answer_all(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let mut request = [0; 4096];
            let mut filled = 0;
            while let Ok(read) = stream.read(&mut request[filled..]).await {
                filled += read;
                if read == 0 || filled == request.len() {
                    return;
                }
                if request[..filled].ends_with(b"\r\n\r\n") {
                    filled = 0;
                    if stream.write_all(ANSWER).await.is_err() {
                        return;
                    }
                }
            }
        });
    }
}
