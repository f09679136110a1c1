//! Services that wait for each other: the proxy accepts once its origin answers, and says so.
//!
//! ```sh
//! cargo run --example service_dependencies          # or with arguments: LISTEN ORIGIN ADMIN
//! curl -i http://127.0.0.1:9900/readyz              # 503, and why: the origin does not answer
//! python3 -m http.server --bind 127.0.0.1 8000      # the origin, in a terminal of its own
//! curl -i http://127.0.0.1:9900/readyz              # 200
//! curl -i http://127.0.0.1:8080/
//! ```
//!
//! `web` comes after `origin`, which tries to connect until it can; each failure is told, and the next
//! try comes a little later. Until then clients of the proxy wait in the kernel's queue. Circles and
//! missing names are found at the start.

use gorge::prelude::*;
use gorge::protocols::{ConnectOptions, connect};
use gorge::server::{Admin, Listen, Service};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen: Address = arguments.next().as_deref().unwrap_or("127.0.0.1:8080").parse()?;
    let origin: Address = arguments.next().as_deref().unwrap_or("127.0.0.1:8000").parse()?;
    let admin: Address = arguments.next().as_deref().unwrap_or("127.0.0.1:9900").parse()?;
    let peer = Peer::builder(origin.clone()).build();
    let proxy = Proxy::builder().filter(ForwardedHeaders::new()).upstream(peer).build()?;

    let mut server = Server::new(Default::default());
    let handler = Admin::new();
    let admin = server.add(Service::admin("admin", handler.clone()).listen(Listen::new(admin, handler)))?;
    println!("admin on {}", admin[0]);
    let addresses = server.add(Service::new("web").after("origin").listen(Listen::new(listen, proxy)))?;
    server.add(Service::once("origin", move || {
        let origin = origin.clone();
        async move { connect(&origin, &ConnectOptions::default()).await.map(drop) }
    }))?;
    server.on_failure(|failure| println!("{} failed: {}", failure.service, failure.reason));
    server.serve(|_| println!("listening on {}", addresses[0]))?;
    Ok(())
}
