//! The addresses of a configuration, and what to say when one is not to be had.

use std::io;

use gorge::error::{Error, Kind};
use gorge::protocols::Address;
use gorge::server::{Admin, Listen, Server, Service};

use crate::build::Generation;
use crate::failure::Failure;
use crate::serve;

/// The service with the listeners of the file.
pub(super) const PROXY: &str = "proxy";

/// The service that answers `/healthz` and `/readyz`.
pub(super) const ADMIN: &str = "admin";

/// Binds all addresses, and returns them: those of the proxy, and those of the admin service. Whether
/// they come from a file decides what is said when one is not to be had.
pub(super) fn all(
    server: &mut Server,
    generation: &Generation,
    admin: &Admin,
    from_file: bool,
) -> Result<(Vec<Address>, Vec<Address>), Failure> {
    let mut service = Service::new(PROXY);
    let mut asked = Vec::new();
    for serving in &generation.serving {
        asked.push(serving.address.clone());
        service = service.listen(serving.listen.clone());
    }
    let addresses = server.add(service).map_err(|error| refused(&error, &asked, from_file))?;
    let mut service = Service::admin(ADMIN, admin.clone());
    let at: Vec<_> = generation.config.server.admin.iter().map(|address| address.0.clone()).collect();
    for address in &at {
        service = service.listen(admin_listen(address, admin));
    }
    let admin_at = server.add(service).map_err(|error| refused(&error, &at, from_file))?;
    Ok((addresses, admin_at))
}

pub(super) fn admin_listen(address: &Address, admin: &Admin) -> Listen {
    let mut listen = Listen::new(address.clone(), admin.clone());
    listen.options.bind_tries = 1;
    listen
}

/// What to say when an address is not to be had.
fn refused(error: &Error, asked: &[Address], from_file: bool) -> Failure {
    if error.kind() != Kind::BindFailed {
        return Failure::refused(error);
    }
    let text = format!("{error:#}");
    let address = asked.iter().find(|address| text.contains(&address.to_string()));
    let kind = error.cause().map(io::Error::kind);
    match address {
        Some(_) if from_file => Failure::bind(format!("{text}\n{}", hint(kind))),
        Some(address) => serve::cannot_listen(address, error),
        None => Failure::bind(text),
    }
}

/// What to do about an address of a file.
fn hint(kind: Option<io::ErrorKind>) -> &'static str {
    match kind {
        Some(io::ErrorKind::AddrInUse) => {
            "Another program listens there: stop it, or set another `address`. `gorge check` says which it is."
        }
        Some(io::ErrorKind::PermissionDenied) => {
            "Ports below 1024 take the right CAP_NET_BIND_SERVICE, sockets a folder that this user may write to: \
             set another `address`."
        }
        Some(io::ErrorKind::AddrNotAvailable) => {
            "This machine does not have that address: 127.0.0.1 is reached from here alone, 0.0.0.0 from everywhere."
        }
        Some(io::ErrorKind::NotFound) => "The folder must exist: make it, or set another `address`.",
        _ => "Set another `address`.",
    }
}
