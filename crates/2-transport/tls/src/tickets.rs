//! The keys of session tickets, shared by all workers and changed from time to time.

use std::ffi::c_int;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use foreign_types::ForeignTypeRef;
use gorge_error::Result;
use openssl::ex_data::Index;
use openssl::rand::rand_bytes;
use openssl::ssl::{SslContext, SslContextBuilder, SslVersion};
use openssl_sys as sys;
use parking_lot::Mutex;

use crate::ffi;
use crate::options::{library, wrong};

/// How long tickets are made with one key.
const ROTATION: Duration = Duration::from_secs(12 * 60 * 60);

const NAME: usize = 16;
const CIPHER_KEY: usize = 32;
const MAC_KEY: usize = 32;
const KEY: usize = NAME + CIPHER_KEY + MAC_KEY;

/// The keys that session tickets are made with (RFC 5077 4).
///
/// A ticket lets a client go on with an earlier session, at any worker, listener or process that has the
/// keys; whoever has them can also read those sessions, so they live in memory alone and are replaced
/// every 12 h. The keys of before are still read, for as long again. A clone is the same set of keys.
#[derive(Clone)]
pub struct TicketKeys(Arc<Shared>);

struct Shared {
    keys: ArcSwap<Keys>,
    rotating: Mutex<()>,
}

struct Keys {
    /// The newest first; it makes tickets.
    all: Vec<[u8; KEY]>,
    since: Instant,
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.all.iter_mut().for_each(|key| ffi::wipe(key));
    }
}

/// What an export begins with: whose it is, and the version of its form.
const HEAD: &[u8; 8] = b"gorgetk1";
/// The age of the newest key, in seconds, as a big-endian number.
const AGE: usize = 8;

impl TicketKeys {
    /// Keys of its own, at random.
    ///
    /// # Errors
    /// The library has no random numbers.
    pub fn new() -> Result<Self> {
        let keys = Keys { all: vec![random()?], since: Instant::now() };
        Ok(Self(Arc::new(Shared { keys: ArcSwap::from_pointee(keys), rotating: Mutex::new(()) })))
    }

    /// The keys for the next process, so that sessions go on there. Whoever reads them can read the sessions:
    /// they belong on no disk.
    #[must_use]
    pub fn export(&self) -> Vec<u8> {
        let keys = self.0.keys.load();
        let age = keys.since.elapsed().as_secs();
        let mut bytes = Vec::with_capacity(HEAD.len() + AGE + keys.all.len() * KEY);
        bytes.extend_from_slice(HEAD);
        bytes.extend_from_slice(&age.to_be_bytes());
        keys.all.iter().for_each(|key| bytes.extend_from_slice(key));
        bytes
    }

    /// The keys of the process before, as it [exported](Self::export) them. They go on aging.
    ///
    /// # Errors
    /// [`Kind::Configuration`](gorge_error::Kind::Configuration): the bytes are no such keys, or of another version.
    pub fn import(bytes: &[u8]) -> Result<Self> {
        let keys = Self::parse(bytes).ok_or_else(|| wrong("these are no ticket keys of this version"))?;
        Ok(Self(Arc::new(Shared { keys: ArcSwap::from_pointee(keys), rotating: Mutex::new(()) })))
    }

    fn parse(bytes: &[u8]) -> Option<Keys> {
        let (age, keys) = bytes.strip_prefix(HEAD)?.split_first_chunk::<AGE>()?;
        let (keys, rest) = keys.as_chunks::<KEY>();
        if !rest.is_empty() || !(1..=2).contains(&keys.len()) {
            return None;
        }
        let age = Duration::from_secs(u64::from_be_bytes(*age)).min(ROTATION);
        let now = Instant::now();
        // Where the clock began later than the key, the key counts as new.
        let since = now.checked_sub(age).unwrap_or(now);
        Some(Keys { all: keys.to_vec(), since })
    }

    /// Makes new tickets with a new key; the last one is still read. Happens by itself after 12 h.
    ///
    /// # Errors
    /// The library has no random numbers; the keys stay as they are.
    pub fn rotate(&self) -> Result<()> {
        let _one = self.0.rotating.lock();
        self.rotate_at(Instant::now())
    }

    fn rotate_at(&self, now: Instant) -> Result<()> {
        let before = self.0.keys.load();
        let all = std::iter::once(random()?).chain(before.all.first().copied()).collect();
        self.0.keys.store(Arc::new(Keys { all, since: now }));
        Ok(())
    }

    /// The keys, after a change if one is due. Without random numbers the old ones serve on.
    fn current(&self) -> Arc<Keys> {
        let keys = self.0.keys.load();
        let now = Instant::now();
        if now.duration_since(keys.since) < ROTATION {
            return arc_swap::Guard::into_inner(keys);
        }
        if let Some(_one) = self.0.rotating.try_lock()
            && now.duration_since(self.0.keys.load().since) >= ROTATION
        {
            let _ = self.rotate_at(now);
        }
        self.0.keys.load_full()
    }

    /// Lets the connections of a context use them.
    pub(crate) fn install(&self, context: &mut SslContextBuilder) -> Result<()> {
        context.set_ex_data(index()?, self.clone());
        ffi::set_ticket_key_callback(context, choose_key);
        Ok(())
    }
}

fn random() -> Result<[u8; KEY]> {
    let mut key = [0; KEY];
    rand_bytes(&mut key).map_err(library)?;
    Ok(key)
}

/// Where a context keeps its keys.
fn index() -> Result<Index<SslContext, TicketKeys>> {
    static INDEX: OnceLock<Index<SslContext, TicketKeys>> = OnceLock::new();
    if let Some(index) = INDEX.get() {
        return Ok(*index);
    }
    let made = SslContext::new_ex_index().map_err(library)?;
    Ok(*INDEX.get_or_init(|| made))
}

const FAILED: c_int = -1;
const UNKNOWN: c_int = 0;
const DONE: c_int = 1;
const DONE_RENEW: c_int = 2;

/// AES-256-CBC and SHA-256. OpenSSL would look for whoever implements them each time that it is given their plain
/// names; found once, they are there.
fn algorithms() -> (*const sys::EVP_CIPHER, *const sys::EVP_MD) {
    #[cfg(not(boringssl))]
    {
        use foreign_types::ForeignType;
        use openssl::cipher::Cipher;
        use openssl::md::Md;
        static FOUND: std::sync::LazyLock<Option<(Cipher, Md)>> = std::sync::LazyLock::new(|| {
            Cipher::fetch(None, "AES-256-CBC", None).ok().zip(Md::fetch(None, "SHA256", None).ok())
        });
        if let Some((aes, sha256)) = &*FOUND {
            return (aes.as_ptr(), sha256.as_ptr());
        }
    }
    // SAFETY: both take nothing and return what lives as long as the program.
    unsafe { (sys::EVP_aes_256_cbc(), sys::EVP_sha256()) }
}

/// The library makes or reads a ticket.
unsafe extern "C" fn choose_key(
    ssl: *mut sys::SSL,
    name: *mut u8,
    iv: *mut u8,
    cipher: *mut sys::EVP_CIPHER_CTX,
    mac: *mut sys::HMAC_CTX,
    encrypt: c_int,
) -> c_int {
    // SAFETY: the library calls with a live connection and buffers of the documented sizes, name 16 bytes
    // and IV 16 (EVP_MAX_IV_LENGTH); nothing else has them during the call.
    let (ssl, name, iv) = unsafe {
        let ssl = openssl::ssl::SslRef::from_ptr(ssl);
        (ssl, &mut *name.cast::<[u8; NAME]>(), &mut *iv.cast::<[u8; 16]>())
    };
    let Some(keys) = index().ok().and_then(|index| ssl.ssl_context().ex_data(index)) else { return FAILED };
    let keys = keys.current();
    let at = match encrypt {
        1 => {
            *name = *keys.all[0].first_chunk().unwrap_or(&[0; NAME]);
            if rand_bytes(iv).is_err() {
                return FAILED;
            }
            0
        }
        _ => match keys.all.iter().position(|key| key[..NAME] == name[..]) {
            Some(at) => at,
            None => return UNKNOWN,
        },
    };
    let key = &keys.all[at];
    // SAFETY: the contexts are the library's, alive for the call; key and IV have the lengths that
    // AES-256-CBC and HMAC-SHA-256 ask for, and are copied.
    let done = unsafe {
        let init = if encrypt == 1 { sys::EVP_EncryptInit_ex } else { sys::EVP_DecryptInit_ex };
        let (aes, sha256) = algorithms();
        let cipher_key = key[NAME..].as_ptr();
        let mac_key = key[NAME + CIPHER_KEY..].as_ptr();
        let none = std::ptr::null_mut();
        init(cipher, aes, none, cipher_key, iv.as_ptr()) == 1
            && sys::HMAC_Init_ex(mac, mac_key.cast(), MAC_KEY as _, sha256, std::ptr::null_mut()) == 1
    };
    // With TLS 1.3 each connection is to bring the client a new ticket, for it uses each but once
    // (RFC 8446 C.4).
    let renew = at > 0 || ssl.version2() == Some(SslVersion::TLS1_3);
    match (done, encrypt == 0 && renew) {
        (false, _) => FAILED,
        (true, false) => DONE,
        (true, true) => DONE_RENEW,
    }
}

impl fmt::Debug for TicketKeys {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketKeys").field("keys", &self.0.keys.load().all.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(keys: &TicketKeys) -> Vec<[u8; NAME]> {
        keys.current().all.iter().map(|key| *key.first_chunk().unwrap()).collect()
    }

    #[test]
    fn the_key_of_before_is_still_read_and_no_older_one() {
        let keys = TicketKeys::new().unwrap();
        let first = names(&keys);
        keys.rotate().unwrap();
        let second = names(&keys);
        assert_eq!((second.len(), second[1]), (2, first[0]));
        keys.rotate().unwrap();
        let third = names(&keys);
        assert_eq!((third.len(), third[1]), (2, second[0]));
        assert!(!third.contains(&first[0]));
    }

    #[test]
    fn keys_rotate_by_themselves_when_their_time_is_over() {
        let Some(long_ago) = Instant::now().checked_sub(ROTATION) else { return };
        let keys = TicketKeys::new().unwrap();
        let first = names(&keys);
        let all = keys.0.keys.load().all.clone();
        keys.0.keys.store(Arc::new(Keys { all, since: long_ago }));
        let second = names(&keys);
        assert_eq!((second.len(), second[1]), (2, first[0]));
        assert_eq!(names(&keys), second, "and not again at once");
    }

    #[test]
    fn what_is_exported_can_be_imported_and_nothing_else() {
        let keys = TicketKeys::new().unwrap();
        keys.rotate().unwrap();
        let bytes = keys.export();
        assert_eq!(names(&TicketKeys::import(&bytes).unwrap()), names(&keys));
        assert_eq!(TicketKeys::import(&bytes).unwrap().export(), bytes);
        for cut in 0..bytes.len() - KEY {
            assert!(TicketKeys::import(&bytes[..cut]).is_err(), "{cut} bytes");
        }
        let mut other = bytes.clone();
        other[7] += 1;
        assert!(TicketKeys::import(&other).is_err());
        assert!(TicketKeys::import(&[&bytes[..], &[0; KEY]].concat()).is_err());
    }
}
