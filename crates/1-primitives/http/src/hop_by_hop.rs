//! Taking out what belongs to one connection (RFC 9110 7.6.1).

use crate::headers::Headers;
use crate::{Known, grammar};

/// What Connection and TE said, before [`Headers::remove_hop_by_hop`] took them out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionOptions {
    /// `Connection: close`
    pub close: bool,
    /// `Connection: keep-alive`
    pub keep_alive: bool,
    /// `Connection: upgrade`, and an Upgrade field beside it
    pub upgrade: bool,
    /// `TE: trailers`, which is the one thing of TE that is left in the list
    pub te_trailers: bool,
}

/// Fields that end at this hop, whether Connection names them or not.
const HOP_BY_HOP: u64 = Known::Connection.bit()
    | Known::KeepAlive.bit()
    | Known::ProxyAuthenticate.bit()
    | Known::ProxyAuthorization.bit()
    | Known::ProxyConnection.bit()
    | Known::Te.bit()
    | Known::Trailer.bit()
    | Known::TransferEncoding.bit()
    | Known::Upgrade.bit();

/// Fields that a peer must not get rid of by naming them: they say where a message goes and where
/// it ends, and for whom a proxy asks. That last one is told by the proxy, and a client whose Connection
/// it passes on could unsay it.
const NEVER_BY_NAME: u64 = Known::Host.bit()
    | Known::ContentLength.bit()
    | Known::TransferEncoding.bit()
    | Known::Forwarded.bit()
    | Known::XForwardedFor.bit()
    | Known::XForwardedHost.bit()
    | Known::XForwardedProto.bit()
    | Known::XRealIp.bit();

/// From so many unregistered names in Connection on, all unregistered fields are taken for named.
/// It keeps the work linear, and whoever lists that many means no good.
const MAX_NAMED: usize = 64;

impl Headers {
    /// Removes the fields that concern one connection only: Connection and what it names,
    /// Keep-Alive, Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, TE (but
    /// `TE: trailers` stays), Trailer, Transfer-Encoding and Upgrade.
    ///
    /// Host, Content-Length, Forwarded, X-Forwarded-* and X-Real-IP stay though Connection may name
    /// them. Read Upgrade before, if you want its value.
    pub fn remove_hop_by_hop(&mut self) -> ConnectionOptions {
        let mut options = ConnectionOptions::default();
        if self.present() & HOP_BY_HOP == 0 {
            return options;
        }
        let mut doomed = HOP_BY_HOP;
        if self.get_all(Known::Connection).all(|value| value == b"keep-alive") {
            // Nearly all that say something say just this.
            options.keep_alive = self.present() & Known::Connection.bit() != 0;
        } else {
            doomed |= self.read_connection(&mut options) & !NEVER_BY_NAME;
        }
        options.upgrade &= self.present() & Known::Upgrade.bit() != 0;
        if self.present() & Known::Te.bit() != 0 {
            options.te_trailers = self.get_all(Known::Te).any(names_trailers);
        }
        self.remove_known(doomed);
        if options.te_trailers {
            // Cannot fail on its name or value; if the list is full, TE is not kept.
            options.te_trailers = self.append(Known::Te, "trailers").is_ok();
        }
        options
    }

    /// Removes the unregistered fields that Connection names, and returns the well-known ones.
    #[inline(never)]
    fn read_connection(&mut self, options: &mut ConnectionOptions) -> u64 {
        let mut named = 0;
        let mut others = 0;
        let start = self.first_of(Known::Connection.bit()).unwrap_or_default();
        let (records, source) = self.records_mut();
        for at in start..records.len() {
            if records[at].id() != Known::Connection as u8 {
                continue;
            }
            let value = source.value(records[at]);
            for option in value.split(|&byte| byte == b',') {
                let option = grammar::trim(option);
                if option.eq_ignore_ascii_case(b"close") {
                    options.close = true;
                } else if let Some(known) = Known::classify(option) {
                    options.keep_alive |= known == Known::KeepAlive;
                    options.upgrade |= known == Known::Upgrade;
                    named |= known.bit();
                } else if !option.is_empty() && others <= MAX_NAMED {
                    others += 1;
                    for record in records.iter_mut() {
                        let same = || source.name(*record).eq_ignore_ascii_case(option);
                        if Known::from_id(record.id()).is_none() && (others > MAX_NAMED || same()) {
                            record.kill();
                        }
                    }
                }
            }
        }
        if others > 0 {
            self.sweep();
        }
        named
    }
}

#[inline(never)]
fn names_trailers(te: &[u8]) -> bool {
    te.split(|&byte| byte == b',').any(|coding| {
        let name = coding.split(|&byte| byte == b';').next().unwrap_or_default();
        grammar::trim(name).eq_ignore_ascii_case(b"trailers")
    })
}
