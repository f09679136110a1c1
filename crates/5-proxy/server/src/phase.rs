//! Where a server is in its life.

use std::fmt;

/// The phases of a server, in their order. Each is entered once; one that stops early skips some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Addresses are bound, services are put in order.
    Setup,
    /// Workers run, services start one after another.
    Bootstrap,
    /// All services have been ready.
    Running,
    /// A stop was asked for: nothing new is begun, what runs is finished.
    Draining,
    /// The grace is over or nothing is left: background services end, what is open is cut off.
    Stopping,
    /// The workers have ended.
    Terminated,
}

impl Phase {
    const ALL: [Phase; 6] =
        [Phase::Setup, Phase::Bootstrap, Phase::Running, Phase::Draining, Phase::Stopping, Phase::Terminated];

    /// The word for logs and the admin service.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Phase::Setup => "setup",
            Phase::Bootstrap => "bootstrap",
            Phase::Running => "running",
            Phase::Draining => "draining",
            Phase::Stopping => "stopping",
            Phase::Terminated => "terminated",
        }
    }

    pub(crate) fn of(number: u8) -> Phase {
        Phase::ALL.get(usize::from(number)).copied().unwrap_or(Phase::Terminated)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
