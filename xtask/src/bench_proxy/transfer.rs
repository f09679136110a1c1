//! Large bodies: resident memory of a proxy while 2 GiB go up or down through it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::process::Process;

const PIECE: usize = 64 * 1024;
/// How often memory is looked at while the body moves.
const SAMPLE: Duration = Duration::from_millis(20);

/// Longer than any pause of a proxy that works.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Up,
    Down,
}

/// An origin of our own: swallows what is sent, sends as many bytes as the path says (`/BYTES`). Its threads end with
/// the program.
pub(crate) fn start_origin() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(&stream));
        }
    });
    Ok(address)
}

fn serve(stream: &TcpStream) -> Result<()> {
    let mut reader = BufReader::with_capacity(PIECE, stream);
    let mut writer = stream;
    while let Some(head) = read_head(&mut reader)? {
        swallow(&mut reader, head.length.unwrap_or(0))?;
        let size: u64 = head.start.split(' ').nth(1).and_then(|path| path[1..].parse().ok()).unwrap_or(0);
        write!(writer, "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")?;
        send(&mut writer, size)?;
    }
    Ok(())
}

/// Moves `bytes` one way through the proxy; how much its resident memory rose at most, in bytes.
pub(crate) fn growth(proxy: &Process, address: SocketAddr, way: Way, bytes: u64) -> Result<u64> {
    // A short transfer first, so that buffers that stay are there already.
    transfer(address, way, bytes.min(64 << 20))?;
    let before = proxy.resident()?;
    let done = AtomicBool::new(false);
    let (started, go) = mpsc::channel();
    thread::scope(|scope| {
        let peak = scope.spawn(|| -> Result<u64> {
            let mut peak = 0;
            started.send(()).context("nobody waits")?;
            while !done.load(Ordering::Relaxed) {
                peak = peak.max(proxy.resident()?);
                thread::sleep(SAMPLE);
            }
            Ok(peak)
        });
        let moved = go.recv().context("no sampling thread").and_then(|()| transfer(address, way, bytes));
        done.store(true, Ordering::Relaxed);
        // The thread only returns errors, so a join fails only if it panicked, and then this one should too.
        let peak = peak.join().expect("the sampling thread panicked")?;
        moved?;
        Ok(peak.saturating_sub(before))
    })
}

fn transfer(address: SocketAddr, way: Way, bytes: u64) -> Result<()> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut writer = &stream;
    match way {
        Way::Down => write!(writer, "GET /{bytes} HTTP/1.1\r\nHost: localhost\r\n\r\n")?,
        Way::Up => {
            write!(writer, "PUT /0 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {bytes}\r\n\r\n")?;
            send(&mut writer, bytes)?;
        }
    }
    let mut reader = BufReader::with_capacity(PIECE, &stream);
    let head = read_head(&mut reader)?.context("no response")?;
    ensure!(head.start.contains(" 200 "), "not a 200: {}", head.start);
    let expected = if way == Way::Down { bytes } else { 0 };
    ensure!(head.length == Some(expected), "Content-Length is {:?}, not {expected}", head.length);
    swallow(&mut reader, expected)
}

struct Head {
    start: String,
    length: Option<u64>,
}

fn read_head(reader: &mut impl BufRead) -> Result<Option<Head>> {
    let mut head = Head { start: String::new(), length: None };
    if reader.read_line(&mut head.start)? == 0 {
        return Ok(None);
    }
    loop {
        let mut line = String::new();
        ensure!(reader.read_line(&mut line)? > 0, "the connection ended within a head");
        match line.trim_end().split_once(':') {
            None => return Ok(Some(head)),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                head.length = Some(value.trim().parse()?);
            }
            Some(_) => {}
        }
    }
}

fn send(writer: &mut impl Write, mut bytes: u64) -> Result<()> {
    let piece = vec![b'x'; PIECE];
    while bytes > 0 {
        let now = bytes.min(PIECE as u64);
        writer.write_all(&piece[..now as usize])?;
        bytes -= now;
    }
    Ok(())
}

fn swallow(reader: &mut impl BufRead, bytes: u64) -> Result<()> {
    let moved = std::io::copy(&mut reader.take(bytes), &mut std::io::sink())?;
    ensure!(moved == bytes, "only {moved} of {bytes} bytes came");
    Ok(())
}
