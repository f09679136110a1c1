//! Log files: rotation, reopening, full disks, pipes; and logs that share a writer.

use std::collections::HashSet;
use std::ffi::CString;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use gorge_error::{Error, Kind};
use gorge_filter::{Event, Exchange, Observer, Outcome};
use gorge_http::Status;
use gorge_proxy::log::{AccessLog, ErrorLog, Format, HeldBack, Level, LineSink};
use gorge_server::{LogWriter, Rotation};

const LIMIT: Duration = Duration::from_secs(60);

/// A folder of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gorge-logs-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What all files hold, by name.
    fn files(&self) -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read_to_string(path).unwrap())
            })
            .collect();
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a writer reports.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<String>>>);

impl Reports {
    fn of(log: &LogWriter) -> Self {
        let reports = Reports::default();
        let here = reports.clone();
        log.report_to(move |text| here.0.lock().unwrap().push(text.to_owned()));
        reports
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn put(log: &LogWriter, text: &str) {
    log.line(&mut |out| out.extend_from_slice(text.as_bytes()));
}

fn keeping(size: u64, keep: u32) -> Rotation {
    Rotation { size, keep }
}

#[test]
fn a_full_file_is_put_aside_and_so_many_are_kept() {
    let folder = Folder::new();
    let log = LogWriter::file(folder.at("a.log"), keeping(100, 2)).unwrap();
    for n in 0..95 {
        put(&log, &format!("line {n:04}"));
    }
    log.flush();
    let lines = |range: std::ops::Range<u32>| range.map(|n| format!("line {n:04}\n")).collect::<String>();
    let expected = [
        ("a.log".to_owned(), lines(90..95)),
        ("a.log.1".to_owned(), lines(80..90)),
        ("a.log.2".to_owned(), lines(70..80)),
    ];
    assert_eq!(folder.files(), expected);
    // A line that is longer than a file may be stands alone.
    put(&log, &"x".repeat(500));
    put(&log, "after it");
    log.flush();
    let files = folder.files();
    assert_eq!(files[0].1, "after it\n");
    assert_eq!(files[1].1.len(), 501);
    assert_eq!(files[2].1, lines(90..95));
    assert_eq!((files.len(), log.dropped()), (3, 0));
}

#[test]
fn a_file_goes_on_where_the_last_process_left_it() {
    let folder = Folder::new();
    fs::write(folder.at("a.log"), "before 01\n".repeat(9)).unwrap();
    let log = LogWriter::file(folder.at("a.log"), keeping(100, 0)).unwrap();
    put(&log, "line 0001");
    log.flush();
    assert_eq!(folder.files()[0].1.lines().count(), 10);
    put(&log, "line 0002");
    log.flush();
    assert_eq!(folder.files(), [("a.log".to_owned(), "line 0002\n".to_owned())]);
}

#[test]
fn a_file_that_somebody_else_put_in_the_place_is_not_put_aside() {
    let folder = Folder::new();
    let log = LogWriter::file(folder.at("a.log"), keeping(20, 5)).unwrap();
    put(&log, "line 0001");
    log.flush();
    fs::rename(folder.at("a.log"), folder.at("moved")).unwrap();
    fs::write(folder.at("a.log"), "theirs 01\n").unwrap();
    for text in ["line 0002", "line 0003"] {
        put(&log, text);
    }
    log.flush();
    let expected = [("a.log", "theirs 01\nline 0003\n"), ("moved", "line 0001\nline 0002\n")];
    assert_eq!(folder.files(), expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
}

#[test]
fn a_link_is_followed_and_its_file_put_aside_where_it_lies() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    std::os::unix::fs::symlink(elsewhere.at("real.log"), folder.at("a.log")).unwrap();
    let log = LogWriter::file(folder.at("a.log"), keeping(10, 1)).unwrap();
    for text in ["line 0001", "line 0002"] {
        put(&log, text);
    }
    log.flush();
    let names: Vec<_> = elsewhere.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["real.log", "real.log.1"]);
    assert!(folder.at("a.log").is_symlink());
}

#[test]
fn a_new_file_is_not_for_everybody() {
    let folder = Folder::new();
    let _log = LogWriter::file(folder.at("a.log"), Rotation::default()).unwrap();
    let mode = fs::metadata(folder.at("a.log")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777 & !0o640, 0, "{mode:o}");
}

#[test]
fn what_cannot_be_opened_is_told_with_its_path() {
    let folder = Folder::new();
    let missing = folder.at("no/where.log");
    let error = LogWriter::file(&missing, Rotation::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::File);
    let told = format!("{error:#}");
    let expected =
        format!("open the log {}: there is no folder {}", missing.display(), folder.at("no").display());
    assert!(told.contains(&expected), "{told}");
    let error = LogWriter::file(&folder.0, Rotation::default()).unwrap_err();
    let told = format!("{error:#}");
    assert!(told.contains(&format!("open the log {}: Is a directory", folder.0.display())), "{told}");
}

#[test]
fn rotation_and_reopening_lose_no_line_and_tear_none() {
    const WRITERS: usize = 4;
    const LINES: usize = 5000;
    let folder = Folder::new();
    let log = LogWriter::file(folder.at("a.log"), keeping(20_000, 10_000)).unwrap();
    let reports = Reports::of(&log);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let log = log.clone();
                scope.spawn(move || {
                    for n in 0..LINES {
                        put(&log, &format!("<{writer} {n} {}>", "x".repeat(n % 50)));
                        if n % 100 == 0 {
                            log.flush();
                        }
                    }
                })
            })
            .collect();
        // Somebody else's rotation, at the same time.
        for n in 0.. {
            if writers.iter().all(|writer| writer.is_finished()) {
                break;
            }
            // Not there for the moment between our own renaming and opening.
            let _ = fs::rename(folder.at("a.log"), folder.at(&format!("moved-{n}")));
            log.reopen().unwrap();
        }
    });
    log.flush();
    let files = folder.files();
    assert!(files.iter().any(|(name, _)| name.starts_with("moved")), "{}", files.len());
    let mut seen = HashSet::new();
    for line in files.iter().flat_map(|(_, text)| text.lines()) {
        let inside = line.strip_prefix('<').and_then(|line| line.strip_suffix('>'));
        let parts: Vec<_> = inside.expect(line).split(' ').collect();
        let n: usize = parts[1].parse().unwrap();
        assert_eq!(parts[2].len(), n % 50, "{line}");
        assert!(seen.insert((parts[0].to_owned(), n)), "{line} twice");
    }
    assert_eq!((seen.len(), log.dropped()), (WRITERS * LINES, 0), "{:?}", reports.all());
}

#[test]
fn a_reopened_file_is_a_new_one_and_a_failed_reopening_keeps_the_old() {
    let folder = Folder::new();
    fs::create_dir(folder.at("logs")).unwrap();
    let log = LogWriter::file(folder.at("logs/a.log"), Rotation::NEVER).unwrap();
    put(&log, "one");
    log.flush();
    fs::rename(folder.at("logs"), folder.at("moved")).unwrap();
    put(&log, "two");
    let error = log.reopen().unwrap_err();
    assert!(format!("{error:#}").contains("reopen the log"), "{error:#}");
    put(&log, "three");
    log.flush();
    assert_eq!(fs::read_to_string(folder.at("moved/a.log")).unwrap(), "one\ntwo\nthree\n");
    fs::create_dir(folder.at("logs")).unwrap();
    log.reopen().unwrap();
    put(&log, "four");
    log.flush();
    assert_eq!(fs::read_to_string(folder.at("logs/a.log")).unwrap(), "four\n");
    assert_eq!(log.dropped(), 0);
}

#[test]
fn a_file_that_cannot_be_put_aside_grows_and_says_so() {
    let folder = Folder::new();
    // Neither root nor anyone can rename a file to the name of a folder.
    fs::create_dir_all(folder.at("a.log.1")).unwrap();
    let log = LogWriter::file(folder.at("a.log"), keeping(10, 1)).unwrap();
    let reports = Reports::of(&log);
    for text in ["line 0001", "line 0002"] {
        put(&log, text);
        log.flush();
    }
    assert_eq!(fs::read_to_string(folder.at("a.log")).unwrap(), "line 0001\nline 0002\n");
    let reports = reports.all();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("a.log: the file cannot be rotated, so it grows"), "{reports:?}");
}

#[test]
fn a_full_device_is_told_once_and_counted() {
    let log = LogWriter::file("/dev/full", Rotation::default()).unwrap();
    let reports = Reports::of(&log);
    for n in 1..=3 {
        put(&log, "lost");
        log.flush();
        assert_eq!(log.dropped(), n);
    }
    let reports = reports.all();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].starts_with("the log /dev/full: No space left on device"), "{reports:?}");
}

/// A disk of 64 KiB, where this process may mount one.
struct SmallDisk(Folder);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = Folder::new();
        let target = CString::new(folder.0.as_os_str().as_bytes()).unwrap();
        // SAFETY: all pointers are to strings that end with a NUL and outlive the call.
        let mounted = unsafe {
            libc::mount(c"gorge".as_ptr(), target.as_ptr(), c"tmpfs".as_ptr(), 0, c"size=64k".as_ptr().cast())
        };
        (mounted == 0).then_some(SmallDisk(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let target = CString::new(self.0.0.as_os_str().as_bytes()).unwrap();
        // SAFETY: the pointer is to a string that ends with a NUL and outlives the call.
        unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) };
    }
}

#[test]
fn a_disk_that_was_full_is_written_to_again() {
    // Who may not mount has `a_full_device_is_told_once_and_counted`.
    let Some(disk) = SmallDisk::mount() else { return };
    fs::write(disk.0.at("ballast"), vec![0; 32 * 1024]).unwrap();
    let log = LogWriter::file(disk.0.at("a.log"), Rotation::default()).unwrap();
    let (sender, told) = mpsc::channel();
    log.report_to(move |text| drop(sender.send(text.to_owned())));
    let line = "y".repeat(1000);
    for _ in 0..100 {
        put(&log, &line);
        log.flush();
    }
    assert!(log.dropped() > 0);
    let begun = told.recv_timeout(LIMIT).unwrap();
    assert!(begun.contains("No space left on device"), "{begun}");
    fs::remove_file(disk.0.at("ballast")).unwrap();
    let began = Instant::now();
    let over = loop {
        put(&log, "z");
        if let Ok(told) = told.recv_timeout(Duration::from_millis(20)) {
            break told;
        }
        assert!(began.elapsed() < LIMIT);
    };
    assert!(over.ends_with(&format!("it works again; {} lines were lost", log.dropped())), "{over}");
    log.flush();
    let text = fs::read_to_string(disk.0.at("a.log")).unwrap();
    let whole = text.lines().filter(|&text| text == line).count();
    assert_eq!(whole as u64 + log.dropped(), 100);
    let torn: Vec<_> = text.lines().filter(|&text| text != line && text != "z").collect();
    assert!(torn.len() <= 1 && torn.iter().all(|torn| torn.bytes().all(|b| b == b'y')), "{torn:?}");
}

fn make_pipe(path: &Path) {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: the pointer is to a string that ends with a NUL and outlives the call.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}

#[test]
fn a_named_pipe_needs_no_reader_and_is_not_rotated() {
    let folder = Folder::new();
    make_pipe(&folder.at("pipe"));
    let log = LogWriter::file(folder.at("pipe"), keeping(10, 1)).unwrap();
    let reports = Reports::of(&log);
    put(&log, "line 0001");
    put(&log, "line 0002");
    log.flush();
    let mut options = fs::OpenOptions::new();
    let mut reader = options.read(true).custom_flags(libc::O_NONBLOCK).open(folder.at("pipe")).unwrap();
    let mut read = [0; 20];
    reader.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"line 0001\nline 0002\n");
    assert!(!folder.at("pipe.1").exists());
    // Nobody reads on: what the pipe does not hold is lost, and nothing stands still.
    let line = "x".repeat(1023);
    for _ in 0..100 {
        put(&log, &line);
    }
    log.flush();
    assert_eq!((log.dropped(), reports.all().len()), (100 - 64, 1), "{:?}", reports.all());
}

/// Each write as a message; the end of the messages is the end of the thread.
struct Channel(mpsc::Sender<String>);

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.send(String::from_utf8(bytes.to_vec()).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn failed(times: usize, log: &impl Observer) {
    let x = Exchange::<()>::new();
    for _ in 0..times {
        let error = Some(Error::new(Kind::NoPeer).into_upstream());
        log.event(&x, &Event::Done(&Outcome { status: Status::SERVICE_UNAVAILABLE, error, complete: true }));
    }
}

#[test]
fn a_sum_is_told_without_a_further_failure() {
    let (sender, written) = mpsc::channel();
    let log = ErrorLog::new(Level::Info, LogWriter::new(Channel(sender)).unwrap());
    failed(4721, &log);
    let mut text = String::new();
    while text.lines().count() < 11 {
        text.push_str(&written.recv_timeout(LIMIT).unwrap());
    }
    assert!(text.ends_with(" warn 503 no_peer: 4711 more like this in the last second\n"), "{text}");
}

#[test]
fn a_flush_tells_what_was_held_back() {
    let folder = Folder::new();
    let writer = LogWriter::file(folder.at("error.log"), Rotation::default()).unwrap();
    let log = ErrorLog::json(Level::Info, writer.clone());
    failed(12, &log);
    writer.flush();
    let text = fs::read_to_string(folder.at("error.log")).unwrap();
    assert_eq!(text.lines().count(), 11);
    assert!(text.lines().last().unwrap().contains("\"more\":2,"), "{text}");
}

#[test]
fn the_thread_itself_may_be_the_one_to_let_the_last_clone_go() {
    struct Owner(Mutex<Option<LogWriter>>);
    impl HeldBack for Owner {
        fn release(&self) -> bool {
            let log = self.0.lock().unwrap().take();
            log.inspect(|log| put(log, "last words"));
            false
        }
    }
    let (sender, written) = mpsc::channel();
    let log = LogWriter::new(Channel(sender)).unwrap();
    let owner = Arc::new(Owner(Mutex::default()));
    log.acquaint(Arc::downgrade(&owner) as _);
    put(&log, "one");
    *owner.0.lock().unwrap() = Some(log);
    assert_eq!(written.recv_timeout(LIMIT).unwrap(), "one\n");
    assert_eq!(written.recv_timeout(LIMIT).unwrap(), "last words\n");
    assert_eq!(written.recv_timeout(LIMIT), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn logs_may_share_a_writer() {
    const EACH: usize = 2000;
    let folder = Folder::new();
    let writer = LogWriter::file(folder.at("all.log"), Rotation::default()).unwrap();
    let first = AccessLog::new("$status first $attempts".parse::<Format>().unwrap(), writer.clone());
    let second = AccessLog::new("$status second $attempts".parse::<Format>().unwrap(), writer.clone());
    thread::scope(|scope| {
        scope.spawn(|| failed(EACH, &first));
        scope.spawn(|| failed(EACH, &second));
    });
    writer.flush();
    let text = fs::read_to_string(folder.at("all.log")).unwrap();
    for line in ["503 first 0", "503 second 0"] {
        assert_eq!(text.lines().filter(|&text| text == line).count(), EACH);
    }
    assert_eq!(text.lines().count(), 2 * EACH);
}
