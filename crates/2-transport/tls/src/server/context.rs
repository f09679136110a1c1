//! The options and the default certificates, made ready for the library.

use std::sync::Arc;

use gorge_error::Result;
use openssl::ssl::{
    AlpnError, SslContext, SslContextBuilder, SslMethod, SslOptions, SslRef, SslSessionCacheMode,
};

use crate::options::{Common, alpn_wire, because, library, wrong};
use crate::roots::Trusted;
use crate::server::{choose, client_auth, psk};
use crate::store::Set;
use crate::{Certificate, ServerOptions, TicketKeys, Version, ffi};

/// What a context is made of. It shows `set`, unless the certificate callback chooses another.
pub(super) fn build(
    options: &ServerOptions,
    tickets: &TicketKeys,
    set: &Set,
) -> Result<(SslContext, Option<Arc<Trusted>>)> {
    let mut context = SslContext::builder(SslMethod::tls_server()).map_err(library)?;
    common(&mut context, options)?;
    set.iter().try_for_each(|one| show_in_context(&mut context, one)).map_err(library)?;
    application_protocols(&mut context, options)?;
    let trusted = client_auth::ask(&mut context, options)?;
    resumption(&mut context, options, tickets)?;
    if let Some(finder) = &options.psk {
        psk::install(finder.clone(), &mut context);
    }
    if let Some(key_log) = &options.key_log {
        key_log.install(&mut context);
    }
    choose::install(&mut context)?;
    Ok((context.build(), trusted))
}

/// Finds out whether the library would show these certificates.
pub(super) fn try_to_show<'a>(
    options: &ServerOptions,
    certificates: impl IntoIterator<Item = &'a Certificate>,
) -> Result<()> {
    let mut context = SslContext::builder(SslMethod::tls_server()).map_err(library)?;
    common(&mut context, options)?;
    certificates.into_iter().try_for_each(|one| {
        show_in_context(&mut context, one)
            .map_err(|error| because(format!("the TLS library refuses {one:?}"), error))
    })
}

fn common(context: &mut SslContextBuilder, options: &ServerOptions) -> Result<()> {
    let with_psk;
    let mut common = Common {
        min_version: options.min_version,
        max_version: options.max_version,
        ciphers: options.ciphers.as_deref(),
        groups: options.groups.as_deref(),
    };
    if options.psk.is_some() && common.ciphers.is_none() {
        with_psk = format!("{}:{}", crate::psk::CIPHERS, crate::options::CIPHERS);
        common.ciphers = Some(&with_psk);
    }
    if options.psk.is_some() && cfg!(boringssl) && options.min_version > Version::Tls12 {
        return Err(wrong("BoringSSL, which this program runs on, takes pre-shared keys in TLS 1.2 alone"));
    }
    common.apply(context)
}

fn application_protocols(context: &mut SslContextBuilder, options: &ServerOptions) -> Result<()> {
    // Finds mistakes in them.
    alpn_wire(&options.alpn)?;
    if !options.alpn.is_empty() {
        let ours = options.alpn.clone();
        context.set_alpn_select_callback(move |_, offered| {
            select_protocol(&ours, offered).ok_or(AlpnError::ALERT_FATAL)
        });
    }
    Ok(())
}

/// The first of ours that the client offers too.
fn select_protocol<'a>(ours: &[String], offered: &'a [u8]) -> Option<&'a [u8]> {
    ours.iter().find_map(|our| offers(offered).find(|offer| *offer == our.as_bytes()))
}

/// What is in a list of protocols, each behind its length (RFC 7301 3.1).
fn offers(mut list: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, behind) = list.split_first()?;
        let (offer, rest) = behind.split_at_checked(usize::from(*length))?;
        list = rest;
        Some(offer)
    })
}

/// Lets clients go on with earlier sessions, by tickets alone: nothing is kept here.
fn resumption(context: &mut SslContextBuilder, options: &ServerOptions, tickets: &TicketKeys) -> Result<()> {
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    let seconds = u32::try_from(options.session_lifetime.as_secs()).unwrap_or(u32::MAX);
    ffi::set_session_lifetime(context, seconds.clamp(1, MOST_SECONDS));
    if options.session_tickets {
        return tickets.install(context);
    }
    context.set_options(SslOptions::NO_TICKET);
    #[cfg(not(boringssl))]
    context.set_num_tickets(0).map_err(library)?;
    Ok(())
}

/// A ticket of TLS 1.3 is good for 7 days at most (RFC 8446 4.6.1).
const MOST_SECONDS: u32 = 7 * 24 * 60 * 60;

fn show_in_context(
    context: &mut SslContextBuilder,
    certificate: &Certificate,
) -> std::result::Result<(), openssl::error::ErrorStack> {
    #[cfg(not(boringssl))]
    return ffi::show_in_context(context, certificate.chain(), certificate.key());
    #[cfg(boringssl)]
    certificate.credential()?.show_in_context(context)
}

/// Shows a certificate in this one handshake.
pub(super) fn show(
    ssl: &SslRef,
    certificate: &Certificate,
) -> std::result::Result<(), openssl::error::ErrorStack> {
    #[cfg(not(boringssl))]
    return ffi::show(ssl, certificate.chain(), certificate.key());
    #[cfg(boringssl)]
    certificate.credential()?.show(ssl)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_order_of_protocols_counts() {
        let ours = ["h2".to_owned(), "http/1.1".to_owned()];
        assert_eq!(select_protocol(&ours, b"\x08http/1.1\x02h2"), Some(&b"h2"[..]));
        assert_eq!(select_protocol(&ours, b"\x08http/1.1"), Some(&b"http/1.1"[..]));
        assert_eq!(select_protocol(&ours, b"\x02h3"), None);
        // A list that is cut off ends where it is whole.
        assert_eq!(select_protocol(&ours, b"\x02h3\x09http/1.1"), None);
        assert_eq!(select_protocol(&ours, b""), None);
    }
}
