//! QUIC between two ends in memory: packets are handed over, none is lost.

use std::net::SocketAddr;

use gorge_test_util::{Authority, Leaf, TempFolder};

const PROTOCOL: &[u8] = b"guard";
const NAME: &str = "guard.example";
/// The largest packet that is sent or taken.
const PACKET: usize = 1350;

/// quiche reads certificates from files.
pub(crate) struct Files {
    chain: String,
    key: String,
    roots: String,
}

/// A client and its server.
pub(crate) struct Pair {
    client: quiche::Connection,
    server: quiche::Connection,
}

impl Files {
    pub(crate) fn new(authority: &Authority, leaf: &Leaf, folder: &TempFolder) -> Self {
        let (chain, key) = leaf.write(folder);
        let [chain, key, roots] =
            [chain, key, authority.write(folder)].map(|path| path.to_str().unwrap().to_owned());
        Self { chain, key, roots }
    }

    pub(crate) fn pair(&self) -> Pair {
        let mut client = config();
        client.load_verify_locations_from_file(&self.roots).unwrap();
        client.verify_peer(true);
        let mut server = config();
        server.load_cert_chain_from_pem_file(&self.chain).unwrap();
        server.load_priv_key_from_pem_file(&self.key).unwrap();
        let id = |byte| quiche::ConnectionId::from_vec(vec![byte; quiche::MAX_CONN_ID_LEN]);
        let [ours, theirs] = addresses();
        Pair {
            client: quiche::connect(Some(NAME), &id(1), ours, theirs, &mut client).unwrap(),
            server: quiche::accept(&id(2), None, theirs, ours, &mut server).unwrap(),
        }
    }
}

impl Pair {
    /// Hands over what either end has to say now; false if neither has anything.
    pub(crate) fn fly(&mut self) -> bool {
        let there = carry(&mut self.client, &mut self.server);
        let back = carry(&mut self.server, &mut self.client);
        there || back
    }

    /// The handshake is done, and the stream between both carries `text` there and back.
    pub(crate) fn check(&mut self, text: &[u8]) {
        assert!(self.client.is_established() && self.server.is_established());
        assert_eq!(self.client.application_proto(), PROTOCOL);
        self.client.stream_send(0, text, true).unwrap();
        while self.fly() {}
        let mut buffer = [0; 64];
        let (length, end) = self.server.stream_recv(0, &mut buffer).unwrap();
        assert!(end);
        self.server.stream_send(0, &buffer[..length], true).unwrap();
        while self.fly() {}
        let (length, end) = self.client.stream_recv(0, &mut buffer).unwrap();
        assert!(end);
        assert_eq!(&buffer[..length], text);
    }
}

fn config() -> quiche::Config {
    let mut config = quiche::Config::new(quiche::PROTOCOL_VERSION).unwrap();
    config.set_application_protos(&[PROTOCOL]).unwrap();
    config.set_initial_max_data(1 << 16);
    config.set_initial_max_stream_data_bidi_local(1 << 16);
    config.set_initial_max_stream_data_bidi_remote(1 << 16);
    config.set_initial_max_streams_bidi(1);
    config.set_max_recv_udp_payload_size(PACKET);
    config.set_max_send_udp_payload_size(PACKET);
    config
}

/// Of the client and of the server. No socket has them.
fn addresses() -> [SocketAddr; 2] {
    [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
}

fn carry(from: &mut quiche::Connection, to: &mut quiche::Connection) -> bool {
    let mut packet = [0; PACKET];
    let mut any = false;
    loop {
        match from.send(&mut packet) {
            Ok((length, sent)) => {
                let info = quiche::RecvInfo { from: sent.from, to: sent.to };
                to.recv(&mut packet[..length], info).unwrap();
                any = true;
            }
            Err(quiche::Error::Done) => return any,
            Err(error) => panic!("{error}"),
        }
    }
}
