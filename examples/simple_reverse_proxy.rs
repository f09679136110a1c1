//! The shortest reverse proxy: 127.0.0.1:8080 before an origin on 127.0.0.1:8000.
//!
//! ```sh
//! python3 -m http.server --bind 127.0.0.1 8000      # an origin, in a terminal of its own
//! cargo run --example simple_reverse_proxy          # or with arguments: LISTEN ORIGIN
//! curl -i http://127.0.0.1:8080/
//! ```
//!
//! It keeps connections to the origin open for the next request, repeats what may be repeated when
//! one of them turns out closed, and tells the origin who asks.

use gorge::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen: Address = arguments.next().as_deref().unwrap_or("127.0.0.1:8080").parse()?;
    let origin: Peer = arguments.next().as_deref().unwrap_or("127.0.0.1:8000").parse()?;

    let proxy = Proxy::builder().filter(ForwardedHeaders::new()).upstream(origin).build()?;

    let mut server = Server::new(Default::default());
    let address = server.listen(&listen, &Default::default())?;
    // Serves until TERM or Ctrl-C, then lets the exchanges in flight end.
    server.run(proxy, |_| println!("listening on {address}"))?;
    Ok(())
}
