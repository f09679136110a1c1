//! How long a reload takes, and what those see of it who are served meanwhile.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::super::Plan;
use super::super::load::Clients;
use super::super::process::{Process, free_address};
use super::site::Site;
use super::{Bench, MANY, SEED, TRIES, time};
use crate::shell::capture;

/// Clients that ask all the time.
pub(super) const CLIENTS: usize = 16;
/// How long they are watched at a time.
pub(super) const WINDOW: Duration = Duration::from_secs(1);

/// The longest exchanges, of times without a reload and of times with one that alternate.
pub(super) struct Longest {
    pub(super) without: Vec<Duration>,
    pub(super) with: Vec<Duration>,
    pub(super) exchanges: usize,
}

/// A program that runs, and two configurations that it may be given.
struct Reloaded {
    /// Ended with this value.
    _process: Process,
    listen: SocketAddr,
    config: PathBuf,
    texts: [String; 2],
}

impl Bench<'_> {
    fn reloaded(&self, routes: usize) -> Result<Reloaded> {
        let listen = free_address()?;
        let name = format!("reloaded-{routes}");
        let pid_file = self.scratch.folder.join(format!("{name}.pid"));
        let site = |seed| Site { pid_file: Some(&pid_file), seed, ..self.site(listen, routes) };
        let texts = [site(SEED).text(), site(SEED + 1).text()];
        let config = self.scratch.write(&format!("{name}.toml"), &texts[0])?;
        let process = self.start(&self.on("run", &config), listen, &name)?;
        Ok(Reloaded { _process: process, listen, config, texts })
    }

    /// `gorge reload` with a file that has changed, again and again.
    pub(super) fn reloads(&self, routes: usize) -> Result<Vec<Duration>> {
        let reloaded = self.reloaded(routes)?;
        (1..=TRIES).map(|round| self.reload(&reloaded, round)).collect()
    }

    fn reload(&self, reloaded: &Reloaded, round: usize) -> Result<Duration> {
        write(&reloaded.config, &reloaded.texts[round % 2])?;
        let mut command = self.on("reload", &reloaded.config);
        time(|| capture(&mut command))
    }

    /// Watches clients in turn without and with a reload of many routes.
    pub(super) fn longest(&self, plan: &Plan) -> Result<Longest> {
        let reloaded = self.reloaded(MANY)?;
        let mut longest = Longest { without: Vec::new(), with: Vec::new(), exchanges: 0 };
        let rounds = 3 * plan.rounds;
        for round in 1..=rounds {
            longest.without.push(watch(reloaded.listen, &mut longest.exchanges, || Ok(()))?);
            let reload = || self.reload(&reloaded, round).map(drop);
            longest.with.push(watch(reloaded.listen, &mut longest.exchanges, reload)?);
        }
        Ok(longest)
    }
}

/// The longest exchange of clients that ask while `work` is done, and at least for the time of a window.
fn watch(
    listen: SocketAddr,
    exchanges: &mut usize,
    work: impl FnOnce() -> Result<()> + Send,
) -> Result<Duration> {
    let mut clients = Clients::open(listen, CLIENTS)?;
    let until = Instant::now() + WINDOW;
    std::thread::scope(|scope| {
        let work = scope.spawn(move || {
            // In the middle of the window.
            std::thread::sleep(WINDOW / 4);
            work()
        });
        let mut longest = Duration::ZERO;
        while !work.is_finished() || Instant::now() < until {
            longest = longest.max(clients.longest()?);
            *exchanges += CLIENTS;
        }
        let done = work.join();
        ensure!(done.is_ok(), "the reload panicked");
        done.unwrap_or(Ok(()))?;
        Ok(longest)
    })
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
