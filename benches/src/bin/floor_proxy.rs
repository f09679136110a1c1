//! The floor: what a proxy on tokio costs that does nothing but move the bytes. It runs httparse over both heads to
//! find where they end, keeps upstream connections, reuses its buffers, and checks nothing at all: neither framing
//! nor hop-by-hop fields nor time. For measuring only; never put it in front of anything.
//! Usage: `floor_proxy LISTEN ORIGIN`.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

const BUFFER: usize = 64 * 1024;
const FIELDS: usize = 64;

/// What the one thread shares: idle origin connections and idle buffers, the last used first.
struct Shared {
    origin: String,
    idle: RefCell<Vec<TcpStream>>,
    buffers: RefCell<Vec<Vec<u8>>>,
}

impl Shared {
    async fn upstream(&self) -> io::Result<TcpStream> {
        let idle = self.idle.borrow_mut().pop();
        match idle {
            Some(stream) => Ok(stream),
            None => {
                let stream = TcpStream::connect(&self.origin).await?;
                stream.set_nodelay(true)?;
                Ok(stream)
            }
        }
    }

    fn buffer(&self) -> Vec<u8> {
        self.buffers.borrow_mut().pop().unwrap_or_else(|| vec![0; BUFFER])
    }

    fn give(&self, buffer: Vec<u8>) {
        self.buffers.borrow_mut().push(buffer);
    }
}

/// How long the head is, and the two facts that the floor needs of it.
struct Head {
    length: usize,
    body: usize,
    close: bool,
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(origin)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: floor_proxy LISTEN ORIGIN"));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    LocalSet::new().block_on(&runtime, accept(listen, origin))
}

async fn accept(listen: String, origin: String) -> io::Result<()> {
    let shared = Rc::new(Shared { origin, idle: RefCell::default(), buffers: RefCell::default() });
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        let shared = shared.clone();
        tokio::task::spawn_local(async move { connection(client, &shared).await });
    }
}

async fn connection(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    loop {
        client.readable().await?;
        let mut buffer = shared.buffer();
        let go_on = exchange(&mut client, shared, &mut buffer).await;
        shared.give(buffer);
        if !go_on? {
            return Ok(());
        }
    }
}

/// One exchange; false ends the connection.
async fn exchange(client: &mut TcpStream, shared: &Shared, buffer: &mut [u8]) -> io::Result<bool> {
    let Some((request, filled)) = read_head(client, buffer, parse_request).await? else {
        return Ok(false);
    };
    let mut upstream = shared.upstream().await?;
    if request.close {
        upstream.write_all(&without_connection(&buffer[..request.length])).await?;
    } else {
        upstream.write_all(&buffer[..filled]).await?;
    }
    let Some((response, mut filled)) = read_head(&mut upstream, buffer, parse_response).await? else {
        return Ok(false);
    };
    let mut left = (response.length + response.body).saturating_sub(filled);
    if request.close {
        let mut head = buffer[..response.length - 2].to_vec();
        head.extend_from_slice(b"Connection: close\r\n\r\n");
        head.extend_from_slice(&buffer[response.length..filled]);
        client.write_all(&head).await?;
    } else {
        client.write_all(&buffer[..filled]).await?;
    }
    while left > 0 {
        filled = upstream.read(buffer).await?;
        if filled == 0 {
            return Ok(false);
        }
        client.write_all(&buffer[..filled]).await?;
        left = left.saturating_sub(filled);
    }
    shared.idle.borrow_mut().push(upstream);
    Ok(!request.close)
}

/// Reads until the head is complete; the head and the number of bytes in the buffer, or `None` at the end.
async fn read_head(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    parse: fn(&[u8]) -> io::Result<Option<Head>>,
) -> io::Result<Option<(Head, usize)>> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Ok(None);
        }
        filled += read;
        if let Some(head) = parse(&buffer[..filled])? {
            return Ok(Some((head, filled)));
        }
    }
}

fn parse_request(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let parsed = request.parse(bytes).map_err(io::Error::other)?;
    Ok(facts(parsed, request.headers))
}

fn parse_response(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let parsed = response.parse(bytes).map_err(io::Error::other)?;
    Ok(facts(parsed, response.headers))
}

fn facts(parsed: httparse::Status<usize>, fields: &[httparse::Header<'_>]) -> Option<Head> {
    let httparse::Status::Complete(length) = parsed else { return None };
    let mut head = Head { length, body: 0, close: false };
    for field in fields {
        if field.name.eq_ignore_ascii_case("content-length") {
            head.body = std::str::from_utf8(field.value).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        } else if field.name.eq_ignore_ascii_case("connection") {
            head.close = field.value.eq_ignore_ascii_case(b"close");
        }
    }
    Some(head)
}

/// The request head without its Connection field, so that the origin keeps its connection as it does for the others.
fn without_connection(head: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len());
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        if !line.get(..11).is_some_and(|name| name.eq_ignore_ascii_case(b"connection:")) {
            out.extend_from_slice(line);
        }
    }
    out
}
