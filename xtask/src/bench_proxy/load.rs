//! Load: wrk for what is timed, a small client of our own where the number of exchanges must be exact.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::shell::{capture, program};

/// What one run of a load says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) exchanges: u64,
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// One thread of wrk, which inherits the core of this program.
pub(crate) fn wrk(url: &str, load: Load, script: Script<'_>, seconds: f64) -> Result<Outcome> {
    wrk_by(program("wrk", [] as [&str; 0]), url, load, script, seconds)
}

/// The same with a command of wrk that has its environment already.
pub(crate) fn wrk_by(
    mut command: Command,
    url: &str,
    load: Load,
    script: Script<'_>,
    seconds: f64,
) -> Result<Outcome> {
    command.args(["-t", "1", "--latency"]);
    // wrk takes whole seconds only.
    command.args(["-c", &load.connections.to_string(), "-d", &format!("{}s", seconds.ceil())]);
    if load.close {
        command.args(["-H", "Connection: close"]);
    }
    if let Script::File(script) = script {
        command.arg("-s").arg(script);
    }
    parse_wrk(&capture(command.arg(url))?)
}

/// What makes the requests.
#[derive(Clone, Copy)]
pub(crate) enum Script<'a> {
    /// wrk itself, the same one always.
    None,
    /// A script in Lua.
    File(&'a Path),
}

#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// A new connection for each request.
    pub(crate) close: bool,
}

fn parse_wrk(text: &str) -> Result<Outcome> {
    let line =
        |begins: &str| text.lines().map(str::trim).find_map(|line| line.strip_prefix(begins)).map(str::trim);
    for trouble in ["Socket errors:", "Non-2xx or 3xx responses:"] {
        if let Some(what) = line(trouble) {
            bail!("wrk saw trouble: {trouble} {what}");
        }
    }
    let exchanges = text
        .lines()
        .find_map(|line| line.split_once(" requests in "))
        .and_then(|(number, _)| number.trim().parse().ok())
        .with_context(|| format!("wrk printed no number of requests: {text}"))?;
    ensure!(exchanges > 0, "wrk made no exchange: {text}");
    let per_second =
        line("Requests/sec:").and_then(|number| number.parse().ok()).context("no Requests/sec")?;
    let latency =
        |name| line(name).and_then(parse_duration).with_context(|| format!("no latency for {name}"));
    Ok(Outcome { exchanges, per_second, p50: latency("50%")?, p99: latency("99%")? })
}

fn parse_duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let number: f64 = text[..split].parse().ok()?;
    let unit = match &text[split..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Some(Duration::from_secs_f64(number * unit))
}

/// One keep-alive connection that sends a fixed request.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// The last response said that the connection ends with it.
    over: bool,
}

const REQUEST: &[u8] = b"GET /1k HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// Longer than any pause of a proxy that works.
const PATIENCE: Duration = Duration::from_secs(10);

impl Client {
    fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buffer: vec![0; 8 * 1024], over: false })
    }

    fn send(&mut self) -> Result<()> {
        Ok(self.stream.write_all(REQUEST)?)
    }

    /// Reads one whole response with status 200 and a Content-Length.
    fn receive(&mut self) -> Result<()> {
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).context("no response")?;
            ensure!(read > 0, "the connection was closed in the middle of a response");
            filled += read;
            if let Some(length) = message_length(&self.buffer[..filled])? {
                ensure!(filled <= length, "more bytes than one response");
                if filled == length {
                    self.over = says_close(&self.buffer[..filled]);
                    return Ok(());
                }
            }
        }
    }
}

fn message_length(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end])?;
    ensure!(head.starts_with("HTTP/1.1 200"), "not a 200: {head}");
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("no Content-Length")?;
    Ok(Some(end + 4 + length.1.trim().parse::<usize>()?))
}

fn says_close(message: &[u8]) -> bool {
    let head =
        message.windows(4).position(|window| window == b"\r\n\r\n").map_or(message, |end| &message[..end]);
    String::from_utf8_lossy(head).lines().any(|line| line.eq_ignore_ascii_case("connection: close"))
}

/// Open keep-alive connections.
pub(crate) struct Clients {
    address: SocketAddr,
    all: Vec<Client>,
}

impl Clients {
    pub(crate) fn open(address: SocketAddr, connections: usize) -> Result<Self> {
        let all = (0..connections).map(|_| Client::connect(address)).collect::<Result<_>>()?;
        Ok(Self { address, all })
    }

    /// Exactly `rounds` exchanges on each connection, all of a round in flight together.
    pub(crate) fn exchange(&mut self, rounds: usize) -> Result<()> {
        for _ in 0..rounds {
            for client in &mut self.all {
                client.send()?;
            }
            for client in &mut self.all {
                client.receive()?;
            }
        }
        Ok(())
    }

    /// One exchange on each connection, all in flight together, and how long the longest took. A connection that has
    /// carried all that it may is replaced before.
    pub(crate) fn longest(&mut self) -> Result<Duration> {
        for client in self.all.iter_mut().filter(|client| client.over) {
            *client = Client::connect(self.address)?;
        }
        let mut sent = Vec::with_capacity(self.all.len());
        for client in &mut self.all {
            sent.push(Instant::now());
            client.send()?;
        }
        let mut longest = Duration::ZERO;
        for (client, sent) in self.all.iter_mut().zip(sent) {
            client.receive()?;
            longest = longest.max(sent.elapsed());
        }
        Ok(longest)
    }
}

/// Connections that each made one exchange and wait for the next, until they are dropped.
pub(crate) struct Idle {
    _clients: Vec<TcpStream>,
}

pub(crate) fn idle(address: SocketAddr, connections: usize) -> Result<Idle> {
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut client = Client::connect(address)?;
        client.send()?;
        client.receive()?;
        clients.push(client.stream);
    }
    Ok(Idle { _clients: clients })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "Running 2s test @ http://127.0.0.1:1/1k\n  1 threads and 64 connections\n  \
        Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency     1.52ms  188.88us   3.02ms   86.31%\n  \
        Latency Distribution\n     50%    1.49ms\n     75%    1.56ms\n     90%    1.70ms\n     99%  980.00us\n  \
        83920 requests in 2.00s, 103.32MB read\nRequests/sec:  41943.52\nTransfer/sec:     51.64MB\n";

    #[test]
    fn reads_what_wrk_prints() {
        let result = parse_wrk(OUTPUT).unwrap();
        assert_eq!(result.exchanges, 83920);
        assert_eq!(result.per_second, 41943.52);
        assert_eq!(result.p50, Duration::from_micros(1490));
        assert_eq!(result.p99, Duration::from_micros(980));
    }

    #[test]
    fn a_run_with_errors_is_no_result() {
        let text = format!("{OUTPUT}  Socket errors: connect 0, read 3, write 0, timeout 0\n");
        assert!(parse_wrk(&text).is_err());
        let text = format!("{OUTPUT}  Non-2xx or 3xx responses: 12\n");
        assert!(parse_wrk(&text).is_err());
    }

    #[test]
    fn the_length_of_a_message_is_head_and_body() {
        assert_eq!(message_length(b"HTTP/1.1 200 OK\r\nContent-Len").unwrap(), None);
        assert_eq!(message_length(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n").unwrap(), Some(41));
        assert!(says_close(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
        assert!(!says_close(b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n\r\nconnection: close\r\n"));
        assert!(message_length(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").is_err());
    }
}
