//! What is told of certificates: by `gorge check`, at the start, and each day while they are shown.

use std::fmt::Write;
use std::time::SystemTime;

use gorge::proxy::Level;
use gorge::tls::{self, Certificate, Role};

use crate::build::{Shown, logs::Log};
use crate::config::Config;

/// Names of a certificate that are told; of the others how many there are.
const NAMES: usize = 5;

/// Writes a line for each certificate of a listener, and what is worth to be known of it; with `all` unset only what
/// is grave.
pub(crate) fn tell(shown: &Shown, log: &Log, all: bool) {
    for certificate in shown.certificates() {
        tell_one(&certificate, log, all);
    }
}

/// The same for one of them.
pub(crate) fn tell_one(certificate: &Certificate, log: &Log, all: bool) {
    if all {
        log.note(Level::Info, line(certificate));
    }
    for remark in certificate.remarks(SystemTime::now(), Role::Server) {
        if remark.level() == tls::Level::Warning {
            log.note(Level::Warn, format_args!("certificate for {}: {remark}", names(certificate)));
        }
    }
}

/// The lines for `gorge check`, each with its listener. What cannot be read was told as a mistake.
pub(crate) fn of(config: &Config) -> String {
    let mut text = String::new();
    for listen in &config.listen {
        for table in listen.tls.iter().flat_map(|tls| &tls.certificates) {
            if let Ok(certificate) = crate::tls::read(table) {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "listen {}: {}", listen.address.value.0, line(&certificate));
            }
        }
    }
    text
}

fn line(certificate: &Certificate) -> String {
    let days = match certificate.days_left(SystemTime::now()) {
        days if days < 0 => "has expired".to_owned(),
        0 => "expires today".to_owned(),
        1 => "expires in 1 day".to_owned(),
        days => format!("expires in {days} days"),
    };
    format!("certificate for {} ({}) {days}", names(certificate), certificate.key_words())
}

fn names(certificate: &Certificate) -> String {
    let names = certificate.names();
    let told = names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES) {
        _ if names.is_empty() => "nobody".to_owned(),
        0 => told,
        more => format!("{told} and {more} more"),
    }
}
