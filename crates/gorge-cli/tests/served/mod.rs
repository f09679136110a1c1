//! `gorge run` with a configuration that a test writes.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of this module")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gorge_test_util::{LIMIT, Origin, Program, RawClient, Response, TempFolder, timeout_guard};

/// Where cargo has put the program.
pub const GORGE: &str = env!("CARGO_BIN_EXE_gorge");

/// The plainest request.
pub const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// One listener on a port that the kernel chooses, and a PID file so that the verbs work.
pub const HEAD: &str = r#"
[server]
workers = 2
pid_file = "gorge.pid"
[[listen]]
address = "127.0.0.1:0"
"#;

/// A folder with a configuration in it, and the program that serves that.
pub struct Served {
    pub program: Program,
    pub folder: TempFolder,
}

/// What a program that ran to its end has said.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// It ended with this code, and said this.
    #[track_caller]
    pub fn expect(&self, code: i32, said: &str) {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(self.out.contains(said) || self.err.contains(said), "{said:?} is not in {self:#?}");
    }
}

impl Served {
    /// Writes `gorge.toml` and serves it.
    pub fn start(config: &str) -> Self {
        Self::start_in(TempFolder::new(), config)
    }

    /// The same beside the files that are in a folder already.
    pub fn start_in(folder: TempFolder, config: &str) -> Self {
        let file = folder.write("gorge.toml", config);
        let program = Program::start(GORGE, &["run", "-c", text(&file)]);
        Self { program, folder }
    }

    /// Serves on one port with these routes and upstreams.
    pub fn with(rest: &str) -> Self {
        Self::start(&format!("{HEAD}{rest}"))
    }

    /// The address of the first listener.
    pub fn addr(&self) -> SocketAddr {
        self.program.addr()
    }

    /// Those of this many listeners, in the order of the file.
    pub fn addrs(&self, count: usize) -> Vec<SocketAddr> {
        let lines = self.program.err().wait_for_count("listening on ", count);
        lines.iter().map(|line| behind(line, "listening on ")).collect()
    }

    /// Waits until it says that it listens on this many addresses of any kind.
    pub fn addrs_of_any(&self, count: usize) {
        self.program.err().wait_for_count("listening on ", count);
    }

    /// That of the admin service.
    pub fn admin(&self) -> SocketAddr {
        behind(&self.program.err().wait_for("admin at "), "admin at ")
    }

    /// A new connection.
    pub fn client(&self) -> RawClient {
        RawClient::connect(self.addr())
    }

    /// The answer to one request on a connection of its own.
    #[track_caller]
    pub fn ask(&self, request: &str) -> Response {
        ask(self.addr(), request)
    }

    /// Where the configuration is.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("gorge.toml")
    }

    /// A path in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Another configuration takes the place of the last one, all at once.
    pub fn write(&self, config: &str) {
        let new = self.folder.write("gorge.toml.new", config);
        std::fs::rename(new, self.file()).unwrap();
    }

    /// Runs another verb on the same configuration.
    pub fn verb(&self, words: &[&str]) -> Ended {
        let file = self.file();
        gorge(&[words, &["-c", text(&file)]].concat())
    }

    /// Another configuration, and `gorge reload`, which must be told that it went well.
    #[track_caller]
    pub fn reload(&self, config: &str) -> Ended {
        self.write(config);
        let ended = self.verb(&["reload"]);
        assert_eq!(ended.code, 0, "{ended:#?}");
        ended
    }
}

/// The address behind some words of a line.
pub fn behind(line: &str, words: &str) -> SocketAddr {
    let rest = line.split_once(words).map_or("", |(_, rest)| rest);
    let word = rest.split_whitespace().next().unwrap_or_default();
    word.parse().unwrap_or_else(|_| panic!("no address behind {words:?}: {line}"))
}

/// The answer to one request on a connection of its own.
#[track_caller]
pub fn ask(to: SocketAddr, request: &str) -> Response {
    let mut client = RawClient::connect(to);
    client.send(request);
    client.response_to(request.split(' ').next().unwrap_or_default())
}

/// Runs the program to its end.
pub fn gorge(words: &[&str]) -> Ended {
    let mut command = Command::new(GORGE);
    command.args(words);
    to_end(command)
}

/// Runs a command to its end.
pub fn to_end(mut command: Command) -> Ended {
    timeout_guard("the program", move || {
        let ran = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ended { code: ran.status.code().unwrap_or(-1), out: text(ran.stdout), err: text(ran.stderr) }
    })
}

/// An origin that answers with its name, and tells in the body what it was asked.
pub fn telling(name: &'static str) -> Origin {
    Origin::start(move |connection| {
        while let Some(request) = connection.next_request() {
            let body = format!("{} {} {}", request.method, request.target, request.text());
            connection.send(answer(&format!("X-Origin: {name}\r\n"), &body));
        }
    })
}

/// 200 with these fields, each with its line end, and this body.
pub fn answer(fields: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// An upstream of one server.
pub fn upstream(name: &str, to: SocketAddr) -> String {
    format!("[upstream.{name}]\nservers = [\"{to}\"]\n")
}

/// What is in a file; empty as long as there is none.
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Looks again and again until it is so.
///
/// # Panics
/// After [`LIMIT`], with what it is about.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "not within {LIMIT:?}: {what}");
        // Not to wait for something, but to leave the cores to those who do it.
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("the folder for temporary files has a plain name")
}
