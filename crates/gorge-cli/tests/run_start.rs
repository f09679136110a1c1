//! How long a start takes. The figure is printed; `--release -- --nocapture` shows one that counts.

mod served;

use std::fmt::Write;
use std::time::Instant;

use served::{GET, Served};

/// Routes of the configuration, each with a host of its own.
const ROUTES: usize = 100;

#[test]
fn a_hundred_routes_are_served_at_once() {
    let mut config = "[[listen]]\naddress = \"127.0.0.1:0\"\n".to_owned();
    for route in 0..ROUTES {
        // Writing to a String cannot fail.
        let _ = write!(
            config,
            "[upstream.app-{route}]\nservers = [\"127.0.0.1:9001\", \"127.0.0.1:9002\"]\n\
             [[route]]\nhost = \"host-{route}.example\"\npath = \"/api/\"\nupstream = \"app-{route}\"\n\
             request_headers = {{ set = {{ \"X-Client\" = \"$client_ip\" }} }}\n"
        );
    }
    config.push_str("[[route]]\nrespond = { text = \"ready\" }\n");
    let mut best = f64::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        let served = Served::start(&config);
        let to = served.addr();
        best = best.min(began.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(served::ask(to, GET).text(), "ready");
    }
    println!("from the start to the first word of a listener, {ROUTES} routes: {best:.1} ms");
}
