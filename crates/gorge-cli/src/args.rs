//! The command line: verbs and options.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use gorge::error::Error;
use gorge::protocols::Address;
use gorge::proxy::{Format, Level};

use crate::config::suggest;
use crate::failure::Failure;
use crate::target::{self, Target};
use crate::{address, version};

/// The configuration file, unless another is named.
const FILE: &str = "gorge.toml";

/// A reverse proxy for HTTP.
#[derive(Debug, Parser)]
#[command(name = "gorge", version = version::TEXT.as_str(), arg_required_else_help = true)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
#[command(
    override_usage = "gorge <VERB> [OPTIONS]",
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs"
)]
#[command(after_help = "`gorge VERB --help` shows the options of a verb.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Check the configuration file, as `gorge check` does
    #[arg(short)]
    test: bool,
    /// With -t, the file to check [default: gorge.toml]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Arguments {
    /// What is to be done. `gorge -t -c FILE` is how other programs spell `gorge check -c FILE`.
    ///
    /// # Errors
    /// Options without a verb, or before it.
    pub(crate) fn verb(self) -> Result<Verb, Failure> {
        let before_verb = self.test || self.config.is_some();
        let file = self.config.unwrap_or_else(|| FILE.into());
        match self.verb {
            None if self.test => Ok(Verb::Check(CheckArguments::of(file))),
            None => Err(Failure::usage(format!(
                "the verb is missing; type `gorge run -c {0}` to serve the file, `gorge check -c {0}` to check it",
                file.display()
            ))),
            Some(_) if before_verb => Err(Failure::usage(format!(
                "options stand behind the verb, as in `gorge run -c {}`",
                file.display()
            ))),
            Some(verb) => Ok(verb),
        }
    }
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
    /// Show what a proxy does: three built-in origins behind one, and a live page.
    Demo(DemoArguments),
    /// Print what a shell needs to complete command lines.
    Completions(CompletionsArguments),
    /// Print the manual page, for `gorge man | man -l -`.
    Man,
}

/// Options of `gorge proxy`.
#[derive(Args, Debug)]
#[command(after_help = "Example: gorge proxy --to 127.0.0.1:9001 --to 127.0.0.1:9002\n\
    TERM or Ctrl-C stops once all exchanges have ended; a second one at once.\n\
    Exit codes: 0 done, 1 configuration, 2 usage, 4 cannot listen.")]
pub(crate) struct ProxyArguments {
    /// Origins: HOST:PORT, https://HOST or unix:/path
    #[arg(long, required = true, value_name = "ADDR", value_parser = target::read)]
    pub(crate) to: Vec<Target>,
    /// Do not verify the certificates of origins
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Speak HTTPS with this certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// round_robin, least_conn
    #[arg(long, value_enum, default_value_t, value_name = "HOW", hide_possible_values = true)]
    pub(crate) balance: Balance,
    /// combined (default), common, json, off, $template
    #[arg(long, value_name = "FORMAT", default_value = "combined", hide_default_value = true)]
    #[arg(value_parser = access_log)]
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
    #[arg(short, long, default_value = FILE, value_name = "FILE")]
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

impl CheckArguments {
    /// A check of this file and nothing else.
    fn of(config: PathBuf) -> Self {
        let file = ConfigArguments { config };
        Self { file, explain: None, method: "GET".to_owned(), header: Vec::new(), client: None }
    }
}

/// Options of `gorge demo`.
#[derive(Args, Debug)]
#[command(after_help = "To go on from here with what it serves:\n\
    \u{20}   gorge demo --print-config > gorge.toml\n\
    \u{20}   gorge demo --origins 9001\n\
    \u{20}   gorge run                   # in another terminal\n\
    TERM or Ctrl-C stops once all exchanges have ended; a second one at once.\n\
    Exit codes: 0 done, 1 configuration, 2 usage, 4 cannot listen.")]
pub(crate) struct DemoArguments {
    /// Print the configuration it serves, and end
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Only the three origins, from this port on
    #[arg(long, value_name = "PORT", conflicts_with = "print_config")]
    pub(crate) origins: Option<u16>,
    /// combined, common, json, off or a $template
    #[arg(long, value_name = "FORMAT", value_parser = access_log)]
    pub(crate) access_log: Option<AccessLog>,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// Options of `gorge completions`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example: gorge completions bash > ~/.local/share/bash-completion/completions/gorge\n\
    zsh: into a file _gorge in a folder of $fpath; fish: ~/.config/fish/completions/gorge.fish;\n\
    powershell: add it to $PROFILE; elvish: append it to rc.elv."
)]
pub(crate) struct CompletionsArguments {
    /// bash, zsh, fish, powershell, elvish
    #[arg(value_enum, value_name = "SHELL", hide_possible_values = true)]
    pub(crate) shell: Shell,
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

/// How a line of the access log looks, if there is one.
#[derive(Clone, Debug)]
pub(crate) struct AccessLog(pub(crate) Option<Format>);

fn access_log(text: &str) -> Result<AccessLog, String> {
    const WORDS: [&str; 4] = ["combined", "common", "json", "off"];
    if text == "off" {
        return Ok(AccessLog(None));
    }
    let format = text.parse().map_err(|error: Error| match suggest::closest(text, WORDS) {
        Some(word) => format!("did you mean {word}?"),
        None if text.contains('$') => error.contexts().next().unwrap_or("no template").to_owned(),
        None => "use combined, common, json, off, or a template as '$client_ip $method $target $status'"
            .to_owned(),
    })?;
    Ok(AccessLog(Some(format)))
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

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Debug => Self::Debug,
            LogLevel::Info => Self::Info,
            LogLevel::Warn => Self::Warn,
            LogLevel::Error => Self::Error,
        }
    }
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
