//! What a configuration says: every table with every key, declared once.

mod listen;
mod route;
mod sections;
mod server;
mod tls;
mod upstream;

pub use listen::{ConnectAuthTable, ConnectTable, LimitsTable, ListenTable, TimeoutsTable};
pub use route::{
    BasicAuthTable, CorsTable, EditsTable, MaintenanceTable, PathTable, RedirectTable, RespondTable,
    RewriteTable, RouteTable, SecurityHeadersTable,
};
pub use sections::{Section, sections};
pub use server::{AccessLogTable, ErrorLogTable, ServerTable};
pub use tls::{CertificateTable, ListenTlsTable, UpstreamTlsTable};
pub use upstream::{PoolTable, RetryTable, ServerEntry, UpstreamTable};

use super::table::table;
use super::value::{Name, Named};

table! {
    /// The whole file.
    pub struct Config {
        /// The process.
        server: ServerTable = {};
        /// Where to listen; may be given several times.
        listen: Vec<ListenTable> = [];
        /// Where requests go, by names of your own.
        upstream: Named<Name, UpstreamTable> = {};
        /// Which requests go where; may be given several times.
        route: Vec<RouteTable> = [];
    }
}
