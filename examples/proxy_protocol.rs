//! The PROXY protocol both ways: a load balancer in front says who the client is, and the origin is told.
//!
//! ```sh
//! cargo run --example proxy_protocol                # or with arguments: LISTEN ORIGIN
//! curl --haproxy-protocol http://127.0.0.1:8080/    # curl writes the header itself
//! ```
//!
//! Every connection to this address must begin with a header, version 1 or 2, within ten seconds; one
//! that does not is closed without an answer. The origin must expect a header too (`listen .. proxy_protocol`
//! in nginx): it is told the address that came in.

use gorge::prelude::*;
use gorge::protocols::ProxyProtocol;
use gorge::protocols::proxy_protocol::Version;
use gorge::server::{Listen, Service};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen: Address = arguments.next().as_deref().unwrap_or("127.0.0.1:8080").parse()?;
    let origin: Address = arguments.next().as_deref().unwrap_or("127.0.0.1:8000").parse()?;

    let origin = Peer::builder(origin).proxy_protocol(Version::V1).build();
    let proxy = Proxy::builder().filter(ForwardedHeaders::new()).upstream(origin).build()?;

    let mut listen = Listen::new(listen, proxy);
    // Only a balancer of this machine may say for whom it asks.
    let trusted = ["127.0.0.0/8".parse()?].into_iter().collect();
    listen.proxy_protocol = Some(ProxyProtocol { trusted, ..Default::default() });

    let mut server = Server::new(Default::default());
    let addresses = server.add(Service::new("web").listen(listen))?;
    server.serve(|_| println!("listening on {}", addresses[0]))?;
    Ok(())
}
