//! Who takes part: the origin, and each proxy with the settings it is fastest with.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::process::{LOAD_CORE, PROXY_CORE, Process, free_address};
use crate::shell::{cargo, execute, find_program, program};
use crate::workspace;

/// More than any scenario opens.
pub(crate) const CONNECTIONS: usize = 12_000;
/// Idle connections to the origin that each proxy may keep.
const KEPT: usize = 128;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Gorge,
    Floor,
    Nginx,
    Haproxy,
    Pingora,
}

impl Kind {
    /// Gorge first, then in the order in which the tables show them.
    pub(crate) const ALL: [Self; 5] = [Self::Gorge, Self::Floor, Self::Nginx, Self::Haproxy, Self::Pingora];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gorge => "gorge",
            Self::Floor => "floor",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Pingora => "pingora",
        }
    }

    pub(crate) fn of(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).with_context(|| {
            format!("no contestant is called `{name}`: gorge, floor, nginx, haproxy, pingora")
        })
    }
}

/// The programs that have to be built, by path.
pub(crate) struct Built {
    gorge: PathBuf,
    peers: PathBuf,
}

impl Built {
    /// Builds what the chosen contestants need, and tools of the same package as the peers, with this workspace's
    /// release profile.
    pub(crate) fn build(chosen: &[Kind], tools: &[&str]) -> Result<Self> {
        let release = workspace::target_folder()?.join("release");
        if chosen.contains(&Kind::Gorge) {
            execute(&mut cargo(["build", "--release", "--package", "gorge-cli"]))?;
        }
        // A package of its own call, so that its features do not reach ours.
        let mut peers = cargo(["build", "--release", "--package", "gorge-benches"]);
        let wanted = [(Kind::Floor, "floor_proxy"), (Kind::Pingora, "pingora_proxy")];
        let wanted = wanted.into_iter().filter(|(kind, _)| chosen.contains(kind)).map(|(_, name)| name);
        let wanted: Vec<_> = wanted.chain(tools.iter().copied()).collect();
        for name in &wanted {
            peers.args(["--bin", name]);
        }
        if !wanted.is_empty() {
            execute(&mut peers)?;
        }
        Ok(Self { gorge: release.join("gorge"), peers: release })
    }

    pub(crate) fn gorge(&self) -> &Path {
        &self.gorge
    }

    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        self.peers.join(name)
    }
}

/// A running proxy.
pub(crate) struct Contestant {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
}

/// Where configurations and logs of one run go; removed at its end.
pub(crate) struct Scratch {
    pub(crate) folder: PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("gorge-bench-proxy-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self { folder })
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The origin: nginx with one worker and two files, 1 KiB and 100 KiB, on the core of the load.
pub(crate) fn start_origin(scratch: &Scratch) -> Result<(Process, SocketAddr)> {
    start_origin_with(scratch, "")
}

/// The same with 1 KiB for every path.
pub(crate) fn start_origin_of_anything(scratch: &Scratch) -> Result<(Process, SocketAddr)> {
    start_origin_with(scratch, "rewrite ^ /1k break;")
}

fn start_origin_with(scratch: &Scratch, rule: &str) -> Result<(Process, SocketAddr)> {
    let files = scratch.folder.join("files");
    std::fs::create_dir_all(&files)?;
    std::fs::write(files.join("1k"), vec![b'a'; 1024])?;
    std::fs::write(files.join("100k"), vec![b'b'; 100 * 1024])?;
    let address = free_address()?;
    let server = format!(
        "open_file_cache max=16 inactive=600s;\n  \
         server {{ listen {address} backlog=4096; location / {{ root {}; {rule} }} }}",
        files.display()
    );
    let mut process = start_nginx(scratch, "origin", &server, LOAD_CORE)?;
    process.wait_ready(address)?;
    Ok((process, address))
}

/// Starts one proxy on its core, in front of `origin`.
pub(crate) fn start(kind: Kind, built: &Built, scratch: &Scratch, origin: SocketAddr) -> Result<Contestant> {
    let address = free_address()?;
    let log = scratch.folder.join(format!("{}.log", kind.name()));
    let own = |command: &Command| Process::start(command, Some(PROXY_CORE), &log);
    let mut process = match kind {
        Kind::Gorge => own(gorge(built.gorge(), address, origin)
            .args(["--access-log", "off"])
            .env("GORGE_WORKERS", "1")
            .env("GORGE_MAX_CONNECTIONS", CONNECTIONS.to_string()))?,
        Kind::Floor => own(&peer(built, "floor_proxy", address, origin))?,
        Kind::Pingora => own(&peer(built, "pingora_proxy", address, origin))?,
        Kind::Nginx => {
            let server = nginx_server(&format!("listen {address} backlog=4096;"));
            start_nginx(scratch, "nginx", &nginx_proxy(origin, &server), PROXY_CORE)?
        }
        Kind::Haproxy => {
            let config = scratch
                .write("haproxy.cfg", &haproxy_proxy(origin, &format!("  bind {address} backlog 4096\n")))?;
            own(program("haproxy", ["-db", "-f"]).arg(config))?
        }
    };
    process.wait_ready(address)?;
    Ok(Contestant { kind, address, process })
}

/// `gorge proxy` with its defaults.
pub(crate) fn gorge(program: &Path, listen: SocketAddr, origin: SocketAddr) -> Command {
    let mut command = Command::new(program);
    command.args(["proxy", "--listen", &listen.to_string(), "--to", &origin.to_string()]);
    command
}

fn peer(built: &Built, name: &str, listen: SocketAddr, origin: SocketAddr) -> Command {
    let mut command = Command::new(built.tool(name));
    command.args([listen.to_string(), origin.to_string()]);
    command
}

pub(crate) fn start_nginx(scratch: &Scratch, name: &str, http: &str, core: usize) -> Result<Process> {
    let Some(nginx) = find_program("nginx") else { bail!("nginx is not installed") };
    let folder = scratch.folder.join(name);
    std::fs::create_dir_all(&folder)?;
    let config = scratch.write(&format!("{name}.conf"), &nginx_config(&folder, http))?;
    let mut command = Command::new(nginx);
    command.arg("-p").arg(&folder).arg("-c").arg(config).args(["-e", "stderr"]);
    Process::start(&command, Some(core), &scratch.folder.join(format!("{name}.log")))
}

/// What origin and proxy have in common: one process, no log, connections kept without end.
fn nginx_config(folder: &Path, http: &str) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("  {kind}_temp_path {}/{kind};\n", folder.display()))
        .collect();
    // SAFETY: geteuid has no preconditions and cannot fail.
    let user = if unsafe { libc::geteuid() } == 0 { "user root;\n" } else { "" };
    format!(
        "{user}daemon off;\nmaster_process off;\nworker_processes 1;\npid {}/pid;\nerror_log stderr crit;\n\
         worker_rlimit_nofile {files};\nevents {{ worker_connections {files}; }}\n\
         http {{\n{temporary}  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  tcp_nodelay on;\n  \
         keepalive_timeout 600s;\n  keepalive_requests 1000000000;\n  {http}\n}}\n",
        folder.display(),
        files = super::OPEN_FILES,
    )
}

/// Buffers hold a whole 100 KiB response, and bodies are never spooled to a file, neither way.
pub(crate) fn nginx_proxy(origin: SocketAddr, servers: &str) -> String {
    format!(
        "client_max_body_size 0;\n  \
         proxy_http_version 1.1;\n  proxy_set_header Connection \"\";\n  proxy_set_header Host $host;\n  \
         proxy_request_buffering off;\n  proxy_buffer_size 16k;\n  proxy_buffers 8 16k;\n  \
         proxy_busy_buffers_size 64k;\n  proxy_max_temp_file_size 0;\n  \
         upstream origin {{ server {origin}; keepalive {KEPT}; keepalive_requests 1000000000; keepalive_timeout 600s; }}\n  \
         {servers}"
    )
}

/// One of the servers of that proxy.
pub(crate) fn nginx_server(listen: &str) -> String {
    format!("server {{ {listen} location / {{ proxy_pass http://origin; }} }}\n  ")
}

/// `binds` are lines.
pub(crate) fn haproxy_proxy(origin: SocketAddr, binds: &str) -> String {
    format!(
        "global\n  nbthread 1\n  no strict-limits\n  maxconn {CONNECTIONS}\n  tune.pool-low-fd-ratio 100\n  tune.pool-high-fd-ratio 100\n\
         defaults\n  mode http\n  no log\n  option http-keep-alive\n  http-reuse always\n  \
         timeout connect 5s\n  timeout client 600s\n  timeout server 600s\n  timeout http-keep-alive 600s\n\
         frontend in\n{binds}  default_backend origin\n\
         backend origin\n  server origin {origin} pool-max-conn {KEPT}\n"
    )
}
