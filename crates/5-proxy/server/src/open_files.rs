//! The limit of open files, which is the limit of connections.

use std::io;

/// Raises the soft limit of open files to `wanted`, or as far as the hard limit allows, and returns
/// what it is now. A limit that is higher already stays.
///
/// Most systems start a process with 1024, which is 500 proxied connections.
///
/// # Errors
/// What the system reports.
pub fn raise_open_files(wanted: u64) -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is there for the kernel to fill.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let wanted = wanted.min(limit.rlim_max);
    if limit.rlim_cur >= wanted {
        return Ok(limit.rlim_cur);
    }
    limit.rlim_cur = wanted;
    // SAFETY: the kernel only reads `limit`.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_never_lowered() {
        let now = raise_open_files(0).unwrap();
        assert_eq!(raise_open_files(1).unwrap(), now);
        assert!(raise_open_files(u64::MAX).unwrap() >= now);
    }
}
