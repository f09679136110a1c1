//! nginx as an origin.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};

use socket2::SockRef;

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
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("an ephemeral port of loopback");
        let addr = listener.local_addr().expect("a bound socket has an address");
        SockRef::from(&listener).set_cloexec(false).expect("a flag of our own descriptor");
        let folder = TempFolder::new();
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
