//! Reading: from files and the environment, and how long it takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gorge_cli::config::{self, Checked, Environment, Report, Style};

const SMALL: &str = "\
[[listen]]
address = \"127.0.0.1:8080\"

[upstream.app]
servers = [\"127.0.0.1:9001\", \"127.0.0.1:9002\"]

[[route]]
upstream = \"app\"
";

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Checked, Report> {
    let environment: Environment = variables.iter().copied().collect();
    config::parse("gorge.toml", text, Path::new("."), &environment)
}

/// A file that is gone when this is.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("gorge-config-{}-{name}", std::process::id()));
        fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn the_environment_comes_before_the_file() {
    let variables = [
        ("GORGE_WORKERS", "3"),
        ("GORGE_MAX_CONNECTIONS", ""),
        ("GORGE__SERVER__GRACE", "5s"),
        ("GORGE__SERVER__NAME", "7"),
        ("GORGE__SERVER__ACCESS_LOG__KEEP", "2"),
        ("GORGE__LISTEN__0__ADDRESS", "[::1]:8080"),
        ("GORGE__LISTEN__1__ADDRESS", "127.0.0.1:8081"),
        ("GORGE__UPSTREAM__APP__CONNECT", "1s"),
        ("GORGE__ROUTE__0__METHODS", "[\"GET\"]"),
        ("GORGE_PORT", "not ours"),
    ];
    let text = format!("[server]\nworkers = 9\nmax_connections = 77\naccess_log = \"access.log\"\n{SMALL}");
    let config = parse(&text, &variables).unwrap().config;
    assert_eq!((config.server.workers, config.server.max_connections), (Some(3), 77));
    assert_eq!(config.server.grace, Duration::from_secs(5));
    assert_eq!((config.server.name.0.as_str(), config.server.access_log.keep), ("7", 2));
    let addresses: Vec<_> = config.listen.iter().map(|listen| listen.address.value.0.to_string()).collect();
    assert_eq!(addresses, ["[::1]:8080", "127.0.0.1:8081"]);
    assert_eq!(config.upstream.entries[0].1.connect, Duration::from_secs(1));
    assert_eq!(config.route[0].methods[0].value.as_str(), "GET");
}

#[test]
fn both_spellings_of_a_variable_are_a_mistake_if_they_differ() {
    let both = |long: &'static str| [("GORGE_WORKERS", "3"), ("GORGE__SERVER__WORKERS", long)];
    assert!(parse(SMALL, &both("3")).is_ok());
    let report = parse(SMALL, &both("4")).unwrap_err().to_string();
    assert!(report.contains("GORGE__SERVER__WORKERS") && report.contains("GORGE_WORKERS"), "{report}");
}

#[test]
fn a_value_that_came_from_elsewhere_is_never_told() {
    let set = "request_headers = { set = { \"X-A\" = \"${TOKEN} $nothing\", Host = \"${TOKEN}/\" } }";
    let text = format!("{SMALL}{set}\nbasic_auth = {{ users = {{ \"a:b\" = \"${{TOKEN}}\" }} }}\n");
    let report = parse(&text, &[("TOKEN", "geheim-7")]).unwrap_err();
    assert!(report.errors() >= 2);
    for style in [Style::PLAIN, Style { colours: true, unicode: true }] {
        assert!(!report.render(style).contains("geheim-7"), "{report}");
    }
    let checked = parse(
        &text.replace(" $nothing", "").replace("/\"", "\"").replace("a:b", "a"),
        &[("TOKEN", "geheim-7")],
    );
    let shown = format!("{:?}", checked.unwrap().config.route[0].basic_auth);
    assert!(!shown.contains("geheim-7"), "{shown}");
}

#[test]
fn what_cannot_be_read_is_told_without_a_panic() {
    let said = |path: &Path| config::read(path, &Environment::default()).unwrap_err().to_string();
    let missing = said(Path::new("no-such-folder/gorge.toml"));
    assert!(
        missing.contains("no-such-folder/gorge.toml") && missing.contains("there is no such file"),
        "{missing}"
    );
    assert!(missing.contains("--config"), "{missing}");
    assert!(said(Path::new("tests")).contains("no ordinary file"));
    let binary = Temporary::new("binary", b"[server]\nname = \"\xff\"\n");
    assert!(said(&binary.0).contains("line 2 of the configuration is no UTF-8"));
    let large = Temporary::new("large", &vec![b'#'; (16 << 20) + 1]);
    assert!(said(&large.0).contains("larger than 16 MiB"));
}

#[test]
fn a_file_that_never_holds_still_is_given_up_or_read_whole() {
    // Two versions that differ in length; each read must be of one of them.
    let long = SMALL.replace("127.0.0.1:8080", "127.0.0.1:18080");
    let file = Temporary::new("moving", SMALL.as_bytes());
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                for text in [long.as_str(), SMALL] {
                    fs::write(&file.0, text).unwrap();
                }
            }
        });
        for _ in 0..200 {
            // Cut short in the middle it would not be TOML, or lack a table.
            if let Err(report) = config::read(&file.0, &Environment::default()) {
                let said = report.to_string();
                let empty = said.contains("there is no [[listen]]");
                assert!(said.contains("changes while it is read") || empty, "{said}");
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn paths_are_those_of_the_files_folder() {
    let text = format!("[server]\npid_file = \"gorge.pid\"\naccess_log = \"/var/log/a.log\"\n{SMALL}");
    let environment = Environment::default();
    let checked = config::parse("gorge.toml", &text, Path::new("/etc/gorge"), &environment).unwrap();
    assert_eq!(checked.config.server.pid_file.unwrap().0, Path::new("/etc/gorge/gorge.pid"));
    let log = checked.config.server.access_log.to;
    assert_eq!(log, config::value::LogTarget::File("/var/log/a.log".into()));
}

/// Not timed by the clock: a walk that is quadratic somewhere would take minutes here, and the test
/// with it.
#[test]
fn tens_of_thousands_of_routes_are_no_matter() {
    let mut alike = SMALL.to_owned();
    for number in 0..20_000 {
        alike.push_str(&format!(
            "[[route]]\npath = \"/same\"\nmethods = [\"M{number}\"]\nupstream = \"app\"\n"
        ));
    }
    assert_eq!(parse(&alike, &[]).unwrap().config.route.len(), 20_001);
    let hosts: Vec<_> = (0..20_000).map(|number| format!("\"h{number}.example\"")).collect();
    let text = SMALL.replace("[[route]]\n", &format!("[[route]]\nhost = [{}]\n", hosts.join(", ")));
    assert_eq!(parse(&text, &[]).unwrap().config.route[0].host.0.len(), 20_000);
    let equal = "[[route]]\nupstream = \"app\"\n".repeat(20_000);
    assert_eq!(parse(&format!("{SMALL}{equal}"), &[]).unwrap_err().errors(), 20_000);
}
