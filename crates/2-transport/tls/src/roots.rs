//! Whose signatures make certificates good.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::SystemTime;
use std::{env, fs};

use gorge_error::{Context, Error, Kind, Result};
use openssl::error::ErrorStack;
use openssl::sha::sha256;
use openssl::x509::X509;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use parking_lot::Mutex;

use crate::ffi;
use crate::options::library;

/// Whose signatures make certificates good. A certificate among them is trusted whether it signed itself or
/// not, so an intermediate may stand there without its root.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Roots {
    /// Those of the system: the file and folders that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, or else the
    /// bundle of the package `ca-certificates`, wherever the system keeps it.
    #[default]
    System,
    /// These, in PEM. [`Roots::from_pem`] and [`Roots::read`] look at them first.
    Pem(Arc<[u8]>),
}

impl Roots {
    /// Certificates in PEM, or a single one in DER.
    ///
    /// # Errors
    /// [`Kind::CertificateInvalid`]: there is none, or one of them is broken.
    pub fn from_pem(bytes: &[u8]) -> Result<Self> {
        let pem = match X509::from_der(bytes) {
            Ok(one) => one.to_pem().map_err(library)?,
            Err(_) => bytes.to_vec(),
        };
        parse(&pem)?;
        Ok(Self::Pem(pem.into()))
    }

    /// Certificates from a file in PEM, or in DER with a single one.
    ///
    /// # Errors
    /// [`Kind::File`]: it cannot be read; else as for [`from_pem`](Self::from_pem), with the name of the file.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read(path)?;
        Self::from_pem(&bytes)
            .map_err(|error| error.context(format!("the CA certificates in {}", path.display())))
    }

    /// How many certificates there are.
    ///
    /// # Errors
    /// [`Kind::CertificateInvalid`]: there is none; the text says where it was looked for.
    pub fn count(&self) -> Result<usize> {
        Ok(self.store()?.certificates().len())
    }

    /// The certificates, made ready. Equal ones are made ready once and shared.
    pub(crate) fn store(&self) -> Result<Arc<Trusted>> {
        let from = match self {
            Self::System => Source::System(SystemFiles::find(&|name| env::var_os(name), &BUNDLES, &FOLDERS)?),
            Self::Pem(pem) => Source::Pem(sha256(pem)),
        };
        if let Some(ready) = shared(&from) {
            return Ok(ready);
        }
        let certificates = match (self, &from) {
            (Self::Pem(pem), _) => parse(pem)?,
            (Self::System, Source::System(files)) => files.load()?,
            (Self::System, Source::Pem(_)) => Vec::new(),
        };
        share(from, Trusted::new(certificates)?)
    }
}

impl std::fmt::Debug for Roots {
    /// Without the certificates.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::Pem(pem) => write!(f, "Pem({} bytes)", pem.len()),
        }
    }
}

/// Certificates to trust, as the library wants them. Its lookups lock for a moment, in handshakes alone.
pub(crate) struct Trusted {
    store: X509Store,
    certificates: Vec<X509>,
}

impl Trusted {
    fn new(certificates: Vec<X509>) -> Result<Self> {
        let mut store = X509StoreBuilder::new().map_err(library)?;
        for certificate in &certificates {
            store.add_cert(certificate.clone()).map_err(library)?;
        }
        store.set_flags(X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::TRUSTED_FIRST).map_err(library)?;
        Ok(Self { store: store.build(), certificates })
    }

    /// For a context to hold.
    pub(crate) fn store(&self) -> X509Store {
        ffi::share_store(&self.store)
    }

    /// Each of them.
    pub(crate) fn certificates(&self) -> &[X509] {
        &self.certificates
    }
}

/// Where trusted certificates come from; when it changes, they are read anew.
#[derive(Clone, PartialEq, Eq)]
enum Source {
    System(SystemFiles),
    /// By their SHA-256.
    Pem([u8; 32]),
}

/// What is in use somewhere in the process.
static SHARED: Mutex<Vec<(Source, Weak<Trusted>)>> = Mutex::new(Vec::new());

fn shared(from: &Source) -> Option<Arc<Trusted>> {
    SHARED.lock().iter().find(|(source, _)| source == from)?.1.upgrade()
}

fn share(from: Source, made: Trusted) -> Result<Arc<Trusted>> {
    let made = Arc::new(made);
    let mut all = SHARED.lock();
    all.retain(|(source, held)| held.strong_count() > 0 && *source != from);
    all.push((from, Arc::downgrade(&made)));
    Ok(made)
}

/// Where systems keep the bundle of all CA certificates.
const BUNDLES: [&str; 6] = [
    // Debian, Ubuntu, Arch, Alpine, Gentoo.
    "/etc/ssl/certs/ca-certificates.crt",
    // Fedora, RHEL, Amazon Linux.
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    // openSUSE.
    "/etc/ssl/ca-bundle.pem",
    // macOS, OpenBSD, Alpine.
    "/etc/ssl/cert.pem",
    // FreeBSD.
    "/usr/local/etc/ssl/cert.pem",
];

/// Where they keep them one by one.
const FOLDERS: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// Files with the system's CA certificates, each with its size and age.
#[derive(Clone, PartialEq, Eq)]
struct SystemFiles(Vec<(PathBuf, u64, Option<SystemTime>)>);

impl SystemFiles {
    /// What the environment names, else the first bundle there is, else the first folder with a certificate.
    fn find(variable: &dyn Fn(&str) -> Option<OsString>, bundles: &[&str], folders: &[&str]) -> Result<Self> {
        let (file, dir) = (variable("SSL_CERT_FILE"), variable("SSL_CERT_DIR"));
        if file.is_some() || dir.is_some() {
            let mut paths: Vec<PathBuf> = file.iter().map(PathBuf::from).collect();
            for folder in dir.iter().flat_map(env::split_paths) {
                paths.extend(within(&folder));
            }
            let found = Self::look(paths);
            if found.0.is_empty() {
                let set = [("SSL_CERT_FILE", file), ("SSL_CERT_DIR", dir)];
                let set: Vec<_> =
                    set.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))).collect();
                let set: Vec<_> =
                    set.iter().map(|(name, value)| format!("{name}={}", value.display())).collect();
                return Err(none(format!("{} leads to no file", set.join(" "))));
            }
            return Ok(found);
        }
        for bundle in bundles {
            let found = Self::look(vec![bundle.into()]);
            if !found.0.is_empty() {
                return Ok(found);
            }
        }
        for folder in folders {
            let found = Self::look(within(Path::new(folder)));
            if !found.0.is_empty() {
                return Ok(found);
            }
        }
        let looked = [bundles, folders].concat().join(", ");
        Err(none(format!("this system has none; looked for {looked}")))
    }

    /// Of these, the files that exist.
    fn look(paths: Vec<PathBuf>) -> Self {
        let look = |path: PathBuf| {
            let about = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
            Some((path, about.len(), about.modified().ok()))
        };
        Self(paths.into_iter().filter_map(look).collect())
    }

    /// Their certificates; broken ones and other files are passed over.
    fn load(&self) -> Result<Vec<X509>> {
        let mut certificates = Vec::new();
        for (path, ..) in &self.0 {
            let Ok(bytes) = fs::read(path) else { continue };
            certificates.extend(blocks(&bytes).filter_map(std::result::Result::ok));
        }
        if certificates.is_empty() {
            let first = self.0.first().map(|(path, ..)| path.display().to_string()).unwrap_or_default();
            return Err(none(format!("{first} holds no certificate that can be read")));
        }
        Ok(certificates)
    }
}

/// The files in a folder, in order of their names.
fn within(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(std::result::Result::ok);
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn none(why: String) -> Error {
    let context = format!(
        "no CA certificates to verify servers with: {why} (install the package ca-certificates, or name a file \
         of CA certificates as `ca`)"
    );
    Error::explain(Kind::CertificateInvalid, context).into_internal()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| {
        Error::because(Kind::File, format!("read the CA certificates in {}", path.display()), error)
            .into_internal()
    })
}

/// All of them, of which there is at least one and none is broken.
fn parse(pem: &[u8]) -> Result<Vec<X509>> {
    let mut certificates = Vec::new();
    for (at, block) in blocks(pem).enumerate() {
        let broken = |error| because(format!("certificate {} is broken", at + 1), error);
        certificates.push(block.map_err(broken)?);
    }
    if certificates.is_empty() {
        let context = match labels(pem).first() {
            Some(label) => format!("there is no certificate, only {}", label.escape_debug()),
            None => "there is no certificate; one begins with -----BEGIN CERTIFICATE-----".to_owned(),
        };
        return Err(Error::explain(Kind::CertificateInvalid, context).into_internal());
    }
    Ok(certificates)
}

fn because(context: impl Into<Context>, error: ErrorStack) -> Error {
    Error::because(Kind::CertificateInvalid, context, error).into_internal()
}

const BEGIN: &str = "-----BEGIN ";

/// The certificates of a text in PEM (RFC 7468 5), whatever stands between them.
fn blocks(pem: &[u8]) -> impl Iterator<Item = std::result::Result<X509, ErrorStack>> {
    let text = String::from_utf8_lossy(pem).into_owned();
    let is_certificate = |at: &usize| {
        let label = &text[at + BEGIN.len()..];
        label.starts_with("CERTIFICATE-----") || label.starts_with("X509 CERTIFICATE-----")
    };
    let starts: Vec<_> = text.match_indices(BEGIN).map(|(at, _)| at).filter(is_certificate).collect();
    starts.into_iter().map(move |at| {
        let block = &text[at..];
        // Up to the next one, should the end be missing.
        let end = block[BEGIN.len()..].find(BEGIN).map_or(block.len(), |next| BEGIN.len() + next);
        X509::from_pem(&block.as_bytes()[..end])
    })
}

/// What the blocks of a text in PEM say they are.
fn labels(pem: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(pem);
    let label = |(at, _): (usize, &str)| Some(text[at + BEGIN.len()..].split_once("-----")?.0.to_owned());
    text.match_indices(BEGIN).filter_map(label).filter(|label| label.len() < 64).collect()
}

#[cfg(test)]
mod tests {
    use gorge_test_util::{Authority, TempFolder};

    use super::*;

    fn nothing_set(_: &str) -> Option<OsString> {
        None
    }

    /// The message of a failure.
    fn said<T>(result: Result<T>) -> String {
        match result {
            Ok(_) => panic!("it was taken"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_system_without_certificates_says_where_they_were_looked_for() {
        let text = said(SystemFiles::find(&nothing_set, &["/nowhere/bundle.crt"], &["/nowhere/certs"]));
        assert!(
            text.contains("this system has none; looked for /nowhere/bundle.crt, /nowhere/certs"),
            "{text}"
        );
        assert!(
            text.contains("install the package ca-certificates, or name a file of CA certificates as `ca`")
        );
    }

    #[test]
    fn the_first_bundle_there_is_counts_and_then_a_folder() {
        let folder = TempFolder::new();
        let bundle = Authority::new("one").pem() + "something between\n" + &Authority::new("two").pem();
        let bundle = folder.write("bundle.crt", bundle).display().to_string();
        let found =
            SystemFiles::find(&nothing_set, &["/nowhere/bundle.crt", &bundle], &["/nowhere"]).unwrap();
        assert_eq!(found.load().unwrap().len(), 2);

        let certs = TempFolder::new();
        certs.write("b.0", Authority::new("three").pem());
        certs.write("a.0", Authority::new("four").pem());
        certs.write("README", "no certificate");
        let path = certs.path().display().to_string();
        let found = SystemFiles::find(&nothing_set, &["/nowhere/bundle.crt"], &[&path]).unwrap();
        assert_eq!(found.load().unwrap().len(), 2);
    }

    #[test]
    fn the_environment_comes_first() {
        let folder = TempFolder::new();
        let file = folder.write("set.pem", Authority::new("set").pem());
        let bundle = folder.write("bundle.crt", Authority::new("not set").pem()).display().to_string();
        let set = |name: &str| (name == "SSL_CERT_FILE").then(|| file.clone().into_os_string());
        let found = SystemFiles::find(&set, &[&bundle], &[]).unwrap();
        assert_eq!(found.0[0].0, file);

        let two = TempFolder::new();
        two.write("a.pem", Authority::new("a").pem());
        let both = env::join_paths([folder.path(), two.path()]).unwrap();
        let dirs = |name: &str| (name == "SSL_CERT_DIR").then(|| both.clone());
        assert_eq!(SystemFiles::find(&dirs, &[&bundle], &[]).unwrap().load().unwrap().len(), 3);

        let wrong = |name: &str| (name == "SSL_CERT_FILE").then(|| "/nowhere/set.pem".into());
        let text = said(SystemFiles::find(&wrong, &[&bundle], &[]));
        assert!(text.contains("SSL_CERT_FILE=/nowhere/set.pem leads to no file"), "{text}");
    }

    #[test]
    fn a_bundle_without_certificates_is_said() {
        let folder = TempFolder::new();
        let bundle = folder.write("bundle.crt", "").display().to_string();
        let found = SystemFiles::find(&nothing_set, &[&bundle], &[]).unwrap();
        let text = said(found.load());
        assert!(text.contains("bundle.crt holds no certificate that can be read"), "{text}");
    }

    #[test]
    fn a_bundle_that_changed_is_another_source() {
        let folder = TempFolder::new();
        let path = folder.write("bundle.crt", Authority::new("one").pem()).display().to_string();
        let before = SystemFiles::find(&nothing_set, &[&path], &[]).unwrap();
        assert!(before == SystemFiles::find(&nothing_set, &[&path], &[]).unwrap());
        folder.write("bundle.crt", Authority::new("another one").pem());
        assert!(before != SystemFiles::find(&nothing_set, &[&path], &[]).unwrap());
    }

    #[test]
    fn equal_ones_are_made_ready_once_and_shared() {
        let pem = Authority::new("shared").pem();
        let roots = || Roots::from_pem(pem.as_bytes()).unwrap().store().unwrap();
        let (one, two) = (roots(), roots());
        assert!(Arc::ptr_eq(&one, &two));
        assert_eq!(one.certificates().len(), 1);
        let other = Roots::from_pem(Authority::new("other").pem().as_bytes()).unwrap().store().unwrap();
        assert!(!Arc::ptr_eq(&one, &other));
    }
}
