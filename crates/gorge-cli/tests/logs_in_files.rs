//! Logs in files through the program: renamed, rotated, and when the disk is full.

mod served;

use std::fs;
use std::path::PathBuf;

use served::{HEAD, Served, read, until};

const OK: &str = "[[route]]\nrespond = { text = \"ok\" }\n";

/// Serves with this access log.
fn serve(access_log: &str) -> Served {
    let head = HEAD.replace("[[listen]]", &format!("access_log = {access_log}\n[[listen]]"));
    Served::start(&format!("{head}{OK}"))
}

fn ask(served: &Served, path: &str) {
    assert_eq!(served.ask(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).status, 200);
}

#[test]
fn after_a_rename_the_signal_begins_a_new_file() {
    let served = serve("\"access.log\"");
    let (log, old) = (served.path("access.log"), served.path("access.log.old"));
    ask(&served, "/one");
    until("the line is there", || read(&log).contains("/one"));
    fs::rename(&log, &old).unwrap();
    ask(&served, "/two");
    until("the line is in the old file", || read(&old).contains("/two"));
    served.program.reopen_logs();
    served.program.err().wait_for("the log files are opened anew");
    ask(&served, "/three");
    until("the line is in the new file", || read(&log).contains("/three"));
    assert!(!read(&log).contains("/two") && !read(&old).contains("/three"));
}

#[test]
fn a_file_that_cannot_be_opened_anew_is_told_and_goes_on() {
    let served = serve("\"logs/access.log\"");
    let ended = served.program.err();
    ended.wait_for("logs");
    drop(served);

    let folder = gorge_test_util::TempFolder::new();
    fs::create_dir(folder.path().join("logs")).unwrap();
    let head = HEAD.replace("[[listen]]", "access_log = \"logs/access.log\"\n[[listen]]");
    let served = Served::start_in(folder, &format!("{head}{OK}"));
    ask(&served, "/one");
    fs::rename(served.path("logs"), served.path("moved")).unwrap();
    served.program.reopen_logs();
    served.program.err().wait_for("logs/access.log");
    ask(&served, "/two");
    until("the old one is still written", || read(&served.path("moved/access.log")).contains("/two"));
}

#[test]
fn a_file_of_the_size_is_rotated_and_so_many_are_kept() {
    let served = serve("{ to = \"access.log\", rotate = \"1KiB\", keep = 2, format = 'line $path' }");
    let files = || -> Vec<PathBuf> {
        let all = fs::read_dir(served.folder.path()).unwrap().flatten().map(|entry| entry.path());
        all.filter(|path| path.to_string_lossy().contains("access.log")).collect()
    };
    let long = "x".repeat(200);
    for number in 0..40 {
        ask(&served, &format!("/{number}/{long}"));
        // Each is written before the next comes, or all of them go into one file.
        until("the line is there", || files().iter().any(|file| read(file).contains(&format!("/{number}/"))));
    }
    let kept = files();
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert!(kept.iter().all(|file| read(file).len() <= 1500), "{kept:?}");
    let newest = read(&served.path("access.log"));
    assert!(newest.is_empty() || newest.contains("/39/"), "{newest}");
}

#[test]
fn a_full_disk_is_told_once_and_does_not_stop_the_service() {
    let served = serve("\"/dev/full\"");
    for number in 0..20 {
        ask(&served, &format!("/{number}"));
    }
    let told = served.program.err().wait_for("/dev/full");
    assert!(told.contains(" error "), "{told}");
    for number in 0..20 {
        ask(&served, &format!("/{number}"));
    }
    let all = served.program.err().text();
    assert_eq!(all.matches("/dev/full").count(), 1, "{all}");
}

#[test]
fn the_error_log_goes_to_a_file_too_but_not_to_the_same() {
    let head = HEAD.replace(
        "[[listen]]",
        "access_log = { to = \"access.log\", format = 'exchange $path' }\nerror_log = \"error.log\"\n[[listen]]",
    );
    let served = Served::start(&format!("{head}{OK}"));
    let (access, error) = (served.path("access.log"), served.path("error.log"));
    until("it says where it listens", || read(&error).contains("listening on "));
    let to = served::behind(&read(&error), "listening on ");
    served::ask(to, "GET /one HTTP/1.1\r\nHost: a\r\n\r\n");
    served::ask(to, "GET /two HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n");
    until("both are there", || {
        read(&access).contains("exchange /one") && read(&error).contains(" 400 head_invalid ")
    });
    assert_eq!(served.program.err().text(), "");
    served.write(&format!("{head}{OK}").replace("error.log", "access.log"));
    served.verb(&["reload"]).expect(1, "both logs would write into the same file");
}

#[test]
fn a_reload_moves_the_log_and_keeps_what_was_written() {
    let config = |log: &str| {
        let head = HEAD.replace("[[listen]]", &format!("access_log = \"{log}\"\n[[listen]]"));
        format!("{head}{OK}")
    };
    let served = Served::start(&config("one.log"));
    ask(&served, "/one");
    served.reload(&config("two.log"));
    ask(&served, "/two");
    served.reload(&config("one.log"));
    ask(&served, "/three");
    until("all are written", || read(&served.path("one.log")).contains("/three"));
    until("all are written", || read(&served.path("two.log")).contains("/two"));
    let (one, two) = (read(&served.path("one.log")), read(&served.path("two.log")));
    assert_eq!((one.lines().count(), two.lines().count()), (2, 1), "{one}{two}");
}

#[test]
fn an_upstream_failure_has_its_reason_in_both_logs() {
    let refused = gorge_test_util::RefusedPort::new();
    let head = HEAD.replace("[[listen]]", "access_log = { to = \"stdout\", format = 'json' }\n[[listen]]");
    let upstream = served::upstream("app", refused.addr());
    let served = Served::start(&format!("{head}{upstream}[[route]]\nname = \"shop\"\nupstream = \"app\"\n"));
    assert_eq!(served.ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").status, 502);
    let line = served.program.out().wait_for("\"status\":502");
    assert!(line.contains("connect_refused"), "{line}");
    let line = served.program.err().wait_for("502 connect_refused");
    assert!(line.contains("route=\"shop\"") && line.contains(&refused.addr().to_string()), "{line}");
}
