//! `[upstream.NAME]`.

use std::time::Duration;

use gorge::http::Status;
use gorge::protocols::Family;
use gorge::upstream::Stale;

use super::tls::UpstreamTlsTable;
use crate::config::span::At;
use crate::config::table::table;
use crate::config::value::{Balance, HostMode, Percent, ProxyVersion, ServerAddress, Source};

table! {
    /// One group of servers that give the same answers.
    pub struct UpstreamTable {
        /// The servers: addresses, or tables with more about each. A name stands for all its addresses,
        /// and is asked for anew when they expire; `"srv:_http._tcp.app.internal"` stands for all that
        /// these SRV records name.
        servers: Vec<At<ServerEntry>> = required, like "[\"127.0.0.1:9001\", { address = \"127.0.0.1:9002\", weight = 2 }]";
        /// Who is asked: `"round_robin"` (or `"weighted_round_robin"`, the same) each in its turn, as
        /// often as its weight says; `"least_conn"` the one with the fewest exchanges for its weight.
        balance: Balance = "round_robin";
        /// The `Host` that the servers see: `"keep"` the client's, `"peer"` the server's own address, or
        /// a name.
        host: HostMode = "keep";
        /// Begin each connection with a PROXY header that says for whom it is: `"v1"` or `"v2"`. Such
        /// a connection serves one client.
        proxy_protocol: Option<ProxyVersion> = unset("off"), like "\"v2\"";
        /// For a connection to stand.
        connect: Duration = "5s", positive;
        /// From the request to the first byte of the answer.
        first_byte: Duration = "60s", positive;
        /// Between two pieces of an answer.
        idle_body: Duration = "60s", positive;
        /// Without taking anything of a request.
        write: Duration = "60s", positive;
        /// Connections to each server at a time; 0: no limit.
        max_connections: u64 = 0;
        /// The address, or the interface, that connections go out from.
        source: Option<Source> = unset("as the system chooses"), like "\"10.0.0.5\"";
        /// Which addresses of a name are used: `"ipv4"` and `"ipv6"` those only, unless it has none of
        /// them; `"both"` whichever connects first.
        family: Family = "ipv4";
        /// TLS with these servers.
        tls: Option<UpstreamTlsTable> = unset("in the clear");
        /// Connections that are kept for the next exchange.
        pool: PoolTable = {};
        /// When a failed attempt is followed by another.
        retry: RetryTable = {};
    }
}

table! {
    /// One server of an upstream.
    pub struct ServerEntry(short = address) {
        /// Where it is.
        address: At<ServerAddress> = required, like "\"127.0.0.1:9001\"";
        /// How much of the work it gets, beside the others. 0: none.
        weight: u16 = 1;
        /// It is asked only while none of the others can be.
        backup: bool = false;
    }
}

table! {
    /// Connections that are kept for the next exchange. For a busy upstream 500 / 50 / `"120s"` do well,
    /// for one that must answer fast 200 / 20 / `"60s"`, for a small one 20 / 0 / `"30s"` (of
    /// `max_idle`, `min_idle`, `idle`).
    pub struct PoolTable {
        /// How many are kept at most, for each server and worker.
        max_idle: usize = 128;
        /// So many of them are kept even when `idle` is over.
        min_idle: usize = 0;
        /// How long one is kept.
        idle: Duration = "60s", positive;
        /// How old one may become.
        max_age: Option<Duration> = unset("unlimited"), positive, like "\"10m\"";
        /// How many exchanges one may serve.
        max_uses: Option<u32> = unset("unlimited"), positive, like "1000";
    }
}

table! {
    /// When a failed attempt is followed by another. A request that may have reached a server is sent
    /// again only if that does no harm: by its method (RFC 9110 9.2.2), and if its body is at hand.
    pub struct RetryTable {
        /// Attempts of one exchange, the first included. 1: none is repeated.
        attempts: u32 = 3, positive;
        /// Answers that another server is asked after.
        statuses: Vec<At<Status>> = [502, 503, 504];
        /// The pause before a server is asked a second time; a random part of it.
        backoff: Duration = "100ms";
        /// By how much each further pause is longer.
        factor: f64 = 2.0;
        /// The longest pause.
        max_backoff: Duration = "5s";
        /// How many exchanges of the last ten seconds may be repeated, in percent; ten per second always.
        budget: Percent = 20;
        /// What is sent again when a kept connection turns out to be closed: `"idempotent"` methods, or
        /// `"any"` request whose body is at hand.
        stale: Stale = "idempotent";
    }
}
