//! `[[listen]]`.

use std::time::Duration;

use gorge::protocols::IpNet;

use super::tls::ListenTlsTable;
use crate::config::span::At;
use crate::config::table::table;
use crate::config::value::{ListenAddress, Mode, Named, Port, Rate, Secret, Size, UserName};

table! {
    /// One address to listen on.
    pub struct ListenTable {
        /// An IP address with a port, or a Unix socket as `"unix:/path"`, or `"unix:@name"` for one
        /// without a file. Port 0 takes any that is free.
        address: At<ListenAddress> = required, like "\"0.0.0.0:8080\"";
        /// Every connection begins with a PROXY header, version 1 or 2, which says for whom it is. If
        /// `[server] trusted_proxies` names any networks, nobody else may send one; without them whoever
        /// reaches this address can claim to be anybody. `allow` and `deny` judge the one it names.
        proxy_protocol: bool = false;
        /// Connections that may wait to be accepted. The kernel's own limit caps it.
        backlog: u32 = 65535, positive;
        /// One socket per worker, among which the kernel shares out connections.
        reuse_port: bool = true;
        /// `[::]` takes no IPv4 connections.
        ipv6_only: bool = false;
        /// Small pieces are sent at once (`TCP_NODELAY`).
        nodelay: bool = true;
        /// Permissions of a Unix socket's file, in octal.
        mode: Mode = "0660";
        /// Who may connect: these networks and nobody else.
        allow: Vec<At<IpNet>> = unset("everybody"), like "[\"10.0.0.0/8\"]";
        /// Who may not connect, even if `allow` says so.
        deny: Vec<At<IpNet>> = unset("nobody"), like "[\"10.1.0.0/16\"]";
        /// How much a client may ask for.
        limits: LimitsTable = {};
        /// How long a client may take for what.
        timeouts: TimeoutsTable = {};
        /// TLS on this address.
        tls: Option<ListenTlsTable> = unset("connections are in the clear");
        /// Tunnels that clients ask for with CONNECT.
        connect: Option<ConnectTable> = unset("CONNECT is answered with 405");
    }
}

table! {
    /// How much a client may ask for.
    pub struct LimitsTable {
        /// The head of a request, from its first byte to the empty line. More is answered with 431.
        head_size: Size = "64KiB", positive;
        /// Fields of a head. More are answered with 431.
        fields: usize = 128, positive;
        /// The target of a request. More is answered with 414.
        uri_size: Size = "16KiB", positive;
        /// The body of a request. More is answered with 413.
        body_size: Option<Size> = unset("unlimited, as it is passed on while it comes"), like "\"10MiB\"";
        /// Connections of one address at a time. `[server] trusted_proxies` and this machine itself are
        /// exempt.
        connections_per_address: u32 = 1000, positive;
        /// Requests of one connection; the last one closes it.
        requests_per_connection: u32 = 1000, positive;
        /// A body that comes or goes more slowly for longer is given up.
        min_rate: Option<Rate> = unset("off"), positive, like "\"1KiB/s\"";
    }
}

table! {
    /// How long a client may take for what.
    pub struct TimeoutsTable {
        /// For the head of a request, from its first byte on. Then it is answered with 408.
        head: Duration = "10s", positive;
        /// Between two pieces of a request body.
        idle_body: Duration = "60s", positive;
        /// Without taking anything of an answer.
        write: Duration = "60s", positive;
        /// Between two requests of a connection.
        keep_alive: Duration = "60s", positive;
        /// A tunnel, as of a WebSocket, through which nothing passes.
        tunnel: Duration = "1h", positive;
    }
}

table! {
    /// Tunnels that clients ask for with CONNECT. Without this table there are none.
    pub struct ConnectTable {
        /// The ports that may be connected to.
        ports: Vec<At<Port>> = [443];
        /// Private, loopback and link-local addresses may be connected to.
        private: bool = false;
        /// Who may: by name and password, or by token. Others are answered with 407.
        auth: Option<ConnectAuthTable> = unset("everybody"), like "{ basic = { alice = \"${file:alice.pw}\" } }";
        /// A tunnel through which nothing passes.
        idle: Duration = "300s", positive;
    }
}

table! {
    /// Who may ask for tunnels: one of the two.
    pub struct ConnectAuthTable {
        /// Names and passwords.
        basic: Option<Named<UserName, Secret>> = unset, like "{ alice = \"${file:alice.pw}\" }";
        /// Tokens.
        bearer: Option<Vec<Secret>> = unset, like "[\"${TOKEN}\"]";
    }
}
