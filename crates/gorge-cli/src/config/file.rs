//! Reading the file, so that what is read is the whole of one version of it.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::SystemTime;

/// The largest file that is read.
const MAX: u64 = 16 << 20;

/// The largest file that is kept in memory to answer with.
pub(crate) const RESPONSE_MOST: u64 = 16 << 20;

/// How often a file that changes while it is read is read again.
const TRIES: usize = 3;

/// Why there is no text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) message: String,
    pub(crate) help: Option<&'static str>,
}

impl Unreadable {
    fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self { message: message.into(), help: Some(help) }
    }
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> Result<String, Unreadable> {
    read_by(path, read_once)
}

/// The same with another way to read: bytes, and whether they are of one version.
fn read_by(
    path: &Path,
    mut once: impl FnMut(&Path) -> io::Result<(Vec<u8>, bool)>,
) -> Result<String, Unreadable> {
    for _ in 0..TRIES {
        let (bytes, stable) = once(path).map_err(|error| cannot_read(&error))?;
        if bytes.len() as u64 > MAX {
            let message = format!("the configuration is larger than {} MiB", MAX >> 20);
            return Err(Unreadable::new(message, "is this the right file?"));
        }
        if stable {
            return text(bytes);
        }
    }
    Err(Unreadable::new(
        "the configuration changes while it is read",
        "let whoever writes it write another file and rename that one to this name, then try again",
    ))
}

fn read_once(path: &Path) -> io::Result<(Vec<u8>, bool)> {
    // The kind comes first: opening a pipe that nobody writes to would wait.
    if !std::fs::metadata(path)?.is_file() {
        return Err(ErrorKind::IsADirectory.into());
    }
    let file = File::open(path)?;
    let before = version(&file.metadata()?);
    let mut bytes = Vec::new();
    (&file).take(MAX + 1).read_to_end(&mut bytes)?;
    // By name, which may be that of another file by now.
    let after = version(&std::fs::metadata(path)?);
    let stable = before == after && bytes.len() as u64 == before.length.min(MAX + 1);
    Ok((bytes, stable))
}

/// What changes when a file does.
#[derive(PartialEq, Eq)]
struct Version {
    length: u64,
    modified: Option<SystemTime>,
    number: (u64, u64),
}

fn version(metadata: &Metadata) -> Version {
    use std::os::unix::fs::MetadataExt;
    Version {
        length: metadata.len(),
        modified: metadata.modified().ok(),
        number: (metadata.dev(), metadata.ino()),
    }
}

/// What is in a file of the ordinary kind (others may never end) that has at most so many bytes. The
/// error goes on after the file's name.
pub(crate) fn bounded(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let cannot = |error: io::Error| format!("cannot be read: {}", explain(&error));
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(cannot(ErrorKind::IsADirectory.into()));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(cannot)?.take(most + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > most {
        return Err(format!("is larger than {} MiB", most >> 20));
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>) -> Result<String, Unreadable> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        Unreadable::new(format!("line {line} of the configuration is no UTF-8"), "save the file as UTF-8")
    })?;
    // Some editors begin a file so; TOML does not know it.
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

fn cannot_read(error: &io::Error) -> Unreadable {
    let message = format!("the configuration cannot be read: {}", explain(error));
    let help = match error.kind() {
        ErrorKind::NotFound => Some("name the file with --config FILE"),
        ErrorKind::IsADirectory => Some("name a file, as in --config gorge.toml"),
        ErrorKind::PermissionDenied => Some("let this user read it, or start as one who may"),
        _ => None,
    };
    Unreadable { message, help }
}

/// What the system says, in words that do not depend on it.
pub(crate) fn explain(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::IsADirectory => "it is no ordinary file".to_owned(),
        ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<String, Unreadable>) -> String {
        result.unwrap_err().message
    }

    #[test]
    fn a_file_that_changes_is_read_again() {
        let mut reads = 0;
        let text = read_by(Path::new("x"), |_| {
            reads += 1;
            Ok((format!("version {reads}").into_bytes(), reads == 3))
        });
        assert_eq!(text.as_deref(), Ok("version 3"));
        let never = read_by(Path::new("x"), |_| Ok((Vec::new(), false)));
        assert_eq!(message(never), "the configuration changes while it is read");
    }

    #[test]
    fn says_why_there_is_no_text() {
        let missing = read(Path::new("/nonexistent/gorge.toml"));
        assert_eq!(message(missing), "the configuration cannot be read: there is no such file");
        assert_eq!(message(read(Path::new("/"))), "the configuration cannot be read: it is no ordinary file");
        assert_eq!(
            message(read(Path::new("/dev/zero"))),
            "the configuration cannot be read: it is no ordinary file"
        );
        let binary = read_by(Path::new("x"), |_| Ok((b"a = 1\nb = \xff".to_vec(), true)));
        assert_eq!(message(binary), "line 2 of the configuration is no UTF-8");
        let large = read_by(Path::new("x"), |_| Ok((vec![b' '; (MAX + 1) as usize], true)));
        assert_eq!(message(large), "the configuration is larger than 16 MiB");
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_text() {
        let text = read_by(Path::new("x"), |_| Ok(("\u{feff}a = 1".into(), true)));
        assert_eq!(text.as_deref(), Ok("a = 1"));
    }
}
