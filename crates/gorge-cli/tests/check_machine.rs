//! `gorge check` looks at the machine, and touches nothing.

mod served;

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;

use gorge_test_util::TempFolder;
use served::{Ended, GET, HEAD, Served, text};

const OK: &str = "[[route]]\nrespond = { text = \"ok\" }\n";

fn check(folder: &TempFolder, config: &str) -> Ended {
    let file = folder.write("gorge.toml", config);
    served::gorge(&["check", "-c", text(&file)])
}

fn files(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().flatten().map(|file| file.file_name().to_string_lossy().into()).collect()
}

#[test]
fn nothing_is_opened_or_made() {
    let folder = TempFolder::new();
    let config = HEAD.replace("[[listen]]", "access_log = \"a.log\"\nerror_log = \"e.log\"\n[[listen]]")
        + "[[listen]]\naddress = \"unix:gorge.sock\"\n"
        + OK;
    check(&folder, &config).expect(0, "no mistakes");
    let file = folder.path().join("gorge.toml");
    served::gorge(&["check", "-c", text(&file), "--explain", "http://a/"]).expect(0, "route: 1");
    assert_eq!(files(folder.path()), BTreeSet::from(["gorge.toml".to_owned()]));
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let folder = TempFolder::new();
    let good = format!("{HEAD}{OK}");
    let ended = check(&folder, &good);
    ended.expect(0, "all 10000 connections at their worst: ");
    check(&folder, &(good.clone() + "[[route]]\nupstrem = \"x\"\n")).expect(1, "did you mean");
    let warned = check(&folder, &(good.clone() + "[upstream.unused]\nservers = [\"127.0.0.1:1\"]\n"));
    warned.expect(0, "unused");
    let file = folder.write("gorge.toml", good);
    for words in [
        &["--explain", "http://"][..],
        &["--explain", "http://a/", "--method", "A B"],
        &["--explain", "http://a/", "--header", "no colon"],
        &["--header", "A: b"],
        &["--nonsense"],
    ] {
        let ended = served::gorge(&[&["check", "-c", text(&file)], words].concat());
        assert_eq!(ended.code, 2, "{words:?}: {ended:?}");
        assert!(!ended.err.is_empty(), "{words:?}");
    }
    served::gorge(&["check", "-c", "/nonexistent.toml"]).expect(1, "there is no such file");
}

#[test]
fn who_listens_already_is_named() {
    let folder = TempFolder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let socket = folder.path().join("taken.sock");
    let _unix = UnixListener::bind(&socket).unwrap();
    let own = fs::read_to_string("/proc/self/comm").unwrap();
    let who = format!("{} (process {})", own.trim(), std::process::id());
    let any = format!("0.0.0.0:{}", address.port());
    let any_six = format!("[::]:{}", address.port());
    let unix = format!("unix:{}", socket.display());
    for address in [&address.to_string(), &any, &any_six, &unix] {
        for key in ["[[listen]]\naddress", "[[listen]]\naddress = \"127.0.0.1:0\"\n[server]\nadmin"] {
            let ended = check(&folder, &format!("{key} = \"{address}\"\n{OK}"));
            ended.expect(1, "is in use");
            // Of a long path the message may need two lines.
            let flat: String = ended.err.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(&who), "{who} in {}", ended.err);
        }
    }
    // The same port of another address is free.
    check(&folder, &format!("[[listen]]\naddress = \"127.0.0.2:{}\"\n{OK}", address.port()))
        .expect(0, "no mistakes");
}

#[test]
fn the_process_that_serves_the_file_is_not_in_its_way() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = TempFolder::new();
    let socket = folder.path().join("own.sock");
    let config = HEAD.replace("127.0.0.1:0", &free.to_string())
        + &format!("[[listen]]\naddress = \"unix:{}\"\n", socket.display())
        + OK;
    let served = Served::start_in(folder, &config);
    served.addrs_of_any(2);
    served.verb(&["check"]).expect(0, "no mistakes");
    assert_eq!(served.ask(GET).text(), "ok", "and it did not notice");
    // Another file for the same address is told.
    let other = TempFolder::new();
    let ended = check(&other, &config);
    ended.expect(1, &format!("process {}", served.program.id()));
}

#[test]
fn folders_that_are_missing_are_told_before_they_are_needed() {
    let folder = TempFolder::new();
    for (key, value) in [
        ("access_log", "missing/a.log"),
        ("error_log", "missing/e.log"),
        ("pid_file", "missing/gorge.pid"),
        ("access_log", "gorge.toml/a.log"),
    ] {
        let config = format!("[server]\n{key} = \"{value}\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n{OK}");
        let ended = check(&folder, &config);
        ended.expect(1, key);
        ended.expect(1, value.split_once('/').unwrap().0);
    }
    let config = format!("[[listen]]\naddress = \"unix:missing/gorge.sock\"\n{OK}");
    check(&folder, &config).expect(1, "missing");
}
