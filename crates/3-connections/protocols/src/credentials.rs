//! Names and secrets, and whether a request shows one of them.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

/// The longest field value that is looked at.
const LONGEST: usize = 1024;

/// How a secret begins that is given as the SHA-256 of the real one, in hexadecimal.
const HASHED: &str = "{SHA256}";

type Hash = [u8; 32];

/// Who may pass, by name and password (`Basic`, RFC 7617) or by token (`Bearer`, RFC 6750).
///
/// The secrets themselves are not kept, only their SHA-256. Every check takes the same time whatever
/// is right or wrong about what was shown: all entries are compared in full, so that nobody learns
/// from the time which names exist or how much of a secret is right. It grows with the number of
/// entries (some ten nanoseconds each).
///
/// ```
/// use gorge_protocols::Credentials;
///
/// let users = Credentials::basic([("alice", "secret")])?;
/// // alice:secret
/// assert!(users.check(Some(b"Basic YWxpY2U6c2VjcmV0")).is_some());
/// assert!(users.check(None).is_none());
/// # Ok::<_, gorge_protocols::InvalidCredentials>(())
/// ```
#[derive(Clone)]
pub struct Credentials {
    scheme: Scheme,
    entries: Arc<[Entry]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Basic,
    Bearer,
}

struct Entry {
    /// `None` for a token.
    name: Option<Arc<str>>,
    name_hash: Hash,
    secret_hash: Hash,
}

impl Credentials {
    /// Of names and passwords. A password that begins with `{SHA256}` is given as the SHA-256 of the
    /// real one: 64 hexadecimal digits follow.
    ///
    /// # Errors
    /// [`InvalidCredentials`]: a name that Basic cannot carry or that comes twice, an empty password,
    /// a hash that is none.
    pub fn basic<N: AsRef<str>, S: AsRef<str>>(
        users: impl IntoIterator<Item = (N, S)>,
    ) -> Result<Self, InvalidCredentials> {
        let mut entries: Vec<Entry> = Vec::new();
        for (name, secret) in users {
            let name = name.as_ref();
            if name.is_empty() || name.contains(|c: char| c == ':' || c.is_control()) {
                return Err(InvalidCredentials::Name);
            }
            if entries.iter().any(|entry| entry.name.as_deref() == Some(name)) {
                return Err(InvalidCredentials::Twice);
            }
            let secret_hash = secret_hash(secret.as_ref())?;
            entries.push(Entry { name: Some(name.into()), name_hash: hash(name.as_bytes()), secret_hash });
        }
        Ok(Credentials { scheme: Scheme::Basic, entries: entries.into() })
    }

    /// Of tokens; with `{SHA256}` as in [`basic`](Credentials::basic).
    ///
    /// # Errors
    /// [`InvalidCredentials`]: an empty token, a hash that is none.
    pub fn bearer<S: AsRef<str>>(tokens: impl IntoIterator<Item = S>) -> Result<Self, InvalidCredentials> {
        let entry = |token: S| {
            let secret_hash = secret_hash(token.as_ref())?;
            Ok(Entry { name: None, name_hash: hash(b""), secret_hash })
        };
        let entries: Result<_, _> = tokens.into_iter().map(entry).collect();
        Ok(Credentials { scheme: Scheme::Bearer, entries: entries? })
    }

    /// Who it is that shows `field_value`, the value of `Authorization` or `Proxy-Authorization`;
    /// `None` for whom it shows nobody. It allocates nothing.
    ///
    /// Values longer than 1 KiB show nobody.
    pub fn check(&self, field_value: Option<&[u8]>) -> Option<Identity> {
        let mut decoded = [0; LONGEST];
        let (name, secret) = self.shown(field_value?, &mut decoded)?;
        let (name, secret) = (hash(name), hash(secret));
        let mut found = u32::MAX;
        for (place, entry) in (0u32..).zip(&*self.entries) {
            let right = entry.name_hash.ct_eq(&name) & entry.secret_hash.ct_eq(&secret);
            found.conditional_assign(&place, right);
        }
        let entry = self.entries.get(found as usize)?;
        Some(Identity { name: entry.name.clone() })
    }

    /// Name and secret as they were shown.
    fn shown<'a>(&self, value: &'a [u8], decoded: &'a mut [u8; LONGEST]) -> Option<(&'a [u8], &'a [u8])> {
        if value.len() > LONGEST {
            return None;
        }
        let word: &[u8] = match self.scheme {
            Scheme::Basic => b"Basic",
            Scheme::Bearer => b"Bearer",
        };
        let (scheme, rest) = value.split_at_checked(word.len())?;
        let rest = rest.strip_prefix(b" ")?.trim_ascii();
        if !scheme.eq_ignore_ascii_case(word) {
            return None;
        }
        if self.scheme == Scheme::Bearer {
            return Some((b"", rest));
        }
        let len = STANDARD.decode_slice(rest, decoded).ok()?;
        let pair = &decoded[..len];
        let colon = pair.iter().position(|&byte| byte == b':')?;
        Some((&pair[..colon], &pair[colon + 1..]))
    }

    /// What to ask for in `WWW-Authenticate` or `Proxy-Authenticate` (RFC 9110 11.6.1). `realm` is
    /// shown to users; what a field cannot carry is left out of it.
    pub fn challenge(&self, realm: &str) -> String {
        let mut quoted = String::with_capacity(realm.len());
        for c in realm.chars().filter(|c| matches!(c, ' '..='~')) {
            if matches!(c, '"' | '\\') {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        match self.scheme {
            Scheme::Basic => format!("Basic realm=\"{quoted}\", charset=\"UTF-8\""),
            Scheme::Bearer => format!("Bearer realm=\"{quoted}\""),
        }
    }
}

fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

fn secret_hash(secret: &str) -> Result<Hash, InvalidCredentials> {
    match secret.strip_prefix(HASHED) {
        Some(digits) => from_hex(digits.as_bytes()).ok_or(InvalidCredentials::Hash),
        None if secret.is_empty() => Err(InvalidCredentials::Empty),
        None => Ok(hash(secret.as_bytes())),
    }
}

fn from_hex(digits: &[u8]) -> Option<Hash> {
    let mut hash = Hash::default();
    if digits.len() != 2 * hash.len() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16);
        *byte = (value(pair[0])? << 4 | value(pair[1])?) as u8;
    }
    Some(hash)
}

impl fmt::Debug for Credentials {
    /// How many there are; neither names nor secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("scheme", &self.scheme)
            .field("entries", &self.entries.len())
            .finish()
    }
}

/// Who was recognised. Cloning allocates nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    name: Option<Arc<str>>,
}

impl Identity {
    /// The name; `None` for who showed a token.
    pub fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }
}

/// Why a list of credentials cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidCredentials {
    /// A password or token is empty.
    Empty,
    /// What follows `{SHA256}` is not 64 hexadecimal digits.
    Hash,
    /// A name is empty, or has a colon or a control character.
    Name,
    /// A name comes twice.
    Twice,
}

impl fmt::Display for InvalidCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidCredentials::Empty => "empty password or token",
            InvalidCredentials::Hash => "{SHA256} must be followed by 64 hexadecimal digits",
            InvalidCredentials::Name => {
                "a user name must not be empty, nor have a colon or a control character"
            }
            InvalidCredentials::Twice => "the same user name twice",
        })
    }
}

impl std::error::Error for InvalidCredentials {}
