//! A proxy with work beside it: every second it says how many connections were accepted.
//!
//! ```sh
//! python3 -m http.server --bind 127.0.0.1 8000      # an origin, in a terminal of its own
//! cargo run --example background_service            # or with arguments: LISTEN ORIGIN
//! curl http://127.0.0.1:8080/
//! ```
//!
//! The work runs on one of the workers and blocks none: between two turns it waits. If it fails or
//! panics it is started again after a pause, and harms no connection. It ends when the last
//! connection has.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gorge::prelude::*;
use gorge::protocols::{Accepted, Handler};
use gorge::server::{Listen, Service};

/// Counts connections on their way to the proxy.
struct Counted {
    proxy: Proxy,
    count: Arc<AtomicU64>,
}

impl Handler for Counted {
    fn serve(&self, connection: Accepted) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.proxy.serve(connection);
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen: Address = arguments.next().as_deref().unwrap_or("127.0.0.1:8080").parse()?;
    let origin: Peer = arguments.next().as_deref().unwrap_or("127.0.0.1:8000").parse()?;
    let proxy = Proxy::builder().filter(ForwardedHeaders::new()).upstream(origin).build()?;
    let count = Arc::new(AtomicU64::new(0));

    let mut server = Server::new(Default::default());
    let counted = Counted { proxy, count: count.clone() };
    let addresses = server.add(Service::new("web").listen(Listen::new(listen, counted)))?;
    // Up to 100 ms later each time, so that many machines do not speak at the same moment.
    let (period, jitter) = (Duration::from_secs(1), Duration::from_millis(100));
    server.add(Service::every("report", period, jitter, move || {
        let count = count.load(Ordering::Relaxed);
        async move {
            println!("connections so far: {count}");
            Ok(())
        }
    }))?;
    server.serve(|_| println!("listening on {}", addresses[0]))?;
    Ok(())
}
