//! In the place of `tls.rs`, for a program without a TLS library: what asks for one is an error.

use crate::config::diagnostic::Diagnostic;
use crate::config::model::Config;

pub(super) fn check(config: &Config, found: &mut Vec<Diagnostic>) {
    let listens = config.listen.iter().filter_map(|listen| listen.tls.as_ref()).map(|table| table.place.span);
    let upstreams = config.upstream.entries.iter().filter_map(|(_, upstream)| upstream.tls.as_ref());
    for span in listens.chain(upstreams.map(|table| table.place.span)) {
        let mistake = Diagnostic::error("this gorge was built without TLS").at(span);
        found.push(mistake.help("build it with the feature `openssl`, or put what ends TLS in front of it"));
    }
}
