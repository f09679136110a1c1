//! nginx as an origin.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};

use socket2::SockRef;

use crate::tls::ServerTls;
use crate::tool::{self, TempFolder};

/// An nginx on an ephemeral port, ended with this value.
pub struct Nginx {
    child: Child,
    addr: SocketAddr,
    folder: TempFolder,
}

impl Nginx {
    /// Starts it with these directives inside its one `server { }`; files are served from [`Nginx::folder`].
    ///
    /// The listening socket is bound here and inherited, so that no port is guessed and connections wait from the
    /// first moment on.
    ///
    /// # Panics
    /// When nginx is missing.
    pub fn start(directives: &str) -> Self {
        Self::start_with("", directives)
    }

    /// The same, listening with these options, `proxy_protocol` for instance.
    ///
    /// # Panics
    /// When nginx is missing.
    pub fn start_with(options: &str, directives: &str) -> Self {
        Self::in_folder(TempFolder::new(), options, directives)
    }

    /// The same with TLS. Directives may use its variables: `$ssl_protocol`, `$ssl_cipher`, `$ssl_server_name`,
    /// `$ssl_session_reused`, `$ssl_client_s_dn`.
    ///
    /// A client without the certificate that is required gets 400 after the handshake, as nginx does it.
    ///
    /// # Panics
    /// When nginx is missing. It does not listen with the key of another certificate, which shows when it is used.
    pub fn start_tls(tls: &ServerTls, directives: &str) -> Self {
        let folder = TempFolder::new();
        let directives = format!("{} {directives}", tls_directives(tls, &folder));
        Self::in_folder(folder, "ssl", &directives)
    }

    fn in_folder(folder: TempFolder, options: &str, directives: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("an ephemeral port of loopback");
        let addr = listener.local_addr().expect("a bound socket has an address");
        SockRef::from(&listener).set_cloexec(false).expect("a flag of our own descriptor");
        let config =
            folder.write("nginx.conf", configuration(&folder, &format!("{addr} {options}"), directives));
        let mut command = Command::new("nginx");
        command.arg("-c").arg(config).arg("-p").arg(folder.path());
        command.env("NGINX", format!("{};", listener.as_raw_fd()));
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let child = tool::spawn(&mut command);
        Self { child, addr, folder }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The folder it serves files from, unless the directives say otherwise.
    pub fn folder(&self) -> &TempFolder {
        &self.folder
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers only when it is asked politely.
        tool::signal(self.child.id(), libc::SIGTERM);
        tool::wait_or_kill(&mut self.child);
    }
}

fn configuration(folder: &TempFolder, listen: &str, directives: &str) -> String {
    let folder = folder.path().display();
    // SAFETY: asks the kernel for a number and touches no memory.
    let root = unsafe { libc::geteuid() } == 0;
    // Started as root it would change to a user that may not write to the folder.
    let user = if root { "user root;" } else { "" };
    format!(
        "daemon off; {user} worker_processes 1; pid {folder}/pid; error_log {folder}/error.log warn;
         events {{ worker_connections 256; }}
         http {{
             access_log off;
             client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
             uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
             server {{ listen {listen}; root {folder}; {directives} }}
         }}"
    )
}

fn tls_directives(tls: &ServerTls, folder: &TempFolder) -> String {
    let files = tls.files(folder);
    let versions: Vec<_> = tls.version_range().each().map(|version| version.setting()).collect();
    let mut text = format!(
        "ssl_certificate {}; ssl_certificate_key {}; ssl_protocols {};",
        files.cert.display(),
        files.key.display(),
        versions.join(" ")
    );
    if let Some(list) = tls.cipher_list() {
        text += &format!(" ssl_ciphers {list};");
    }
    if let Some(ca) = files.client_ca {
        let verify = if tls.client_is_required() == Some(true) { "on" } else { "optional" };
        text += &format!(
            " ssl_client_certificate {}; ssl_verify_client {verify}; ssl_verify_depth 4;",
            ca.display()
        );
    }
    text
}
