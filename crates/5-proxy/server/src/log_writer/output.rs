//! Writing lines whole, and counting those that cannot be written.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use super::file::LogFile;

/// Where lines go in the end.
pub(super) struct Output {
    to: To,
    /// The last thing written is half a line: the next one begins a new line.
    torn: bool,
    complaint: Option<io::Error>,
}

enum To {
    File(LogFile),
    Stream(Box<dyn Write + Send>),
}

/// Lines that could not be written.
pub(super) struct Lost {
    pub(super) lines: u64,
    pub(super) error: io::Error,
}

impl Output {
    pub(super) fn file(file: LogFile) -> Self {
        Output { to: To::File(file), torn: false, complaint: None }
    }

    pub(super) fn stream(out: impl Write + Send + 'static) -> Self {
        Output { to: To::Stream(Box::new(out)), torn: false, complaint: None }
    }

    /// Writes `lines`, each of which has its end. A stream that takes nothing now is waited for so long.
    pub(super) fn write(&mut self, mut lines: &[u8], patience: Duration) -> Result<(), Lost> {
        let lost = |lines: &[u8], error| {
            Err(Lost { lines: lines.iter().filter(|&&b| b == b'\n').count() as u64, error })
        };
        while !lines.is_empty() {
            if self.torn {
                if let Err((_, error)) = self.put(b"\n", patience) {
                    return lost(lines, error);
                }
                self.torn = false;
            }
            let room = self.room(lines);
            if let Err((written, error)) = self.put(&lines[..room], patience) {
                self.torn = written > 0 && lines[written - 1] != b'\n';
                return lost(&lines[written..], error);
            }
            lines = &lines[room..];
        }
        Ok(())
    }

    /// Opens a file anew; there is nothing to be opened of a stream.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::File(file) => {
                file.reopen()?;
                self.torn = false;
                Ok(())
            }
            To::Stream(_) => Ok(()),
        }
    }

    /// Why the file could not be put aside, once each time it could not.
    pub(super) fn complaint(&mut self) -> Option<io::Error> {
        self.complaint.take()
    }

    fn room(&mut self, lines: &[u8]) -> usize {
        let To::File(file) = &mut self.to else { return lines.len() };
        file.room(lines).unwrap_or_else(|error| {
            self.complaint = Some(error);
            lines.len()
        })
    }

    /// Writes all of `bytes`, or says how many were written before it failed.
    fn put(&mut self, bytes: &[u8], patience: Duration) -> Result<(), (usize, io::Error)> {
        let out: &mut dyn Write = match &mut self.to {
            To::File(file) => file.file(),
            To::Stream(out) => out,
        };
        let mut written = 0;
        let mut deadline = None;
        while written < bytes.len() {
            match out.write(&bytes[written..]) {
                Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
                Ok(n) => (written, deadline) = (written + n, None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let now = Instant::now();
                    if now >= *deadline.get_or_insert(now + patience) {
                        return Err((written, error));
                    }
                    thread::sleep(Duration::from_millis(1));
                }
                Err(error) => return Err((written, error)),
            }
        }
        out.flush().map_err(|error| (written, error))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    /// Takes so many bytes and then reports a full disk; how many it holds, can be changed.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(usize, Vec<u8>)>>);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (size, held) = &mut *self.0.lock();
            let n = bytes.len().min(*size - held.len());
            held.extend_from_slice(&bytes[..n]);
            if n == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(n) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn after_half_a_line_the_next_begins_a_line_of_its_own() {
        for size in 0..=12 {
            let disk = Disk::default();
            disk.0.lock().0 = size;
            let mut output = Output::stream(disk.clone());
            let lost = match output.write(b"aaa\nbbb\nccc\n", Duration::ZERO) {
                Ok(()) => 0,
                Err(lost) => lost.lines,
            };
            assert_eq!(lost, 3 - size as u64 / 4, "{size}");
            disk.0.lock().0 = 100;
            assert!(output.write(b"ddd\n", Duration::ZERO).is_ok());
            let text = String::from_utf8(disk.0.lock().1.clone()).unwrap();
            assert_eq!(
                text.lines().filter(|line| line.len() == 3).count(),
                size / 4 + 1 + usize::from(size % 4 == 3)
            );
            assert!(text.ends_with("\nddd\n") || text == "ddd\n", "{text}");
        }
    }

    #[test]
    fn a_stream_that_takes_nothing_now_is_waited_for() {
        struct Slow(u32);
        impl Write for Slow {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 += 1;
                if self.0 % 2 == 1 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(bytes.len().min(2)) }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert!(Output::stream(Slow(0)).write(b"abcdef\n", Duration::from_secs(60)).is_ok());
        assert_eq!(Output::stream(Slow(0)).write(b"ab\ncd\n", Duration::ZERO).unwrap_err().lines, 2);
    }
}
