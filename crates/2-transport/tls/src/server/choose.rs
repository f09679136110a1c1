//! Which certificates a client is shown.

use std::ffi::{c_int, c_void};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use foreign_types::ForeignTypeRef;
use gorge_error::Result;
use openssl::ex_data::Index;
use openssl::ssl::{NameType, Ssl, SslContextBuilder, SslRef};
use openssl_sys as sys;
use parking_lot::Mutex;

use crate::ffi;
use crate::options::library;
use crate::server::acceptor::Shown;
use crate::server::context;
use crate::store::{Set, normal};

/// What a handshake knows of the certificates that there are.
pub(super) struct Choice {
    pub(super) shown: Arc<Shown>,
    /// Names that nothing is for can be looked up.
    pub(super) resolves: bool,
    state: Mutex<State>,
}

enum State {
    /// The library has not asked.
    Unasked,
    /// The handshake waits for this.
    Wanted(Wanted),
    /// What was found, perhaps nothing.
    Found(Set),
}

/// What has to be known before a certificate can be chosen.
#[derive(Clone)]
pub(super) enum Wanted {
    /// The address that the client came to: it asked for no name, and something is for addresses. To know it takes
    /// a call of the system, which others are spared.
    Address,
    /// What the resolver has for this name.
    Name(Box<str>),
}

impl Choice {
    pub(super) fn new(shown: Arc<Shown>, resolves: bool) -> Self {
        Self { shown, resolves, state: Mutex::new(State::Unasked) }
    }

    /// What the handshake waits for.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        match &*self.state.lock() {
            State::Wanted(wanted) => Some(wanted.clone()),
            State::Unasked | State::Found(_) => None,
        }
    }

    /// The client came to this address.
    pub(super) fn came_to(&self, address: Option<IpAddr>) {
        let named = address.and_then(|address| self.shown.certificates.find(&address.to_string()));
        self.found(named.cloned().unwrap_or_default());
    }

    /// The lookup is over.
    pub(super) fn found(&self, set: Set) {
        *self.state.lock() = State::Found(set);
    }

    fn answer(&self, ssl: &SslRef) -> Answer {
        let certificates = &self.shown.certificates;
        let asked = ssl.servername(NameType::HOST_NAME);
        if let Some(set) = asked.and_then(|name| certificates.find(name)) {
            return if set.is(certificates.default_set()) {
                Answer::Default
            } else {
                Answer::Set(set.clone())
            };
        }
        let wanted = match asked {
            Some(name) if self.resolves => Wanted::Name(normal(name).into()),
            None if certificates.has_addresses() => Wanted::Address,
            _ => return Answer::Default,
        };
        let mut state = self.state.lock();
        match &*state {
            State::Found(set) if set.is_empty() || set.is(certificates.default_set()) => Answer::Default,
            State::Found(set) => Answer::Set(set.clone()),
            State::Wanted(_) => Answer::Later,
            State::Unasked => {
                *state = State::Wanted(wanted);
                Answer::Later
            }
        }
    }
}

enum Answer {
    /// What the context shows already.
    Default,
    Set(Set),
    Later,
}

/// Lets the handshakes of a context choose.
pub(super) fn install(context: &mut SslContextBuilder) -> Result<()> {
    ffi::set_certificate_callback(context, choose);
    #[cfg(not(boringssl))]
    {
        // Without somebody who takes the name, a session of TLS 1.2 would not remember it.
        context.set_servername_callback(|_, _| Ok(()));
        // With BoringSSL the response goes along with the certificate.
        context.set_status_callback(staple).map_err(library)?;
    }
    Ok(())
}

/// Where a connection keeps its choice.
pub(super) fn slot() -> Result<Index<Ssl, Choice>> {
    static INDEX: OnceLock<Index<Ssl, Choice>> = OnceLock::new();
    if let Some(index) = INDEX.get() {
        return Ok(*index);
    }
    let made = Ssl::new_ex_index().map_err(library)?;
    Ok(*INDEX.get_or_init(|| made))
}

/// The choice of a connection of an acceptor.
pub(super) fn of(ssl: &SslRef) -> Option<&Choice> {
    ssl.ex_data(slot().ok()?)
}

const FAILED: c_int = 0;
const GO_ON: c_int = 1;
const SUSPEND: c_int = -1;

/// The library needs the certificates to show.
unsafe extern "C" fn choose(raw: *mut sys::SSL, _: *mut c_void) -> c_int {
    // SAFETY: the library calls with a live connection, that nothing else uses meanwhile.
    let ssl = unsafe { SslRef::from_ptr(raw) };
    // No panic may cross the library.
    catch_unwind(AssertUnwindSafe(|| match of(ssl).map(|choice| choice.answer(ssl)) {
        None | Some(Answer::Default) => GO_ON,
        Some(Answer::Later) => SUSPEND,
        Some(Answer::Set(set)) => {
            ffi::clear_certificates(ssl);
            if set.iter().all(|certificate| context::show(ssl, certificate).is_ok()) { GO_ON } else { FAILED }
        }
    }))
    .unwrap_or(FAILED)
}

/// The client would like to see the OCSP response of the certificate that was chosen (RFC 6066 8).
#[cfg(not(boringssl))]
fn staple(ssl: &mut SslRef) -> std::result::Result<bool, openssl::error::ErrorStack> {
    let Some(choice) = of(ssl) else { return Ok(false) };
    let set = match choice.answer(ssl) {
        Answer::Set(set) => set,
        Answer::Default | Answer::Later => choice.shown.certificates.default_set().clone(),
    };
    let Some(chosen) = ssl.certificate() else { return Ok(false) };
    let is_it = |one: &&crate::Certificate| one.chain().first().is_some_and(|leaf| **leaf == *chosen);
    let Some(response) = set.iter().find(is_it).and_then(|one| one.ocsp().map(<[u8]>::to_vec)) else {
        return Ok(false);
    };
    ssl.set_ocsp_status(&response)?;
    Ok(true)
}
