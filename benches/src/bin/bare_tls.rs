//! The library alone: takes TLS connections, answers one request on each and holds them, with nothing between the
//! socket and OpenSSL. What a connection adds to its memory is what OpenSSL takes. For measuring only.
//! Usage: `bare_tls LISTEN CERTIFICATE KEY`.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use anyhow::{Context as _, Result, bail};
use openssl::ssl::{
    Ssl, SslContext, SslFiletype, SslMethod, SslMode, SslSessionCacheMode, SslStream, SslVersion,
};

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(certificate), Some(key)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        bail!("usage: bare_tls LISTEN CERTIFICATE KEY");
    };
    let context = context(&certificate, &key)?;
    let mut held = Vec::new();
    for stream in TcpListener::bind(listen)?.incoming() {
        // Someone who only looks whether the port is open makes no handshake.
        if let Ok(Some(connection)) = serve_one(&context, stream?) {
            held.push(connection);
        }
    }
    Ok(())
}

fn context(certificate: &str, key: &str) -> Result<SslContext> {
    let mut context = SslContext::builder(SslMethod::tls_server())?;
    context.set_min_proto_version(Some(SslVersion::TLS1_3))?;
    context.set_certificate_chain_file(certificate).with_context(|| certificate.to_owned())?;
    context.set_private_key_file(key, SslFiletype::PEM).with_context(|| key.to_owned())?;
    context.set_mode(SslMode::RELEASE_BUFFERS);
    // Tickets hold the sessions; nothing is remembered here.
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    Ok(context.build())
}

/// Answers one request; `None` if the client said that it is the last.
fn serve_one(context: &SslContext, stream: TcpStream) -> Result<Option<SslStream<TcpStream>>> {
    let mut connection = SslStream::new(Ssl::new(context)?, stream)?;
    connection.accept()?;
    let mut request = [0; 1024];
    let mut filled = 0;
    while !request[..filled].ends_with(b"\r\n\r\n") {
        let read = connection.read(&mut request[filled..])?;
        if read == 0 {
            bail!("no whole request");
        }
        filled += read;
    }
    connection.write_all(RESPONSE)?;
    if String::from_utf8_lossy(&request[..filled]).contains("Connection: close") {
        connection.shutdown()?;
        return Ok(None);
    }
    Ok(Some(connection))
}
