//! PID files: whose they are, and whether anybody's.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use common::{Folder, until};
use gorge_error::Kind;
use gorge_server::PidFile;

#[test]
fn it_names_this_process_and_goes_with_it() {
    let folder = Folder::new();
    let path = folder.at("pid");
    assert_eq!(PidFile::read(&path).unwrap(), None);
    let held = PidFile::create(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
    assert_eq!(PidFile::read(&path).unwrap(), Some(std::process::id()));
    let error = PidFile::create(&path).unwrap_err();
    assert_eq!(error.kind(), Kind::Configuration);
    assert!(
        error.to_string().contains(&format!("already running with pid {}", std::process::id())),
        "{error}"
    );
    drop(held);
    assert!(!path.exists());
}

#[test]
fn a_file_without_a_lock_is_nobodys_and_taken_over() {
    let folder = Folder::new();
    let path = folder.at("pid");
    for left in ["1\n", "99999999999999999999\n", "", "no pid\n", &"9".repeat(100_000)] {
        fs::write(&path, left).unwrap();
        assert_eq!(PidFile::read(&path).unwrap(), None);
        let held = PidFile::create(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
        drop(held);
    }
}

#[test]
fn a_process_that_is_killed_leaves_no_lock() {
    let folder = Folder::new();
    let path = folder.at("pid");
    let mut other = Command::new("flock")
        .arg("--no-fork")
        .arg(&path)
        .args(["sh", "-c", &format!("echo $$ > {}; echo held; exec sleep 60", path.display())])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(other.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(PidFile::read(&path).unwrap(), Some(other.id()));
    let error = PidFile::create(&path).unwrap_err();
    assert!(error.to_string().contains(&format!("pid {}", other.id())), "{error}");
    other.kill().unwrap();
    other.wait().unwrap();
    until("no lock", || PidFile::read(&path).unwrap().is_none());
    PidFile::create(&path).unwrap();
}

#[test]
fn a_file_that_cannot_be_is_an_error() {
    let folder = Folder::new();
    assert_eq!(PidFile::create(folder.at("no/such/folder")).unwrap_err().kind(), Kind::File);
    assert_eq!(PidFile::create(folder.at(".")).unwrap_err().kind(), Kind::File);
}

#[test]
fn one_that_was_replaced_is_left_alone() {
    let folder = Folder::new();
    let path = folder.at("pid");
    let held = PidFile::create(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "somebody else's").unwrap();
    drop(held);
    assert_eq!(fs::read_to_string(&path).unwrap(), "somebody else's");
}
