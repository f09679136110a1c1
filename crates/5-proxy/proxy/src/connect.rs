//! Tunnels by CONNECT (RFC 9110 9.3.6): who asks for one is judged, and where it leads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gorge_allocators::Recycled;
use gorge_error::{Error, Kind, Result};
use gorge_filter::{Announce, BodyLength, Event, Observer, ServerStream};
use gorge_http::{ResponseHead, Status};
use gorge_http_client::Connection;
use gorge_http_parser::Limits;
use gorge_protocols::{Address, ConnectOptions, ConnectPolicy, Family, Resolver, Transport, connect_any};
use gorge_timeout::clock;
use gorge_upstream::Peer;

use crate::app::App;
use crate::chain::Chain;
use crate::core::Core;
use crate::exchange::Side;
use crate::pump::Pump;
use crate::state::State;
use crate::stats::add;

/// Which tunnels a proxy makes for clients that ask by CONNECT, and how.
#[derive(Clone, Debug)]
pub struct Tunnels {
    /// Who may have one, and where to.
    pub policy: ConnectPolicy,
    /// Without a byte in either direction. Default 300 s.
    pub idle: Duration,
    /// How to connect.
    pub connect: ConnectOptions,
}

impl Tunnels {
    /// Tunnels by this policy, all else by default.
    #[must_use]
    pub fn new(policy: ConnectPolicy) -> Self {
        Self { policy, idle: Duration::from_secs(300), connect: ConnectOptions::default() }
    }
}

impl<A: App> Core<A> {
    /// Judges a CONNECT request; what it says of the client must still be in it.
    pub(crate) fn judge(&self, state: &State<A::Context>) -> Result<Address> {
        match &self.tunnels {
            Some(tunnels) => Ok(tunnels.policy.judge(&state.x.req)?.address),
            None => ConnectPolicy::default().judge(&state.x.req).map(|target| target.address),
        }
    }

    /// Connects, answers, and lets bytes pass until both sides have ended.
    pub(crate) async fn tunnel<S: ServerStream>(
        &self,
        side: &mut Side<'_, S>,
        state: &mut State<A::Context>,
        to: Address,
    ) -> Result<()> {
        if let Some(response) = self.own_answer(state).await? {
            return Recycled::pin(self.send_own(side, state, response.into_inner())).await;
        }
        let Some(tunnels) = &self.tunnels else { return Ok(()) };
        let counters = self.counters.local();
        state.x.timeouts.tunnel = tunnels.idle;
        self.begin_attempt(state, &Peer::new(to.clone()));
        let transport = open(tunnels, &to).await.inspect_err(|error| {
            if let Some(attempt) = state.x.facts.attempts.last_mut() {
                attempt.failure = Some(error.kind());
            }
        })?;
        add(&counters.connected, 1);
        state.x.facts.timing.connected = Some(clock::now());
        self.app.observer().event(&state.x, &Event::Connected);
        let mut upstream = Connection::tunnel(transport, Arc::new(Limits::default()));
        state.response = ResponseHead::new(Status::OK);
        self.app.downstream().on_response(&mut state.x, &mut state.response, &mut state.down).await?;
        let announce = Announce::body(BodyLength::Tunnel);
        self.answer(side.server, state, announce)?;
        add(&counters.upgrades, 1);
        let mut pump = Pump::new(side.server, &mut upstream, side.timer);
        let result = pump.both_ways(&mut state.x, &mut state.replay).await;
        state.x.facts.received = pump.received();
        state.x.facts.sent = pump.returned();
        if result.is_err() {
            // A clean end would pass for the end of what the client sent.
            gorge_filter::ClientStream::reset(pump.client);
        }
        result
    }
}

/// A connection to an address that was judged itself, whatever the name may mean a moment later.
async fn open(tunnels: &Tunnels, to: &Address) -> Result<Transport> {
    let Address::Name(name, port) = to else {
        return gorge_protocols::connect(to, &tunnels.connect).await;
    };
    let resolver = tunnels.connect.resolver.clone().unwrap_or_else(Resolver::shared);
    let answer = resolver.addresses(name, Family::Both).await?;
    let mut refused = None;
    let allowed = answer.ips.iter().filter_map(|&ip| match tunnels.policy.judge_address(ip) {
        Ok(()) => Some(SocketAddr::new(ip, *port)),
        Err(error) => {
            refused = Some(error);
            None
        }
    });
    let allowed: Vec<_> = allowed.collect();
    match refused {
        Some(refused) if allowed.is_empty() => Err(refused.context(format!("{name} leads inside"))),
        _ if allowed.is_empty() => {
            let context = format!("{name} has no address");
            Err(Error::explain(Kind::NameNotFound, context).into_upstream())
        }
        _ => connect_any(&allowed, &tunnels.connect).await,
    }
}
