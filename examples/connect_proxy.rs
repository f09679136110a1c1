//! A forward proxy for CONNECT: tunnels to the ports and networks that a policy allows.
//!
//! ```sh
//! cargo run --example connect_proxy                 # or with arguments: LISTEN TARGET
//! curl --proxytunnel --proxy http://alice:secret@127.0.0.1:8080 http://127.0.0.1:8000/
//! curl -i --proxytunnel --proxy http://127.0.0.1:8080 http://127.0.0.1:8000/    # 407: who are you?
//! ```
//!
//! Names are resolved here, each address they have is judged, and the address judged is the one
//! connected to. By default nothing inside is reached: loopback, private and link-local networks are
//! refused with 403, as are ports other than 443. This example lets one port of this machine be
//! reached, so that it can be tried without a network.

use gorge::prelude::*;
use gorge::protocols::{ConnectPolicy, Credentials};
use gorge::proxy::Tunnels;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen: Address = arguments.next().as_deref().unwrap_or("127.0.0.1:8080").parse()?;
    let target: std::net::SocketAddr = arguments.next().as_deref().unwrap_or("127.0.0.1:8000").parse()?;

    let policy = ConnectPolicy {
        ports: vec![target.port()],
        private: true,
        auth: Some(Credentials::basic([("alice", "secret")])?),
        ..ConnectPolicy::on()
    };
    // Requests other than CONNECT find nobody to go to.
    let nobody =
        from_fn(|_: &Exchange| Err(Error::explain(Kind::RouteNotFound, "only CONNECT is served here")));
    let proxy = Proxy::builder()
        .tunnels(Tunnels::new(policy))
        .upstream(nobody)
        .observe(AccessLog::new(Format::Common, LogWriter::stdout()?))
        .build()?;

    let mut server = Server::new(Default::default());
    let address = server.listen(&listen, &Default::default())?;
    server.run(proxy, |_| println!("listening on {address}"))?;
    Ok(())
}
