//! What the machine would refuse: addresses in use, folders that are missing, ports that need rights.
//!
//! Everything is read from the kernel's own lists. Nothing is bound, opened or asked, so that whatever
//! runs does not notice.

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use gorge::protocols::Address;
use gorge::server::PidFile;

use crate::config::value::{ListenAddress, LogTarget};
use crate::config::{Config, Diagnostic, Place, Span};

/// Looks at everything the configuration wants from the machine.
pub(crate) fn look(config: &Config) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let own = config.server.pid_file.as_ref().and_then(|file| PidFile::read(&file.0).ok().flatten());
    let listening = Listening::read();
    let admin = config
        .server
        .admin
        .iter()
        .map(|address| (address, config.server.place.value("admin").unwrap_or(Span::NONE), false));
    let listens =
        config.listen.iter().map(|listen| (&listen.address.value, listen.address.span, listen.ipv6_only));
    for (ListenAddress(address), span, ipv6_only) in listens.chain(admin) {
        found.extend(taken(address, span, listening.inode(address, ipv6_only), own));
        found.extend(privileged(address, span));
        found.extend(socket_folder(address, span));
    }
    let server = &config.server;
    let logs = [("access_log", &server.access_log.to), ("error_log", &server.error_log.to)];
    for (key, target) in logs {
        if let LogTarget::File(path) = target {
            found.extend(folder(key, path, &server.place));
        }
    }
    if let Some(file) = &server.pid_file {
        found.extend(folder("pid_file", &file.0, &server.place));
    }
    found
}

/// Somebody else listens there. That this configuration is being served is no mistake.
fn taken(address: &Address, span: Span, inode: Option<u64>, own: Option<u32>) -> Option<Diagnostic> {
    let holder = holder(inode?);
    if let (Some((pid, _)), Some(own)) = (&holder, own)
        && *pid == own
    {
        return None;
    }
    let who = match holder {
        Some((pid, name)) => format!("{name} (process {pid}) listens there"),
        None => "another program listens there".to_owned(),
    };
    let help = "stop it, or choose another address; if it is the proxy that serves this file, a pid_file lets \
                `check` see that";
    Some(Diagnostic::error(format!("{address} is in use")).label(span, who).help(help))
}

/// Ports below this take rights.
fn first_free_port() -> u16 {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024)
}

fn privileged(address: &Address, span: Span) -> Option<Diagnostic> {
    let Address::Ip(addr) = address else { return None };
    // SAFETY: asks for a number, touches no memory and cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    if root || addr.port() == 0 || addr.port() >= first_free_port() {
        return None;
    }
    let message = format!("port {} takes the right CAP_NET_BIND_SERVICE, or root", addr.port());
    let help = format!("as this user listen from port {} on", first_free_port());
    Some(Diagnostic::warning(message).at(span).help(help))
}

fn socket_folder(address: &Address, span: Span) -> Option<Diagnostic> {
    let Address::Unix(path) = address else { return None };
    missing_folder(path)
        .map(|message| Diagnostic::error(message).at(span).help("make it, or choose another path"))
}

fn folder(key: &str, path: &Path, place: &Place) -> Option<Diagnostic> {
    let span = place.value(key).unwrap_or(Span::NONE);
    missing_folder(path).map(|message| {
        Diagnostic::error(format!("{key}: {message}")).at(span).help("make it, or choose another path")
    })
}

/// Why no file can be made at `path`, as far as its folder tells.
fn missing_folder(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() {
        return Some(format!("{} is a folder", path.display()));
    }
    match fs::metadata(folder) {
        Err(error) => Some(format!("the folder {} cannot be used: {error}", folder.display())),
        Ok(data) if !data.is_dir() => Some(format!("{} is no folder", folder.display())),
        Ok(_) if !path.exists() && !writable(folder) => {
            Some(format!("this user may not write to the folder {}", folder.display()))
        }
        Ok(_) => None,
    }
}

fn writable(folder: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let Ok(name) = std::ffi::CString::new(folder.as_os_str().as_bytes()) else { return false };
    // SAFETY: the name ends with a NUL and lives until the call has returned.
    unsafe { libc::access(name.as_ptr(), libc::W_OK) == 0 }
}

/// Sockets on which somebody listens, by the kernel's lists.
struct Listening {
    tcp: Vec<(SocketAddr, u64)>,
    unix: HashMap<String, u64>,
}

impl Listening {
    fn read() -> Self {
        let lines = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let (four, six) = (lines("/proc/net/tcp"), lines("/proc/net/tcp6"));
        let tcp = four.lines().chain(six.lines()).filter_map(tcp_line).collect();
        let unix = lines("/proc/net/unix").lines().filter_map(unix_line).collect();
        Self { tcp, unix }
    }

    /// The socket that takes connections to this address, or keeps others from listening there.
    fn inode(&self, address: &Address, ipv6_only: bool) -> Option<u64> {
        match address {
            Address::Ip(wanted) if wanted.port() != 0 => {
                // `[::]` takes connections of IPv4 as well, unless it is told not to.
                let any = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
                let wants_both = wanted.ip() == any && !ipv6_only;
                let clash = |held: &SocketAddr| {
                    held.port() == wanted.port()
                        && (held.ip() == wanted.ip()
                            || held.ip().is_unspecified()
                            || wanted.ip().is_unspecified())
                        && (held.is_ipv4() == wanted.is_ipv4() || held.ip() == any || wants_both)
                };
                self.tcp.iter().find(|(held, _)| clash(held)).map(|(_, inode)| *inode)
            }
            Address::Unix(path) => self.unix.get(&path.display().to_string()).copied(),
            Address::Abstract(name) => self.unix.get(&format!("@{}", name.escape_ascii())).copied(),
            _ => None,
        }
    }
}

/// `sl local_address rem_address st ... inode`; state 0A listens.
fn tcp_line(line: &str) -> Option<(SocketAddr, u64)> {
    let mut words = line.split_ascii_whitespace();
    let local = words.nth(1)?;
    let (ip, port) = local.split_once(':')?;
    if words.nth(1)? != "0A" {
        return None;
    }
    let inode = words.nth(5)?.parse().ok()?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some((SocketAddr::new(hex_ip(ip)?, port), inode))
}

/// Addresses stand there as words of 32 bits in the machine's byte order.
fn hex_ip(text: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let hex = text.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(hex, 16).ok().map(u32::to_ne_bytes)
    };
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (at, four) in bytes.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(at)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

/// `Num RefCount Protocol Flags Type St Inode Path`; the flag 10000 listens.
fn unix_line(line: &str) -> Option<(String, u64)> {
    let mut words = line.split_ascii_whitespace();
    if words.nth(3)? != "00010000" {
        return None;
    }
    let inode = words.nth(2)?.parse().ok()?;
    Some((words.next()?.to_owned(), inode))
}

/// The process that has this socket, as far as this user may know.
fn holder(inode: u64) -> Option<(u32, String)> {
    let wanted = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    for process in processes {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        let has = files
            .flatten()
            .any(|file| fs::read_link(file.path()).is_ok_and(|to| to.to_str() == Some(&wanted)));
        if has {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some((pid, name.trim().to_owned()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lists_are_read() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 4711 1 0 100 0 0 10 0";
        if cfg!(target_endian = "little") {
            assert_eq!(tcp_line(line), Some(("127.0.0.1:8080".parse().unwrap(), 4711)));
        }
        let connected = line.replace(" 0A ", " 01 ");
        assert_eq!(tcp_line(&connected), None);
        let line = "0000000000000000: 00000002 00000000 00010000 0001 01 4712 /run/a.sock";
        assert_eq!(unix_line(line), Some(("/run/a.sock".into(), 4712)));
        assert_eq!(unix_line("0000: 00000003 00000000 00000000 0001 03 4713 /run/a.sock"), None);
        assert_eq!(tcp_line("  sl  local_address rem_address   st"), None);
    }
}
