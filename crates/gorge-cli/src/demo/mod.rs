//! `gorge demo`: three origins in this process, the proxy of a real `gorge.toml` before them, and a page
//! that shows what happens.

mod commands;
mod feed;
mod file;
mod origin;
#[cfg_attr(not(feature = "openssl"), path = "no_secure.rs")]
mod secure;
mod tried;

use std::sync::Arc;

use gorge::error::{Error, Kind};
use gorge::filter::BoxFilter;
use gorge::protocols::Address;
use gorge::proxy::filters::Ready;

use crate::args::DemoArguments;
use crate::build::TheRoute;
use crate::failure::Failure;
use crate::guest::Guest;
use crate::run::serve;
use crate::settings::Settings;
use crate::terminal::{print, say};
use origin::Origins;
use secure::Secure;
use tried::Tried;

/// Serves until a signal stops it, or does what else was asked for.
pub(crate) fn run(arguments: &DemoArguments) -> Result<(), Failure> {
    let settings = Settings::read(&arguments.common)?;
    if arguments.print_config {
        print(file::text(&settings.listen, &file::printed_origins()).trim_end());
        return Ok(());
    }
    if let Some(first) = arguments.origins {
        return serve_origins(first);
    }
    let (origins, server) = Origins::bind(0).map_err(not_started)?;
    let secure = Secure::new(&settings.listen).map_err(|error| Failure::refused(&error))?;
    let config = file::config(&settings, arguments.access_log.as_ref(), &origins, secure.as_ref())?;
    // It ends after the proxy.
    let _running = Origins::start(server).map_err(not_started)?;
    serve(config, None, Some(Arc::new(Watching { origins, secure })))
}

/// The origins alone, for a proxy of the user's own.
fn serve_origins(first: u16) -> Result<(), Failure> {
    let (origins, server) = Origins::bind(first).map_err(not_started)?;
    let ready = || commands::tell_origins("the origins of the demo, until TERM or Ctrl-C:", &origins);
    origins.serve(server, ready).map(|_| say("stopped")).map_err(not_started)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_started(error: Error) -> Failure {
    let message = format!("the origins do not start: {error:#}");
    match error.kind() {
        Kind::BindFailed => Failure::bind(format!("{message}\nChoose other ports, as in --origins 19001.")),
        _ => Failure::configuration(message),
    }
}

/// What the demo adds to the configuration.
struct Watching {
    origins: Origins,
    secure: Option<Secure>,
}

impl Guest for Watching {
    fn extend(&self, route: TheRoute) -> TheRoute {
        // What watches is not watched.
        if ["live", "page"].contains(&route.name()) {
            return route;
        }
        let tried = Tried::new(route.name(), &self.origins);
        route.filter(Ready::Custom(BoxFilter::new(tried)))
    }

    fn greet(&self, addresses: &[Address]) {
        commands::tell_origins("three origins, and a proxy before them:", &self.origins);
        // The one in the clear is the first in the file.
        if let Some((first, others)) = addresses.split_first() {
            commands::tell(first);
            if let (Some(secure), Some(other)) = (&self.secure, others.first()) {
                let certificate = secure.certificate();
                commands::tell_of_tls(first, other, &certificate);
                if let Some(command) = commands::over_tls(other, &certificate) {
                    self.origins.tell_over_tls(&command);
                }
            }
            commands::tell_of_file();
        }
    }

    fn stopping(&self) {
        self.origins.feed().close();
    }
}
