//! The three proxies with TLS, and the two certificates that all of them have.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::super::contestants::{self as plain, CONNECTIONS, Kind, Scratch};
use super::super::process::{PROXY_CORE, Process, free_address};
use super::Bench;
use crate::shell::{capture, program};

/// Bodies that the plain comparison does not have; the small one is there.
const BODIES: [(&str, usize); 2] = [("1m", 1 << 20), ("100m", 100 << 20)];
pub(super) const HUGE_PATH: &str = "/100m";

/// What a certificate is signed with, and signs with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    P256,
    Rsa2048,
}

impl Key {
    pub(super) const ALL: [Self; 2] = [Self::P256, Self::Rsa2048];

    /// As the load calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::Rsa2048 => "RSA-2048",
        }
    }

    /// As `openssl req -newkey` calls it.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::P256 => &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            Self::Rsa2048 => &["rsa:2048"],
        }
    }
}

/// The files of one certificate.
pub(super) struct Identity {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    /// Both in one, as HAProxy wants it.
    both: PathBuf,
}

/// A certificate for each kind of key, signed by itself.
pub(super) struct Keys {
    all: [Identity; 2],
}

impl Keys {
    pub(super) fn make(scratch: &Scratch) -> Result<Self> {
        Ok(Self { all: [make(scratch, Key::P256)?, make(scratch, Key::Rsa2048)?] })
    }

    pub(super) fn of(&self, key: Key) -> &Identity {
        &self.all[key as usize]
    }
}

fn make(scratch: &Scratch, key: Key) -> Result<Identity> {
    let path = |ending: &str| scratch.folder.join(format!("{}.{ending}", key.name()));
    let identity = Identity { certificate: path("pem"), key: path("key"), both: path("both") };
    let mut command = program("openssl", ["req", "-x509", "-nodes", "-sha256", "-days", "30"]);
    command.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-newkey"]);
    command.args(key.words()).arg("-keyout").arg(&identity.key).arg("-out").arg(&identity.certificate);
    capture(&mut command)?;
    let read = |path| std::fs::read_to_string(path).context("openssl wrote no file");
    let both = read(&identity.certificate)? + &read(&identity.key)?;
    std::fs::write(&identity.both, both)?;
    Ok(identity)
}

/// Where each of the certificates is shown.
#[derive(Clone, Copy)]
pub(super) struct Addresses {
    all: [SocketAddr; 2],
}

impl Addresses {
    fn free() -> Result<Self> {
        Ok(Self { all: [free_address()?, free_address()?] })
    }

    pub(super) fn of(self, key: Key) -> SocketAddr {
        self.all[key as usize]
    }
}

/// A running proxy.
pub(super) struct Running {
    pub(super) kind: Kind,
    pub(super) addresses: Addresses,
    pub(super) process: Process,
}

/// The large files of the origin.
pub(super) fn write_bodies(scratch: &Scratch) -> Result<()> {
    let folder = scratch.folder.join("files");
    std::fs::create_dir_all(&folder)?;
    for (name, length) in BODIES {
        std::fs::write(folder.join(name), vec![b'c'; length])?;
    }
    Ok(())
}

impl Bench<'_> {
    /// Starts one proxy on its core.
    pub(super) fn start(&self, kind: Kind) -> Result<Running> {
        let addresses = Addresses::free()?;
        let scratch = self.scratch;
        let log = scratch.folder.join(format!("{}.log", kind.name()));
        let mut process = match kind {
            Kind::Gorge => {
                let config = scratch.write("gorge.toml", &self.gorge(addresses))?;
                let mut command = Command::new(self.built.gorge());
                Process::start(command.args(["run", "--config"]).arg(config), Some(PROXY_CORE), &log)?
            }
            Kind::Nginx => plain::start_nginx(scratch, "nginx", &self.nginx(addresses), PROXY_CORE)?,
            Kind::Haproxy => {
                let config = scratch.write("haproxy.cfg", &self.haproxy(addresses))?;
                Process::start(program("haproxy", ["-db", "-f"]).arg(config), Some(PROXY_CORE), &log)?
            }
            Kind::Floor | Kind::Pingora => bail!("{} has no TLS here", kind.name()),
        };
        for key in Key::ALL {
            process.wait_ready(addresses.of(key))?;
        }
        Ok(Running { kind, addresses, process })
    }

    /// Without an access log, which is the default of a configuration.
    fn gorge(&self, addresses: Addresses) -> String {
        let mut text = format!("[server]\nworkers = 1\nmax_connections = {CONNECTIONS}\n");
        for key in Key::ALL {
            let (address, Identity { certificate, key, .. }) = (addresses.of(key), self.keys.of(key));
            let _ = writeln!(
                text,
                "\n[[listen]]\naddress = \"{address}\"\n[listen.tls]\n\
                 certificates = [{{ cert = \"{}\", key = \"{}\" }}]\nmin_version = \"1.3\"",
                certificate.display(),
                key.display()
            );
        }
        let _ = writeln!(
            text,
            "\n[upstream.app]\nservers = [\"{}\"]\n\n[[route]]\nupstream = \"app\"",
            self.origin
        );
        text
    }

    fn nginx(&self, addresses: Addresses) -> String {
        let servers = Key::ALL.map(|key| {
            let (address, Identity { certificate, key, .. }) = (addresses.of(key), self.keys.of(key));
            plain::nginx_server(&format!(
                "listen {address} ssl backlog=4096; ssl_protocols TLSv1.3; ssl_certificate {}; ssl_certificate_key {};",
                certificate.display(),
                key.display()
            ))
        });
        plain::nginx_proxy(self.origin, &servers.concat())
    }

    fn haproxy(&self, addresses: Addresses) -> String {
        let binds = Key::ALL.map(|key| {
            let (address, both) = (addresses.of(key), &self.keys.of(key).both);
            format!("  bind {address} backlog 4096 ssl crt {} ssl-min-ver TLSv1.3\n", both.display())
        });
        plain::haproxy_proxy(self.origin, &binds.concat())
    }
}
