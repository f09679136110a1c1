//! Connecting to an address.

use std::io;
use std::net::SocketAddr;

use gorge_error::{Error, Kind, Result, Retryable};
use gorge_timeout::timeout;
use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream, UnixStream};

use crate::names::connect_by_name;
use crate::{Address, ConnectOptions, Transport};

/// Connects to `address` within [`ConnectOptions::timeout`].
///
/// The addresses of a name are asked for with [`ConnectOptions::resolver`] and tried by the rules of
/// happy eyeballs (RFC 8305): IPv6 first and then in turns, the next one when one has failed or
/// [`ConnectOptions::attempt_delay`] is over, each time beginning with another address of a family.
///
/// # Errors
/// The kind tells refused, timed out, no route and so on apart. It is the upstream's fault, and
/// another attempt is safe, since nothing was sent yet. What each address of a name said is in the
/// text; a name without an address is [`Kind::NameNotFound`]. Only a lack of file descriptors is our own
/// fault, an [`Overload`](Kind::Overload), and would be there at the next attempt too.
///
/// # Panics
/// Outside a tokio runtime.
pub async fn connect(address: &Address, options: &ConnectOptions) -> Result<Transport> {
    if let Address::Name(host, port) = address {
        return connect_by_name(host, *port, options).await;
    }
    match timeout(options.timeout, open(address, options)).await {
        Ok(Ok(transport)) => Ok(transport),
        Ok(Err(err)) => Err(failure(address, err)),
        Err(_) => {
            let context = format!("connect to {address} took longer than {:?}", options.timeout);
            let late = Error::explain(Kind::ConnectTimedOut, context);
            Err(late.into_upstream().retryable(Retryable::Yes))
        }
    }
}

fn failure(address: &Address, err: io::Error) -> Error {
    let context = format!("connect to {address}");
    if is_our_lack(&err) {
        return Error::because(Kind::Overload, context, err).into_internal().retryable(Retryable::No);
    }
    Error::because(Kind::of_connect(&err), context, err).into_upstream().retryable(Retryable::Yes)
}

/// Whether it is our own fault: we have no file descriptor left.
pub(crate) fn is_our_lack(err: &io::Error) -> bool {
    matches!(err.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

async fn open(address: &Address, options: &ConnectOptions) -> io::Result<Transport> {
    match address {
        Address::Ip(addr) => tcp(*addr, options).await.map(Transport::Tcp),
        Address::Unix(path) => unix(path, options).await,
        Address::Name(..) | Address::Abstract(_) => match address.unix_name() {
            Some(name) => unix(&name, options).await,
            None => Err(io::ErrorKind::InvalidInput.into()),
        },
    }
}

async fn unix(path: &std::path::Path, options: &ConnectOptions) -> io::Result<Transport> {
    let stream = UnixStream::connect(path).await?;
    options.socket.apply_unix(&SockRef::from(&stream))?;
    Ok(Transport::Unix(stream))
}

pub(crate) async fn tcp(to: SocketAddr, options: &ConnectOptions) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    prepare(&SockRef::from(&socket), to, options)?;
    if let Some(source) = options.source {
        socket.bind(source)?;
    }
    socket.connect(to).await
}

/// Sets what has to be set before the bind and the connect.
fn prepare(socket: &SockRef<'_>, to: SocketAddr, options: &ConnectOptions) -> io::Result<()> {
    options.socket.apply_tcp(socket, &to)?;
    #[cfg(target_os = "linux")]
    {
        if let Some(interface) = &options.interface {
            socket.bind_device(Some(interface.as_bytes()))?;
        }
        if options.fast_open {
            fast_open_connect(socket)?;
        }
        // With port 0 the port is chosen at connect, per destination, instead of one for all.
        if options.source.is_some_and(|source| source.port() == 0) {
            bind_address_no_port(socket)?;
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn fast_open_connect(socket: &SockRef<'_>) -> io::Result<()> {
    crate::options::set_flag(socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT, 1)
}

#[cfg(target_os = "linux")]
fn bind_address_no_port(socket: &SockRef<'_>) -> io::Result<()> {
    crate::options::set_flag(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1)
}

#[cfg(test)]
mod tests {
    use gorge_error::Fault;

    use super::*;

    #[test]
    fn a_lack_of_descriptors_is_not_the_upstreams_fault() {
        let address = Address::from(SocketAddr::from(([127, 0, 0, 1], 80)));
        let lack = failure(&address, io::Error::from_raw_os_error(libc::EMFILE));
        assert_eq!(
            (lack.kind(), lack.fault(), lack.retry()),
            (Kind::Overload, Fault::Internal, Retryable::No)
        );
        let refused = failure(&address, io::Error::from_raw_os_error(libc::ECONNREFUSED));
        let expected = (Kind::ConnectRefused, Fault::Upstream, Retryable::Yes);
        assert_eq!((refused.kind(), refused.fault(), refused.retry()), expected);
    }
}
