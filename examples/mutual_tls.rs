//! Mutual TLS on both sides: clients show certificates, and the origin is shown one.
//!
//! ```sh
//! cargo run --example mutual_tls LISTEN ORIGIN NAME CERTIFICATE KEY CA
//! curl --cacert CA --cert CLIENT --key CLIENT_KEY https://localhost:8443/
//! ```
//!
//! One CA has signed them all here: the certificate of the proxy, which it shows to clients and to the origin
//! alike, those of its clients, and that of the origin, which is for NAME. The origin is told by a field who the
//! client is.

use std::path::Path;

use gorge::prelude::*;
use gorge::proxy::filters::RequestHeaderEdit;
use gorge::server::{Listen, Service};
use gorge::tls::{
    Acceptor, Certificate, Certificates, ClientAuth, ClientOptions, Connector, Roots, ServerOptions,
};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, origin, name, certificate, key, ca] = &arguments[..] else {
        return Err("LISTEN ORIGIN NAME CERTIFICATE KEY CA".into());
    };
    let certificate = Certificate::read(Path::new(certificate), Path::new(key))?;
    let roots = Roots::read(Path::new(ca))?;

    let mut options = ClientOptions::default();
    options.roots = roots.clone();
    options.certificate = Some(certificate.clone());
    let origin = Peer::builder(origin.parse::<Address>()?).tls(Connector::new(options)?.to(name)).build();
    // What a client says of itself in such a field is replaced.
    let tells = RequestHeaderEdit::new().set("X-Client", "$tls_client_subject")?;
    let proxy = Proxy::builder().filter(tells).upstream(origin).build()?;

    let mut options = ServerOptions::default();
    options.client_auth = ClientAuth::Required(roots);
    let mut listen = Listen::new(listen.parse()?, proxy);
    listen.tls = Some(Acceptor::new(options, Certificates::new().with(certificate))?);

    let mut server = Server::new(Default::default());
    let addresses = server.add(Service::new("web").listen(listen))?;
    server.serve(|_| println!("listening on {}", addresses[0]))?;
    Ok(())
}
