//! The program `tls_load` of the package gorge-benches, and what every client here offers.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::super::contestants::Scratch;
use super::super::load::Outcome;
use super::super::process::end_with_starter;
use super::contestants::Key;
use crate::shell::display;

pub(super) const VERSION: &str = "TLSv1.3";
pub(super) const CIPHER: &str = "TLS_AES_128_GCM_SHA256";
pub(super) const GROUP: &str = "X25519";

/// A configuration of OpenSSL under which wrk offers just this, as `tls_load` does by itself.
pub(super) fn write_offer(scratch: &Scratch) -> Result<PathBuf> {
    scratch.write(
        "offer.cnf",
        &format!(
            "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = offer\n\
             [offer]\nMinProtocol = {VERSION}\nCiphersuites = {CIPHER}\nGroups = {GROUP}\n"
        ),
    )
}

/// `NAME=VALUE` with blanks between.
struct Pairs(BTreeMap<String, String>);

impl Pairs {
    fn read(text: &str) -> Self {
        let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn text(&self, name: &str) -> Result<&str> {
        self.0.get(name).map(String::as_str).with_context(|| format!("the load says nothing of `{name}`"))
    }

    fn number(&self, name: &str) -> Result<f64> {
        self.text(name)?.parse().with_context(|| format!("`{name}` is no number"))
    }
}

/// What was agreed on a connection.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Facts {
    version: String,
    cipher: String,
    group: String,
    key: String,
    /// How many a full handshake brings.
    pub(super) tickets: u64,
}

impl Facts {
    fn read(text: &str) -> Result<Self> {
        let pairs = Pairs::read(text);
        let text = |name| pairs.text(name).map(str::to_owned);
        Ok(Self {
            version: text("version")?,
            cipher: text("cipher")?,
            group: text("group")?,
            key: text("key")?,
            tickets: pairs.number("tickets")? as u64,
        })
    }

    /// Refuses what would make the figures those of something else.
    pub(super) fn check(&self, key: Key) -> Result<()> {
        let agreed = [&self.version, &self.cipher, &self.group, &self.key].map(String::as_str);
        ensure!(agreed == [VERSION, CIPHER, GROUP, key.name()], "agreed is {self}");
        Ok(())
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, cipher, group, key, tickets } = self;
        write!(f, "{version}, {cipher}, {group}, {key}, {tickets} tickets")
    }
}

/// `tls_load`, warm, with its load still to begin. Dropping it ends it, and with it its connections.
pub(super) struct Generator {
    child: Child,
    output: BufReader<ChildStdout>,
    pub(super) facts: Facts,
}

impl Generator {
    pub(super) fn start(program: &Path, address: SocketAddr, words: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg(address.to_string()).args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        end_with_starter(&mut command);
        let text = display(&command);
        let mut child = command.spawn().with_context(|| format!("cannot start `{text}`"))?;
        let Some(output) = child.stdout.take() else { bail!("`{text}` has no output") };
        let mut output = BufReader::new(output);
        let facts = line(&mut output, "ready").and_then(|line| Facts::read(&line));
        match facts {
            Ok(facts) => Ok(Self { child, output, facts }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error.context(format!("`{text}` is not ready")))
            }
        }
    }

    /// Lets the load begin, and waits for its end.
    pub(super) fn run(mut self) -> Result<Outcome> {
        let mut input = self.child.stdin.take().context("the load has no input")?;
        input.write_all(b"go\n")?;
        outcome(&line(&mut self.output, "done")?)
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(output: &mut BufReader<ChildStdout>, begins: &str) -> Result<String> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    let rest =
        line.strip_prefix(begins).with_context(|| format!("no line `{begins}` but `{}`", line.trim()))?;
    Ok(rest.to_owned())
}

fn outcome(text: &str) -> Result<Outcome> {
    let pairs = Pairs::read(text);
    let exchanges = pairs.number("exchanges")?;
    ensure!(exchanges > 0.0, "the load made no exchange");
    let latency = |name| Ok::<_, anyhow::Error>(Duration::from_secs_f64(pairs.number(name)? / 1e6));
    Ok(Outcome {
        exchanges: exchanges as u64,
        per_second: exchanges / pairs.number("seconds")?,
        p50: latency("p50")?,
        p99: latency("p99")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = " version=TLSv1.3 cipher=TLS_AES_128_GCM_SHA256 group=X25519 key=P-256 tickets=2\n";

    #[test]
    fn what_was_agreed_must_be_what_is_measured() {
        let facts = Facts::read(READY).unwrap();
        assert!(facts.check(Key::P256).is_ok());
        assert!(facts.check(Key::Rsa2048).is_err());
        assert!(Facts::read(&READY.replace("X25519", "P-256")).unwrap().check(Key::P256).is_err());
        assert!(Facts::read("version=TLSv1.3").is_err());
    }

    #[test]
    fn reads_what_the_load_prints() {
        let done = outcome(" exchanges=300 seconds=1.500000 p50=900 p99=2100\n").unwrap();
        assert_eq!((done.exchanges, done.per_second), (300, 200.0));
        assert_eq!((done.p50, done.p99), (Duration::from_micros(900), Duration::from_micros(2100)));
        assert!(outcome("exchanges=0 seconds=1 p50=0 p99=0").is_err());
    }
}
