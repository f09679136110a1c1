//! Connecting to an address, and making TLS of it.

use std::time::{Duration, Instant};

use gorge_error::{Error, Kind, Result, Retryable};
use gorge_timeout::{clock, timeout};
use gorge_tls::Endpoint;

use crate::{Address, ConnectOptions, Transport, connect};

/// A connect with TLS may take so many times as long as one without.
const TIMES: u32 = 2;

/// A connection over TLS that was just made.
#[derive(Debug)]
pub struct Secured {
    /// The connection.
    pub transport: Transport,
    /// When the one below stood, and the handshake began.
    pub connected: Instant,
}

/// Connects to `address` and speaks TLS with `endpoint` there, within twice
/// [`ConnectOptions::timeout`] in all: 10 s by default. `preface` goes ahead of TLS, in the clear: a PROXY
/// protocol header, or nothing.
///
/// # Errors
/// Those of [`connect`], and those of the handshake: [`Kind::TlsTimedOut`], or what the other side or its
/// certificate lacks. They are the upstream's fault, and another attempt is safe, for nothing was asked yet.
///
/// # Panics
/// Outside a tokio runtime.
pub async fn connect_tls(
    address: &Address,
    options: &ConnectOptions,
    endpoint: &Endpoint,
    preface: &[u8],
) -> Result<Secured> {
    let limit = options.timeout.saturating_mul(TIMES);
    let deadline = clock::add(clock::now(), limit);
    let transport = connect(address, options).await?;
    let connected = clock::now();
    let left = deadline.saturating_duration_since(connected);
    match timeout(left, endpoint.connect(transport, preface)).await {
        Ok(stream) => Ok(Secured { transport: stream?.into(), connected }),
        Err(_) => Err(late(address, limit)),
    }
}

fn late(address: &Address, limit: Duration) -> Error {
    let context = format!("connect to {address} with its TLS handshake took longer than {limit:?}");
    Error::explain(Kind::TlsTimedOut, context).into_upstream().retryable(Retryable::Yes)
}
