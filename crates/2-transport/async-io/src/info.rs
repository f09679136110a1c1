//! What Linux knows of a TCP connection.

use std::mem::{self, MaybeUninit, offset_of};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use gorge_digest::TcpInfo;

/// Reads the field `$name` if the kernel's answer of `$length` bytes is long enough to hold it.
macro_rules! field {
    ($info:expr, $length:expr, $name:ident) => {
        (offset_of!(libc::tcp_info, $name) + mem::size_of_val(&$info.$name) <= $length).then_some($info.$name)
    };
}

/// Asks the kernel: one system call. `None` if the socket is not TCP or no longer one.
pub(crate) fn of(socket: BorrowedFd<'_>) -> Option<TcpInfo> {
    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the descriptor is open while borrowed; the kernel writes at most `length` bytes to
    // `info` and stores how many there were.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &mut length,
        )
    };
    if done != 0 {
        return None;
    }
    // SAFETY: plain integers, zeroed and then partly filled by the kernel.
    let info = unsafe { info.assume_init() };
    let length = length as usize;
    let micros = |value: u32| Duration::from_micros(value.into());
    Some(TcpInfo {
        rtt: field!(info, length, tcpi_rtt).map(micros),
        rtt_variance: field!(info, length, tcpi_rttvar).map(micros),
        // The kernel says all ones as long as it has none.
        min_rtt: field!(info, length, tcpi_min_rtt).filter(|rtt| *rtt != u32::MAX).map(micros),
        congestion_window: field!(info, length, tcpi_snd_cwnd),
        send_mss: field!(info, length, tcpi_snd_mss),
        retransmits: field!(info, length, tcpi_total_retrans),
        delivery_rate: field!(info, length, tcpi_delivery_rate).filter(|rate| *rate != 0),
    })
}
