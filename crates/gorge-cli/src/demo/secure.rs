//! The demo over TLS, with a certificate made on the spot.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gorge::error::{Error, Kind, OrErr, Result};
use gorge::protocols::Address;
use gorge::tls::Certificate;

/// For how long the certificate is good: longer than anybody looks at a demo.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Folders that may be there already.
const TRIES: u32 = 100;

/// How much higher than the other the port is: 8443 beside 8080.
const HIGHER: u16 = 8443 - 8080;

/// Where the demo listens over TLS, and the folder with its certificate, which goes with this value.
pub(super) struct Secure {
    folder: PathBuf,
    address: SocketAddr,
}

impl Secure {
    /// Makes the certificate. It is served at the port that is as much higher as 8443 is than 8080, or at any if
    /// that is taken. `None` where the proxy listens on a Unix socket: nobody speaks TLS there.
    pub(super) fn new(beside: &Address) -> Result<Option<Self>> {
        let Address::Ip(address) = beside else { return Ok(None) };
        let mut address = *address;
        // A port that the kernel chooses has another beside it.
        address.set_port(if address.port() == 0 {
            0
        } else {
            address.port().checked_add(HIGHER).unwrap_or(0)
        });
        // Many programs take 8443; the demo has no need of this very port.
        if TcpListener::bind(address).is_err_and(|error| error.kind() == ErrorKind::AddrInUse) {
            address.set_port(0);
        }
        let secure = Self { folder: own_folder(&std::env::temp_dir())?, address };
        secure.write()?;
        Ok(Some(secure))
    }

    fn write(&self) -> Result<()> {
        let own = self.address.ip().to_string();
        let mut names = vec!["localhost", "127.0.0.1", "::1"];
        if !self.address.ip().is_unspecified() && !names.contains(&own.as_str()) {
            names.push(&own);
        }
        let certificate = Certificate::self_signed(&names, LIFETIME)?;
        for (path, text) in
            [(self.certificate(), certificate.to_pem()?), (self.key(), certificate.key_to_pem()?)]
        {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            file.and_then(|mut file| file.write_all(text.as_bytes()))
                .or_err_with(Kind::File, || format!("write {}", path.display()))?;
        }
        Ok(())
    }

    /// The file with the certificate, for clients to trust.
    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.join("demo.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.join("demo.key")
    }

    /// The text of the demo's file with its lines about TLS in force.
    pub(super) fn put_into(&self, text: &str) -> String {
        let quoted = |path: &Path| super::file::quoted(&path.display().to_string());
        text.replace("#[[listen]]", "[[listen]]")
            .replace("#address = \"127.0.0.1:8443\"", &format!("address = \"{}\"", self.address))
            .replace("#[listen.tls]", "[listen.tls]")
            .replace("#certificates", "certificates")
            .replace("\"demo.pem\"", &quoted(&self.certificate()))
            .replace("\"demo.key\"", &quoted(&self.key()))
    }
}

/// A folder that nobody else looks into.
fn own_folder(parent: &Path) -> Result<PathBuf> {
    let mut number = 0;
    loop {
        let folder = parent.join(format!("gorge-demo-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            // Left behind by a process with this number that was killed, or made by somebody else.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < TRIES => number += 1,
            Err(error) => {
                return Err(Error::because(Kind::File, format!("make {}", folder.display()), error));
            }
        }
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        // What is left lies among what is temporary.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_none_to_insist_on() {
        let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let taken = held.local_addr().unwrap();
        let beside = |port: u16| Address::from(SocketAddr::from(([127, 0, 0, 1], port)));
        let Some(lower) = taken.port().checked_sub(HIGHER) else { return };
        assert_eq!(Secure::new(&beside(lower)).unwrap().unwrap().address.port(), 0);
        drop(held);
        assert_eq!(Secure::new(&beside(0)).unwrap().unwrap().address.port(), 0);
        assert!(Secure::new(&"unix:/run/demo.sock".parse().unwrap()).unwrap().is_none());
    }

    #[test]
    fn what_was_left_behind_is_in_nobodys_way() {
        let parent = own_folder(&std::env::temp_dir()).unwrap();
        let (one, other) = (own_folder(&parent).unwrap(), own_folder(&parent).unwrap());
        assert_ne!(one, other);
        fs::remove_dir_all(&parent).unwrap();
        assert!(own_folder(&parent).is_err());
    }
}
