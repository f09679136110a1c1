//! The file of a listening Unix socket: left over, in use, or ours to remove.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What stands where a Unix socket is to be bound.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing.
    Free,
    /// A socket nobody listens on any more, left by a process that died.
    Dead,
    /// A socket that is served.
    Alive,
    /// A file that is no socket, and not ours to touch.
    Foreign,
}

/// Looks at `path`, and knocks if a socket is there.
pub(crate) fn look(path: &Path) -> io::Result<Standing> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Standing::Free),
        Err(err) => return Err(err),
    };
    if !meta.file_type().is_socket() {
        return Ok(Standing::Foreign);
    }
    match UnixStream::connect(path) {
        Err(err) if err.kind() == io::ErrorKind::ConnectionRefused => Ok(Standing::Dead),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Standing::Free),
        // Connected, a full queue, or a socket we may not ask: somebody is there as far as we know.
        _ => Ok(Standing::Alive),
    }
}

/// Removes the file when the last holder is dropped, unless another socket took its place by then.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: Arc<Path>,
    device: u64,
    inode: u64,
    /// Not to be done twice: the next socket at the path may have been given the same inode.
    removed: AtomicBool,
}

impl SocketFile {
    /// Remembers which file was just bound at `path`.
    pub(crate) fn at(path: Arc<Path>) -> io::Result<Self> {
        let meta = fs::symlink_metadata(&path)?;
        let (device, inode) = (meta.dev(), meta.ino());
        Ok(SocketFile { path, device, inode, removed: AtomicBool::new(false) })
    }
}

impl SocketFile {
    /// Removes the file now, so that nobody finds the socket any more.
    pub(crate) fn remove(&self) {
        if self.removed.swap(true, Ordering::SeqCst) {
            return;
        }
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|meta| meta.dev() == self.device && meta.ino() == self.inode);
        if ours {
            // Left behind it does no harm: the next start finds it dead and replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}
