//! Routes choose filters and upstream by host, path and method; HUP puts other ones in their place.
//!
//! ```sh
//! python3 -m http.server --bind 127.0.0.1 8000      # an origin, in a terminal of its own
//! cargo run --example routes                        # or with arguments: LISTEN ORIGIN
//! curl -i http://127.0.0.1:8080/files/              # the origin, asked for /
//! curl -i -H 'Host: old.example' http://127.0.0.1:8080/page   # 308 to new.example
//! curl -i -X DELETE http://127.0.0.1:8080/files/    # 405: no route takes it
//! curl -i http://127.0.0.1:8080/closed              # 404, and after `kill -HUP` of the process 503
//! ```
//!
//! Connections that are open when the routes are replaced use the new ones from their next request on;
//! requests that run then end with the old ones.

use std::sync::Arc;

use gorge::http::{Method, Status};
use gorge::prelude::*;
use gorge::proxy::filters::{Maintenance, Redirect, Rewrite};
use gorge::proxy::route::{Matching, Route, Routes};
use gorge::server::{Listen, Service};

/// The routes, with a closed part of the site or without.
fn routes(origin: &Peer, closed: bool) -> Result<Arc<Routes<(), Peer>>> {
    let reading = Matching { methods: vec![Method::GET], ..Matching::below("/files")? };
    let old_host =
        Matching { hosts: vec!["old.example".parse()?, "*.old.example".parse()?], ..Matching::default() };
    let mut routes = vec![
        (reading, Route::to("files", origin.clone()).filter(Rewrite::strip_prefix("/files")?)),
        (
            old_host,
            Route::answered("old")
                .filter(Redirect::new(Status::PERMANENT_REDIRECT, "https://new.example$uri")?),
        ),
    ];
    if closed {
        routes.push((Matching::below("/closed")?, Route::answered("closed").filter(Maintenance::new())));
    }
    Routes::new(routes).map(Arc::new)
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen: Address = arguments.next().as_deref().unwrap_or("127.0.0.1:8080").parse()?;
    let origin: Peer = arguments.next().as_deref().unwrap_or("127.0.0.1:8000").parse()?;

    let built = |closed| {
        let routes = routes(&origin, closed)?;
        Ok::<_, Error>(Proxy::builder().filter(ForwardedHeaders::new()).routes(routes))
    };
    let proxy = built(false)?.build()?;
    // Built at once, for what cannot be built should be known at the start.
    let next = built(true)?.share(&proxy).build()?;

    let mut server = Server::new(Default::default());
    let addresses = server.add(Service::new("web").listen(Listen::new(listen, proxy.clone())))?;
    server.on_reload(move |_| {
        proxy.replace(&next)?;
        println!("replaced");
        Ok("replaced".to_owned())
    });
    server.serve(|_| println!("listening on {}", addresses[0]))?;
    Ok(())
}
