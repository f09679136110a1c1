//! Which kind an error of the operating system is. There is no `From<io::Error>`, because that depends on what was tried.

use std::io;

use crate::Kind;

impl Kind {
    /// The kind of an error met while connecting.
    pub fn of_connect(error: &io::Error) -> Kind {
        use io::ErrorKind as Io;
        match error.kind() {
            Io::ConnectionRefused => Kind::ConnectRefused,
            Io::ConnectionReset | Io::ConnectionAborted => Kind::ConnectReset,
            Io::TimedOut => Kind::ConnectTimedOut,
            Io::HostUnreachable | Io::NetworkUnreachable | Io::NetworkDown => Kind::NoRoute,
            Io::AddrInUse | Io::AddrNotAvailable => Kind::BindFailed,
            _ => Kind::ConnectFailed,
        }
    }

    /// The kind of an error met while reading.
    pub fn of_read(error: &io::Error) -> Kind {
        match error.kind() {
            io::ErrorKind::TimedOut => Kind::ReadTimedOut,
            kind if closes(kind) => Kind::ClosedEarly,
            _ => Kind::ReadFailed,
        }
    }

    /// The kind of an error met while writing.
    pub fn of_write(error: &io::Error) -> Kind {
        match error.kind() {
            io::ErrorKind::TimedOut => Kind::WriteTimedOut,
            kind if closes(kind) => Kind::ClosedEarly,
            _ => Kind::WriteFailed,
        }
    }
}

/// Whether the error means that the other side is gone.
pub(crate) fn closes(kind: io::ErrorKind) -> bool {
    use io::ErrorKind as Io;
    matches!(
        kind,
        Io::UnexpectedEof
            | Io::ConnectionReset
            | Io::ConnectionAborted
            | Io::BrokenPipe
            | Io::NotConnected
            | Io::WriteZero
    )
}
