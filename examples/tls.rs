//! TLS for clients: certificates by name, and others in their place while connections go on.
//!
//! ```sh
//! cargo run --example tls                           # or: LISTEN ORIGIN CERTIFICATE KEY
//! curl --insecure https://127.0.0.1:8443/
//! ```
//!
//! Without files it makes a certificate for `localhost` on the spot, which is why curl is told to trust it. With
//! files it reads them again for each line on standard input, for instance after they were renewed.

use std::path::PathBuf;
use std::time::Duration;

use gorge::prelude::*;
use gorge::server::{Listen, Service};
use gorge::tls::{Acceptor, Certificate, Certificates, ServerOptions};

type Failure = Box<dyn std::error::Error>;

fn main() -> std::result::Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let listen: Address = arguments.next().as_deref().unwrap_or("127.0.0.1:8443").parse()?;
    let origin: Address = arguments.next().as_deref().unwrap_or("127.0.0.1:8000").parse()?;
    let files: Option<(PathBuf, PathBuf)> =
        arguments.next().map(Into::into).zip(arguments.next().map(Into::into));

    // `ForwardedHeaders` tells the origin that the client spoke https.
    let proxy = Proxy::builder().filter(ForwardedHeaders::new()).upstream(Peer::new(origin)).build()?;
    let acceptor = Acceptor::new(ServerOptions::default(), certificates(files.as_ref())?)?;
    let mut listen = Listen::new(listen, proxy);
    listen.tls = Some(acceptor.clone());

    let mut server = Server::new(Default::default());
    let addresses = server.add(Service::new("web").listen(listen))?;
    std::thread::spawn(move || {
        for _ in std::io::stdin().lines() {
            match certificates(files.as_ref()).and_then(|new| Ok(acceptor.set_certificates(new)?)) {
                Ok(()) => println!("read anew"),
                Err(error) => println!("the old ones stay: {error}"),
            }
        }
    });
    server.serve(|_| println!("listening on {}", addresses[0]))?;
    Ok(())
}

/// Those of the files, or one for this machine.
fn certificates(files: Option<&(PathBuf, PathBuf)>) -> std::result::Result<Certificates, Failure> {
    let one = match files {
        Some((certificate, key)) => Certificate::read(certificate, key)?,
        None => Certificate::self_signed(&["localhost", "127.0.0.1"], Duration::from_secs(24 * 60 * 60))?,
    };
    // Shown for the names in it, and as the default.
    Ok(Certificates::new().with(one))
}
