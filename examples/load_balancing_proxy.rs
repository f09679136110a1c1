//! Three origins behind 127.0.0.1:8080, the second of which gets twice the work of each other.
//!
//! ```sh
//! for port in 8001 8002 8003; do                    # three origins, in a terminal of their own
//!   mkdir -p /tmp/$port && echo "from $port" > /tmp/$port/index.html
//!   python3 -m http.server --bind 127.0.0.1 --directory /tmp/$port $port &
//! done
//! cargo run --example load_balancing_proxy          # or with arguments: LISTEN ORIGIN ORIGIN ORIGIN
//! curl -s 'http://127.0.0.1:8080/?[1-8]'
//! ```
//!
//! The turns are spread evenly (8002, 8001, 8003, 8002, and so on), and counted by each worker for
//! itself. Stop one origin: its requests go to the others, for a refused connection may always be
//! tried elsewhere.

use gorge::prelude::*;

/// Where the origins are, and what share each one takes.
const ORIGINS: [(&str, u64); 3] = [("127.0.0.1:8001", 1), ("127.0.0.1:8002", 2), ("127.0.0.1:8003", 1)];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen: Address = arguments.next().as_deref().unwrap_or("127.0.0.1:8080").parse()?;
    let mut peers = Vec::new();
    for (origin, weight) in ORIGINS {
        let address: Address = arguments.next().as_deref().unwrap_or(origin).parse()?;
        peers.push(Peer::builder(address).weight(weight).build());
    }

    let proxy = Proxy::builder()
        .filter(ForwardedHeaders::new())
        .upstream(LoadBalancer::round_robin(peers))
        .observe(AccessLog::new(Format::Json, LogWriter::stdout()?))
        .build()?;

    let mut server = Server::new(Default::default());
    let address = server.listen(&listen, &Default::default())?;
    server.run(proxy, |_| println!("listening on {address}"))?;
    Ok(())
}
