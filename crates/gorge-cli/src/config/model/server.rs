//! `[server]`.

use std::time::Duration;

use gorge::protocols::IpNet;
use gorge::proxy::{Format, Level};

use crate::config::span::At;
use crate::config::table::table;
use crate::config::value::{ErrorFormat, FilePath, ListenAddress, LogTarget, NameServer, Size, Token};

table! {
    /// What holds for the whole process.
    pub struct ServerTable {
        /// Threads that serve, each with its own connections.
        workers: Option<usize> = unset("one per core"), positive, like "4";
        /// One runtime for all workers, which take work from each other. It costs more per exchange,
        /// and evens out exchanges of very different cost.
        work_stealing: bool = false;
        /// How long exchanges may take to finish once a stop was asked for. What is left then is cut off.
        grace: Duration = "30s";
        /// How long a server that is to stop goes on accepting while `/readyz` says already that it
        /// will. Give it `"5s"` behind Kubernetes or another balancer that asks now and then.
        drain_delay: Duration = "0s";
        /// From which level on a line goes to the error log.
        log_level: Level = "info";
        /// One line per exchange: where to, or a table.
        access_log: AccessLogTable = "off", like "\"/var/log/gorge/access.log\"";
        /// What went wrong, one line each: where to, or a table.
        error_log: ErrorLogTable = "stderr", like "{ to = \"stderr\", format = \"json\" }";
        /// The file that holds the number of the process. `gorge reload` and `gorge stop` need it; the
        /// control socket stands beside it.
        pid_file: Option<FilePath> = unset, like "\"/run/gorge.pid\"";
        /// Connections of clients that are open at a time. More wait in the kernel's queue.
        max_connections: usize = 10000, positive;
        /// Descriptors that the system is asked for. A proxied connection takes two.
        open_files: u64 = 65535, positive;
        /// Who is believed when they say for whom they ask: networks whose `X-Forwarded-*`, `Forwarded`
        /// and `X-Request-Id` are kept.
        trusted_proxies: Vec<At<IpNet>> = unset("nobody"), like "[\"10.0.0.0/8\"]";
        /// The name in `Via` and `Proxy-Status`.
        name: Token = "gorge";
        /// Reload when the file changes.
        watch: bool = false;
        /// Where `/healthz` and `/readyz` are answered.
        admin: Option<ListenAddress> = unset("off"), like "\"127.0.0.1:9900\"";
        /// Who is asked for the addresses of names.
        name_servers: Vec<At<NameServer>> = unset("the system's"), like "[\"10.0.0.2\", \"10.0.0.3:5353\"]";
    }
}

table! {
    /// Where the access log goes, and how its lines look.
    pub struct AccessLogTable(short = to) {
        /// `"stdout"`, `"stderr"`, `"off"` or a file.
        to: LogTarget = "stdout";
        /// How a line looks: `"combined"` and `"common"` as Apache and nginx write them, `"json"`, or a
        /// template with names in it. The page about logs lists the names.
        format: Format = "combined", like "'$client_ip \"$method $target\" $status $duration_ms'";
        /// A file that has reached this size is renamed, and a new one begun. `"0B"`: never.
        rotate: Size = "100MiB";
        /// How many renamed files are kept.
        keep: u32 = 10, positive;
    }
}

table! {
    /// Where the error log goes, and how its lines look.
    pub struct ErrorLogTable(short = to) {
        /// `"stdout"`, `"stderr"`, `"off"` or a file.
        to: LogTarget = "stderr";
        /// `"text"` or `"json"`.
        format: ErrorFormat = "text";
        /// A file that has reached this size is renamed, and a new one begun. `"0B"`: never.
        rotate: Size = "100MiB";
        /// How many renamed files are kept.
        keep: u32 = 10, positive;
    }
}
