//! The stage of one page: a folder, origins, and the program with the configuration in force.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gorge_cli::config::{self, Environment, Style};
use gorge_test_util::{LIMIT, Origin, Program, RefusedPort, TempFolder};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::compare;
use super::page::{Block, Page};

const GORGE: &str = env!("CARGO_BIN_EXE_gorge");

/// Folders of a real machine, which stand in the folder of the page here.
const FOLDERS: [&str; 4] = ["/etc/gorge", "/run", "/srv", "/var/log/gorge"];

/// What `gorge run` is called with when nothing else is said.
const RUN: &str = "gorge run -c gorge.toml";

pub(super) struct Stage {
    folder: TempFolder,
    origins: BTreeMap<String, Server>,
    /// What stands on the page, and what stands for it here.
    names: Vec<(String, String)>,
    /// Ports of the page that clients connect to, and where that leads.
    ports: BTreeMap<u16, SocketAddr>,
    /// Addresses that the program is about to listen on.
    listening: Vec<String>,
    /// Keeps the ports of the addresses to listen on from being given to others.
    reserved: Vec<RefusedPort>,
    configured: Option<String>,
    program: Option<Program>,
}

/// What stands behind a server's address. Lives as long as the page.
enum Server {
    Dead(RefusedPort),
    Living(Origin),
}

impl Server {
    fn addr(&self) -> SocketAddr {
        match self {
            Self::Dead(port) => port.addr(),
            Self::Living(origin) => origin.addr(),
        }
    }
}

impl Stage {
    pub(super) fn new(page: &Page) -> Self {
        let folder = TempFolder::new();
        let mut names = Vec::new();
        for real in FOLDERS {
            let here = folder.path().join(&real[1..]);
            std::fs::create_dir_all(&here).unwrap();
            names.push((format!("{real}/"), format!("{}/", here.display())));
        }
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(GORGE, bin.join("gorge")).unwrap();
        let mut stage = Self {
            folder,
            origins: BTreeMap::new(),
            names,
            ports: BTreeMap::new(),
            listening: Vec::new(),
            reserved: Vec::new(),
            configured: None,
            program: None,
        };
        let is_run = page.blocks.iter().any(|block| block.language == "console");
        if is_run {
            let blocks = page.blocks.iter().filter(|block| block.language == "toml" && !block.is("wrong"));
            let servers: BTreeSet<_> = blocks.flat_map(|block| servers(&whole(block))).collect();
            servers.into_iter().for_each(|server| stage.add_server(server));
        }
        assert!(is_run || !page.blocks.iter().any(|block| block.word("file=").is_some()), "{}", page.name);
        stage
    }

    fn add_server(&mut self, name: String) {
        let server = match name.chars().last() {
            Some('9') => Server::Dead(RefusedPort::new()),
            Some('8') => Server::Living(Origin::silent()),
            _ => Server::Living(echo(name.clone())),
        };
        let addr = server.addr();
        if let Some((_, port)) = name.rsplit_once(':') {
            // As it stands in a list of ports.
            self.names.push((format!("[{port}]"), format!("[{}]", addr.port())));
        }
        self.origins.insert(name.clone(), server);
        self.names.push((name, addr.to_string()));
    }

    /// Takes a configuration: it is read, and the next command meets a program that serves it.
    pub(super) fn configure(&mut self, block: &Block) {
        self.stop();
        let text = if block.is("wrong") { block.text.clone() } else { whole(block) };
        if let Ok(table) = DeTable::parse(&text) {
            self.reserve(table.get_ref());
        }
        let paths = FOLDERS.len();
        self.judge(block, &replace(&text, &self.names[..paths]));
        let real = replace(&text, &self.names);
        self.folder.write("gorge.toml", real);
        self.configured = Some(block.place.clone());
    }

    /// Reads a configuration as the program does, with the addresses of the page.
    fn judge(&self, block: &Block, text: &str) {
        let environment: Environment = [("UPSTREAM_HOST", "127.0.0.1")].into_iter().collect();
        let read = config::parse("gorge.toml", text, self.folder.path(), &environment);
        match read {
            Ok(_) if block.is("wrong") => panic!("{}: nothing is wrong with it:\n{text}", block.place),
            Ok(checked) if !block.is("warns") && !checked.warnings.is_empty() => {
                let all = checked.warnings.iter().map(|one| one.render(&checked.source, Style::PLAIN));
                panic!("{}: {}", block.place, all.collect::<String>());
            }
            Err(report) if !block.is("wrong") => panic!("{}: {}", block.place, report.render(Style::PLAIN)),
            _ => {}
        }
    }

    /// Gives each address to listen on a port of this run.
    fn reserve(&mut self, table: &DeTable<'_>) {
        self.listening.clear();
        self.ports.clear();
        for address in listens(table) {
            if let Some(path) = address.strip_prefix("unix:") {
                self.listening.push(format!("unix:{}", replace(path, &self.names)));
                continue;
            }
            let here = match self.names.iter().find(|(name, _)| *name == address) {
                Some((_, here)) => here.clone(),
                None => self.reserve_one(&address),
            };
            let (_, port) = address.rsplit_once(':').expect("an address has a port");
            self.ports.entry(port.parse().unwrap()).or_insert_with(|| here.parse().unwrap());
            self.listening.push(here);
        }
    }

    fn reserve_one(&mut self, address: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let port = RefusedPort::new();
        // Nobody else listens within this part of loopback, so the port is as good as ours.
        let number = NEXT.fetch_add(1, Ordering::Relaxed) & 0xff;
        let pid = std::process::id();
        let here = format!("127.{}.{}.{number}:{}", 64 + (pid >> 8 & 0x3f), pid & 0xff, port.addr().port());
        self.reserved.push(port);
        self.names.push((address.to_owned(), here.clone()));
        here
    }

    /// Writes a file that a page shows.
    pub(super) fn file(&mut self, block: &Block) {
        let name = block.word("file=").unwrap();
        let path = self.folder.path().join(replace(name, &self.names));
        std::fs::write(path, replace(&block.text, &self.names)).unwrap();
    }

    /// Runs the commands of a block.
    pub(super) fn console(&mut self, block: &Block) {
        if block.is("offline") {
            self.stop();
        }
        for (command, expected) in block.commands() {
            if is_run(&command) {
                self.start(&command);
                let said = self.program.as_ref().unwrap().err().text();
                self.compare(block, &command, &expected, &said);
                continue;
            }
            if !block.is("offline") && self.program.is_none() {
                assert!(self.configured.is_some(), "{}: no configuration so far", block.place);
                self.start(RUN);
            }
            self.try_command(block, &command, &expected);
        }
    }

    /// What only reads is tried again for a while: logs are written a moment later.
    fn try_command(&self, block: &Block, command: &str, expected: &[&str]) {
        let reads = ["cat ", "grep ", "ls ", "tail "].iter().any(|word| command.starts_with(word));
        let until = Instant::now() + LIMIT;
        loop {
            let printed = self.shell(command);
            if self.is_as_expected(expected, &printed) {
                return;
            }
            if !reads || Instant::now() > until {
                self.compare(block, command, expected, &printed);
            }
            // A file has nobody who tells of new lines.
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn is_as_expected(&self, expected: &[&str], printed: &str) -> bool {
        let printed = self.translate(printed);
        compare::matches(expected, &printed.lines().collect::<Vec<_>>())
    }

    fn compare(&self, block: &Block, command: &str, expected: &[&str], printed: &str) {
        assert!(
            self.is_as_expected(expected, printed),
            "{}: $ {command}\nexpected:\n{}\n\nprinted:\n{}\n\nthe program says:\n{}",
            block.place,
            expected.join("\n"),
            self.translate(printed),
            self.program.as_ref().map(|program| program.err().text()).unwrap_or_default()
        );
    }

    /// With the names of the page, without the line ends of the wire.
    fn translate(&self, printed: &str) -> String {
        let mut back: Vec<_> = self.names.iter().map(|(name, here)| (here.clone(), name.clone())).collect();
        back.extend(self.ports.iter().map(|(port, to)| (format!(":{}", to.port()), format!(":{port}"))));
        replace(printed, &back).replace('\r', "").trim_end().to_owned()
    }

    fn shell(&self, command: &str) -> String {
        self.write_curlrc();
        // curl is led by its own configuration, so that the host of a URL stays what it is. That does not
        // lead it to proxies.
        let is_curl = command.split_whitespace().any(|word| word == "curl") && !command.contains(" -x ");
        let names = if is_curl { &self.names[..FOLDERS.len()] } else { &self.names };
        let mut names = names.to_vec();
        if command.contains("--explain") {
            names.extend(
                self.ports.iter().map(|(port, to)| (format!(":{port}/"), format!(":{}/", to.port()))),
            );
        }
        let command = format!("{{ {}\n}} 2>&1", replace(command, &names));
        let ran = self.command("timeout").args(["30", "sh", "-c", &command]).output().unwrap();
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }

    fn command(&self, program: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env("HOME", self.folder.path()).env("LC_ALL", "C");
        command.env("CURL_HOME", self.folder.path());
        let proxies = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        for name in proxies {
            command.env_remove(name);
        }
        command.env("PATH", format!("{}/bin:{path}", self.folder.path().display()));
        command
    }

    /// Leads every request for a port of the page to where that is here.
    fn write_curlrc(&self) {
        let mut text = "silent\nshow-error\n".to_owned();
        for (port, to) in &self.ports {
            text.push_str(&format!("connect-to = \":{port}:{}:{}\"\n", to.ip(), to.port()));
        }
        self.folder.write(".curlrc", text);
    }

    fn start(&mut self, command: &str) {
        self.stop();
        let folder = self.folder.path().display();
        let path = std::env::var("PATH").unwrap_or_default();
        let command = replace(command, &self.names);
        // Nobody asks /readyz at the end of a test.
        let script = format!(
            "cd {folder} && PATH={folder}/bin:{path} && exec env GORGE__SERVER__DRAIN_DELAY=0s {command}"
        );
        let program = Program::start("sh", &["-c", &script]);
        self.program = Some(program);
        self.listening.iter().for_each(|address| self.wait_for(address));
        if let Some(program) = &self.program
            && !self.logs_to_a_file()
        {
            program.err().wait_for("listening on");
        }
    }

    fn logs_to_a_file(&self) -> bool {
        std::fs::read_to_string(self.folder.path().join("gorge.toml")).unwrap().contains("error_log")
    }

    /// Waits until somebody listens there.
    fn wait_for(&self, address: &str) {
        let until = Instant::now() + LIMIT;
        loop {
            let there = match address.strip_prefix("unix:") {
                Some(path) => UnixStream::connect(Path::new(path)).is_ok(),
                None => TcpStream::connect(address).is_ok(),
            };
            if there {
                return;
            }
            let said = self.program.as_ref().map(|program| program.err().text()).unwrap_or_default();
            assert!(Instant::now() < until, "nobody listens at {address}; the program says:\n{said}");
            // That an address is listened on is told to nobody.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn stop(&mut self) {
        if let Some(mut program) = self.program.take() {
            program.terminate();
            program.wait();
        }
    }

    pub(super) fn end(mut self) {
        self.stop();
    }
}

fn is_run(command: &str) -> bool {
    command.contains("gorge run ") && !command.contains(['|', ';'])
}

/// An origin that answers with what it was asked, below its own name. `/status/N` is answered with N.
fn echo(name: String) -> Origin {
    Origin::start(move |connection| {
        while let Some(request) = connection.next_request() {
            let mut text = format!("{name}\n{} {} {}\n", request.method, request.target, request.version);
            for (field, value) in &request.fields.0 {
                text.push_str(&format!("{field}: {value}\n"));
            }
            if !request.body.is_empty() {
                text.push_str(&format!("\n{}\n", String::from_utf8_lossy(&request.body)));
            }
            let status = request.target.strip_prefix("/status/").unwrap_or("200 OK");
            let body = if request.method == "HEAD" { "" } else { &text };
            connection.send(format!(
                "HTTP/1.1 {status}\r\nServer: origin\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
                text.len()
            ));
        }
    })
}

/// A configuration made whole.
fn whole(block: &Block) -> String {
    let mut text = block.text.clone();
    let table = DeTable::parse(&block.text).unwrap_or_else(|e| panic!("{}: {e}", block.place));
    let table = table.get_ref();
    if !table.contains_key("listen") {
        text.push_str("\n[[listen]]\naddress = \"127.0.0.1:8080\"\n");
    }
    let upstreams = table.get("upstream").and_then(|it| it.get_ref().as_table());
    let has: Vec<&str> =
        upstreams.into_iter().flat_map(|it| it.keys()).map(|name| &**name.get_ref()).collect();
    let routes = list(table, "route");
    let used: BTreeSet<_> =
        routes.iter().filter_map(|route| route.get("upstream")?.get_ref().as_str()).collect();
    for name in used.iter().filter(|name| !has.contains(name)) {
        text.push_str(&format!("\n[upstream.{name}]\nservers = [\"127.0.0.1:9001\"]\n"));
    }
    for name in has.iter().filter(|name| !used.contains(*name)) {
        let path = if has.len() == 1 { String::new() } else { format!("path = \"/{name}\"\n") };
        text.push_str(&format!("\n[[route]]\n{path}upstream = \"{name}\"\n"));
    }
    if has.is_empty() && routes.is_empty() {
        text.push_str("\n[upstream.app]\nservers = [\"127.0.0.1:9001\"]\n\n[[route]]\nupstream = \"app\"\n");
    }
    text
}

/// The tables in double brackets of this name.
fn list<'a, 't>(table: &'a DeTable<'t>, name: &str) -> Vec<&'a DeTable<'t>> {
    let all = table.get(name).and_then(|it| it.get_ref().as_array());
    all.into_iter().flat_map(|all| all.iter()).filter_map(|one| one.get_ref().as_table()).collect()
}

/// The addresses of all servers in a configuration.
fn servers(text: &str) -> Vec<String> {
    let table = DeTable::parse(text).expect("it was read before");
    let upstreams = table.get_ref().get("upstream").and_then(|it| it.get_ref().as_table());
    let upstreams = upstreams.into_iter().flat_map(|it| it.values()).filter_map(|it| it.get_ref().as_table());
    let servers =
        upstreams.filter_map(|it| it.get("servers")?.get_ref().as_array()).flat_map(|all| all.iter());
    let address = |server: &Spanned<DeValue<'_>>| match server.get_ref() {
        DeValue::Table(table) => table.get("address")?.get_ref().as_str().map(str::to_owned),
        other => other.as_str().map(str::to_owned),
    };
    servers
        .filter_map(address)
        .filter(|it| !["srv:", "unix:", "${"].iter().any(|other| it.starts_with(other)))
        .collect()
}

/// All addresses that are listened on.
fn listens(table: &DeTable<'_>) -> Vec<String> {
    let text = |table: &DeTable<'_>, key: &str| Some(table.get(key)?.get_ref().as_str()?.to_owned());
    let server = table.get("server").and_then(|it| it.get_ref().as_table());
    let admin = server.and_then(|server| text(server, "admin"));
    list(table, "listen").into_iter().filter_map(|listen| text(listen, "address")).chain(admin).collect()
}

/// Puts the second of each pair in the place of the first, the longest first.
fn replace(text: &str, pairs: &[(String, String)]) -> String {
    let mut pairs: Vec<_> = pairs.iter().collect();
    pairs.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
    let mut done = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let found = pairs.iter().find(|(from, _)| rest.starts_with(from.as_str()));
        match found {
            // `/run/` within a longer path is that path's own.
            Some((from, to)) if !(from.starts_with('/') && ends_with_word(&done)) => {
                done.push_str(to);
                rest = &rest[from.len()..];
            }
            _ => {
                let first = rest.chars().next().unwrap();
                done.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    done
}

fn ends_with_word(text: &str) -> bool {
    text.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-'))
}
