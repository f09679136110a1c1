//! The command line: verbs and options.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use gorge::protocols::Address;

use crate::{address, version};

/// An HTTP proxy.
#[derive(Debug, Parser)]
#[command(name = "gorge", version = version::TEXT.as_str(), arg_required_else_help = true)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "`gorge VERB --help` shows the options of a verb.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What the program is asked to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Stand in front of one or more origins.
    Proxy(ProxyArguments),
    /// Serve what a configuration file says.
    Run(ConfigArguments),
    /// Look for mistakes in a configuration file; nothing that runs is touched.
    Check(CheckArguments),
    /// Have the running process read its configuration file again.
    Reload(ConfigArguments),
    /// Stop the running process once all exchanges have ended.
    Stop(ConfigArguments),
    /// Show what a proxy does: three built-in origins behind one, and a page to look at.
    Demo(DemoArguments),
}

/// Options of `gorge proxy`.
#[derive(Args, Debug)]
#[command(after_help = "Example: gorge proxy --to 127.0.0.1:9001 --to 127.0.0.1:9002\n\
    TERM or Ctrl-C stops once all exchanges have ended; a second one at once.\n\
    Exit codes: 0 done, 1 configuration, 2 usage, 4 cannot listen.")]
pub(crate) struct ProxyArguments {
    /// An origin, as HOST:PORT or unix:/path; may be repeated
    #[arg(long, required = true, value_name = "ADDR", value_parser = address::to)]
    pub(crate) to: Vec<Address>,
    /// round_robin, least_conn
    #[arg(long, value_enum, default_value_t, value_name = "HOW", hide_possible_values = true)]
    pub(crate) balance: Balance,
    /// On standard output: combined, common, json, off
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) access_log: AccessLog,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// Which configuration.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Exit codes: 0 done, 1 configuration or refused, 2 usage, 3 not running, 4 cannot listen."
)]
pub(crate) struct ConfigArguments {
    /// The configuration file
    #[arg(short, long, default_value = "gorge.toml", value_name = "FILE")]
    pub(crate) config: PathBuf,
}

impl ConfigArguments {
    /// Where the file is.
    pub(crate) fn path(&self) -> PathBuf {
        self.config.clone()
    }
}

/// Options of `gorge check`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: gorge check -c gorge.toml --explain http://shop.example/api/cart\n\
    Exit codes: 0 nothing wrong, 1 mistakes, 2 usage.")]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) file: ConfigArguments,
    /// Say what would become of a request for this URL
    #[arg(long, value_name = "URL")]
    pub(crate) explain: Option<String>,
    /// The method of that request
    #[arg(long, value_name = "METHOD", default_value = "GET", requires = "explain")]
    pub(crate) method: String,
    /// A field of that request; may be repeated
    #[arg(long, value_name = "NAME: VALUE", requires = "explain")]
    pub(crate) header: Vec<String>,
    /// The address of its client
    #[arg(long, value_name = "IP", requires = "explain")]
    pub(crate) client: Option<IpAddr>,
}

/// Options of `gorge demo`.
#[derive(Args, Debug)]
#[command(after_help = "It needs no file and no rights.\n\
    TERM or Ctrl-C stops once all exchanges have ended; a second one at once.\n\
    Exit codes: 0 done, 1 configuration, 2 usage, 4 cannot listen.")]
pub(crate) struct DemoArguments {
    /// On standard output: combined, common, json, off
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) access_log: AccessLog,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// Options that the environment has too. What is absent here is looked for there.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct CommonArguments {
    /// Where to listen [env: GORGE_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", value_parser = address::listen)]
    pub(crate) listen: Option<Address>,
    /// Threads [env: GORGE_WORKERS] [default: one per core]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub(crate) workers: Option<usize>,
    /// Clients at a time [env: GORGE_MAX_CONNECTIONS] [default: 10000]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub(crate) max_connections: Option<usize>,
    /// debug, info, warn, error [env: GORGE_LOG_LEVEL] [default: info]
    #[arg(long, value_enum, value_name = "LEVEL", hide_possible_values = true)]
    pub(crate) log_level: Option<LogLevel>,
}

// Variants have comments and no docs: with docs clap takes a paragraph for each option, and the help no
// longer fits a screen.

/// How origins share the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Balance {
    // Each in its turn.
    #[default]
    RoundRobin,
    // The one with the fewest exchanges in flight.
    LeastConn,
}

/// How a line of the access log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccessLog {
    // As Apache and nginx write it.
    #[default]
    Combined,
    // The same without referrer and user agent.
    Common,
    // One object per line.
    Json,
    // No access log.
    Off,
}

/// From which level on a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

/// A whole number from 1 on.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("give a whole number from 1 on".to_owned()),
        Ok(number) => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// An ordinary terminal.
    const SCREEN: (usize, usize) = (80, 24);

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_fits_a_screen_per_verb() {
        let mut command = Arguments::command();
        command.build();
        for verb in command.get_subcommands_mut() {
            let help = verb.render_help().to_string();
            let lines: usize = help.lines().map(|line| line.chars().count().div_ceil(SCREEN.0).max(1)).sum();
            assert!(lines <= SCREEN.1, "{lines} lines:\n{help}");
        }
    }

    #[test]
    fn the_readme_shows_command_lines_that_work() {
        let readme = include_str!("../README.md");
        let shown: Vec<_> = readme.lines().filter(|line| line.starts_with("gorge ")).collect();
        assert!(!shown.is_empty());
        for line in shown {
            let words = line.split('#').next().unwrap_or_default().split_whitespace();
            if let Err(error) = Arguments::try_parse_from(words) {
                assert_eq!(error.exit_code(), 0, "{line}: {error}");
            }
        }
    }
}
