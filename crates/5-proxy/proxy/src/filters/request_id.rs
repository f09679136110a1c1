//! Gives each request a name that it keeps through all logs.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use gorge_error::Result;
use gorge_filter::{Exchange, Filter, Flow, Hooks, Role};
use gorge_http::{Headers, Known, ResponseHead};
use gorge_protocols::Networks;

use super::client::Client;
use super::internal;

/// The longest id that is taken over from others.
const LONGEST: usize = 128;

/// Sets `X-Request-Id` toward the upstream: 128 random bits as 32 lower-case hexadecimal digits.
///
/// An id that is there already is kept if it comes from a trusted network, as another proxy would send
/// it, and is one field of at most 128 visible ASCII characters. From anyone else it is replaced, and
/// fields whose names differ only by `_` for `-` are dropped, for some applications read the two as one.
///
/// The client is told the id with the answers that this proxy makes itself, and with all if
/// [`echo`](Self::echo) says so. Access log and error pages find it in the fields of the request, so this
/// belongs first in the chain.
///
/// Ids are not to be guessed from earlier ones: they are a keyed hash (SipHash) of a counter, the keys
/// come from the system and are each thread's own. They are no secrets for all that.
///
/// ```
/// use gorge_proxy::{Proxy, filters::RequestId};
/// use gorge_upstream::Peer;
///
/// let inside = ["10.0.0.0/8".parse::<gorge_protocols::IpNet>()?].into_iter().collect();
/// let proxy = Proxy::builder()
///     .filter(RequestId::new().trust(inside).echo())
///     .upstream("127.0.0.1:9001".parse::<Peer>()?)
///     .build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RequestId {
    trusted: Networks,
    echo: bool,
}

impl RequestId {
    /// Nobody is trusted; the client is told with own answers only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the ids that come from these networks. Clients on Unix sockets are trusted as soon as any
    /// network is.
    #[must_use]
    pub fn trust(mut self, networks: Networks) -> Self {
        self.trusted = networks;
        self
    }

    /// Tells the client with every response; an `X-Request-Id` of the upstream is replaced.
    #[must_use]
    pub fn echo(mut self) -> Self {
        self.echo = true;
        self
    }
}

impl<C: Send + 'static> Filter<C> for RequestId {
    const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::RESPONSE);
    const ROLE: Role = Role::Other;

    async fn on_request(&self, x: &mut Exchange<C>) -> Result<Flow> {
        let trusted = Client::of_connection(x).is_trusted(&self.trusted);
        let headers = &mut x.req.headers;
        if trusted && is_sane(headers) {
            return Ok(Flow::Continue);
        }
        if !trusted {
            drop_forged(headers);
        }
        headers.insert(Known::XRequestId, new_id()).map_err(internal)?;
        Ok(Flow::Continue)
    }

    async fn on_response(&self, x: &mut Exchange<C>, head: &mut ResponseHead) -> Result<()> {
        // What came from an upstream has a Via, for this proxy put it there.
        if (self.echo || !head.headers.contains(Known::Via))
            && let Some(id) = x.req.headers.get(Known::XRequestId)
        {
            head.headers.insert(Known::XRequestId, id).map_err(internal)?;
        }
        Ok(())
    }
}

fn is_sane(headers: &Headers) -> bool {
    let mut all = headers.get_all(Known::XRequestId);
    match (all.next(), all.next()) {
        (Some(id), None) => (1..=LONGEST).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic),
        _ => false,
    }
}

fn drop_forged(headers: &mut Headers) {
    let own = Known::XRequestId.as_str().as_bytes();
    let forged = |name: &str| {
        let same = |(a, b): (u8, &u8)| a.eq_ignore_ascii_case(b) || (a == b'_' && *b == b'-');
        name.len() == own.len() && name.contains('_') && name.bytes().zip(own).all(same)
    };
    if headers.iter().any(|field| field.known.is_none() && forged(field.name)) {
        headers.retain(|field| !forged(field.name));
    }
}

thread_local! {
    static SOURCE: (RandomState, RandomState, Cell<u64>) =
        (RandomState::new(), RandomState::new(), const { Cell::new(0) });
}

fn new_id() -> [u8; 32] {
    let words = SOURCE.with(|(high, low, count)| {
        count.set(count.get().wrapping_add(1));
        [high.hash_one(count.get()), low.hash_one(count.get())]
    });
    let mut id = [0; 32];
    for (digits, word) in id.chunks_exact_mut(16).zip(words) {
        for (place, digit) in digits.iter_mut().enumerate() {
            // Four bits are a place in the table.
            *digit = b"0123456789abcdef"[(word >> (60 - 4 * place) & 0xF) as usize];
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ_on_one_thread_and_between_threads() {
        let some = || (0..1000).map(|_| new_id()).collect::<Vec<_>>();
        let other = std::thread::spawn(some).join().unwrap();
        let all: Vec<_> = some().into_iter().chain(other).collect();
        assert!(all.iter().flatten().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b)));
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 2000);
        // All bits move: each digit takes each of its values within 2000 ids.
        for place in 0..32 {
            assert_eq!(all.iter().map(|id| id[place]).collect::<HashSet<_>>().len(), 16, "{place}");
        }
    }
}
