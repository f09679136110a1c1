//! Why something is no certificate with a key.

use std::fmt;
use std::io;
use std::path::PathBuf;

use gorge_error::{Error, Kind};

/// Why a certificate and its key cannot be used.
///
/// Numbers count the certificates of a file from 1, lines the lines of it from 1. The text says what to do
/// about it; [`part`](Self::part) says which of the two files it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// A certificate that cannot be read as one.
    BrokenCertificate {
        /// Which.
        number: usize,
        /// Where it begins, in PEM.
        line: Option<usize>,
        /// What is wrong with it.
        why: String,
    },
    /// A private key that cannot be read as one.
    BrokenKey {
        /// Where it begins, in PEM.
        line: Option<usize>,
        /// What is wrong with it.
        why: String,
    },
    /// PEM that is cut off or damaged.
    BrokenPem {
        /// In which file.
        part: Part,
        /// Where the damaged block begins.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is nothing in the file.
    Empty {
        /// Which file.
        part: Part,
    },
    /// The key is kept under a password, which nobody can type in at the start of a server.
    EncryptedKey,
    /// The key is that of one of the certificates, but not of the first.
    KeyOfLater {
        /// Of which.
        number: usize,
        /// Its subject.
        subject: String,
    },
    /// The key is that of none of the certificates.
    KeyOfOther {
        /// What the key is.
        key: String,
        /// What the key of the certificate is.
        certificate: String,
    },
    /// The file is neither PEM nor DER.
    NotPem {
        /// Which file.
        part: Part,
    },
    /// A certificate did not sign the one before it.
    OutOfOrder {
        /// Which did not.
        number: usize,
        /// Its subject.
        subject: String,
        /// The issuer of the one before it.
        wanted: String,
        /// Which one did, if it is there.
        signer: Option<usize>,
    },
    /// More than one private key in one file.
    SeveralKeys {
        /// Where the second begins.
        line: usize,
    },
    /// The file is larger than 1 MiB, and no certificate is.
    TooLarge {
        /// Which file.
        part: Part,
    },
    /// More certificates than any chain has.
    TooMany {
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The same certificate a second time.
    Twice {
        /// The first of the two.
        first: usize,
        /// The second.
        second: usize,
    },
    /// The file cannot be read.
    Unreadable {
        /// Which file.
        part: Part,
        /// Where it was looked for.
        path: PathBuf,
        /// What the system says, as a kind.
        kind: io::ErrorKind,
        /// What the system says, in words.
        why: String,
    },
    /// A key that TLS has no use for.
    UnsupportedKey {
        /// The key itself, or that of the certificate.
        part: Part,
        /// What it is.
        found: String,
    },
    /// Something else than what belongs there.
    WrongBlock {
        /// In which file.
        part: Part,
        /// Where it begins, in PEM.
        line: Option<usize>,
        /// What it is, in PEM's words: `CERTIFICATE REQUEST`.
        found: String,
    },
}

/// The two files that a certificate is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The certificate with its chain.
    Certificate,
    /// The private key.
    Key,
}

impl CertificateFault {
    /// Which of the two files is to be looked at.
    #[must_use]
    pub fn part(&self) -> Part {
        match self {
            Self::BrokenPem { part, .. }
            | Self::Empty { part }
            | Self::NotPem { part }
            | Self::TooLarge { part }
            | Self::Unreadable { part, .. }
            | Self::UnsupportedKey { part, .. }
            | Self::WrongBlock { part, .. } => *part,
            Self::BrokenKey { .. }
            | Self::EncryptedKey
            | Self::KeyOfOther { .. }
            | Self::SeveralKeys { .. } => Part::Key,
            Self::BrokenCertificate { .. }
            | Self::KeyOfLater { .. }
            | Self::OutOfOrder { .. }
            | Self::TooMany { .. }
            | Self::Twice { .. } => Part::Certificate,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Certificate => "certificate",
            Self::Key => "private key",
        })
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrokenCertificate { number, line, why } => {
                write!(f, "certificate {number} of the file{} is broken: {why}", At(*line))
            }
            Self::BrokenKey { line, why } => write!(f, "the private key{} is broken: {why}", At(*line)),
            Self::BrokenPem { part, line, why } => {
                write!(f, "the PEM of the {part} is broken: of the block that begins on line {line} {why}")
            }
            Self::Empty { part } => write!(f, "the file of the {part} is empty"),
            Self::EncryptedKey => f.write_str(
                "the private key is encrypted, and a server has nobody to ask for the password: \
                 write it out with `openssl pkey -in FILE -out NEW`, readable by this server alone",
            ),
            Self::KeyOfLater { number, subject } => write!(
                f,
                "the private key is that of certificate {number} of the file, {subject}: it must come first, \
                 then the one that signed it, and so on"
            ),
            Self::KeyOfOther { key, certificate } if key == certificate => {
                write!(f, "the private key is that of another certificate: both are {key}, but not a pair")
            }
            Self::KeyOfOther { key, certificate } => write!(
                f,
                "the private key is that of another certificate: it is {key}, the certificate's is {certificate}"
            ),
            Self::NotPem { part } => {
                write!(f, "the file of the {part} is neither PEM (`-----BEGIN ...`) nor DER")
            }
            Self::OutOfOrder { number, subject, wanted, signer } => {
                out_of_order(f, *number, subject, wanted, *signer)
            }
            Self::SeveralKeys { line } => write!(
                f,
                "there is more than one private key in the file, the second on line {line}: each certificate \
                 has a key file of its own"
            ),
            Self::TooLarge { part } => write!(f, "the file of the {part} is larger than 1 MiB"),
            Self::TooMany { found, limit } => write!(
                f,
                "there are {found} certificates in the file, and a chain has at most {limit}: is it a list of \
                 authorities?"
            ),
            Self::Twice { first, second } => {
                write!(f, "certificate {second} of the file is certificate {first} once more: leave it out")
            }
            Self::Unreadable { part, path, why, .. } => {
                write!(f, "the {part} cannot be read from {}: {why}", path.display())
            }
            Self::UnsupportedKey { part, found } => {
                let whose = if *part == Part::Key { "the private key" } else { "the key of the certificate" };
                write!(f, "{whose} is {found}: TLS takes RSA, ECDSA over P-256, P-384 or P-521, and Ed25519")
            }
            Self::WrongBlock { part, line, found } => wrong_block(f, *part, *line, found),
        }
    }
}

fn out_of_order(
    f: &mut fmt::Formatter<'_>,
    number: usize,
    subject: &str,
    wanted: &str,
    signer: Option<usize>,
) -> fmt::Result {
    let before = number - 1;
    write!(f, "certificate {number} of the file, {subject}, did not sign certificate {before}, ")?;
    if subject == wanted {
        write!(f, "though it has the name of its issuer: it is perhaps an older or newer one of that name")?;
    } else {
        write!(f, "whose issuer is {wanted}")?;
    }
    match signer {
        Some(signer) => write!(f, "; certificate {signer} did: put it behind certificate {before}"),
        None => f.write_str("; the order is: the one for the server, the one that signed it, and so on"),
    }
}

fn wrong_block(f: &mut fmt::Formatter<'_>, part: Part, line: Option<usize>, found: &str) -> fmt::Result {
    let what = match found {
        "CERTIFICATE" | "X509 CERTIFICATE" => "a certificate",
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            "a request for a certificate; the authority answers it with one"
        }
        "OPENSSH PRIVATE KEY" => "a key of OpenSSH, which is for other uses",
        "PKCS12" => {
            "PKCS #12; `openssl pkcs12 -in FILE -nodes -out NEW` writes what is in it as PEM, \
             good for certificate and key alike"
        }
        "PKCS7" | "CMS" => "PKCS #7; `openssl pkcs7 -in FILE -print_certs -out NEW` writes its certificates",
        "PUBLIC KEY" | "RSA PUBLIC KEY" => "a public key",
        "TRUSTED CERTIFICATE" => {
            "a certificate with settings of OpenSSL's own; `openssl x509 -in FILE -out NEW` leaves them out"
        }
        "X509 CRL" => "a list of revoked certificates",
        found if found.ends_with("PRIVATE KEY") => "a private key",
        found => found,
    };
    write!(f, "there is no {part} in the file; what is there{}, is {what}", At(line))
}

/// A place in words, if there is one.
struct At(Option<usize>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, ", on line {line}"))
    }
}

impl std::error::Error for CertificateFault {}

impl From<CertificateFault> for Error {
    /// [`Kind::File`] if it cannot be read, else [`Kind::CertificateInvalid`].
    fn from(fault: CertificateFault) -> Self {
        let kind = match &fault {
            CertificateFault::Unreadable { .. } => Kind::File,
            _ => Kind::CertificateInvalid,
        };
        Self::explain(kind, fault.to_string())
    }
}
