//! TLS over a stream and QUIC in one process: one library serves both, and neither disturbs the other.

mod quic;
mod tls;

use gorge_test_util::{Authority, TempFolder, timeout_guard};
use tokio::task::{JoinSet, yield_now};

/// Of each kind.
const HANDSHAKES: usize = 20;

#[test]
fn the_library_is_boringssl() {
    assert_eq!(gorge_tls::library(), "BoringSSL");
}

#[test]
fn handshakes_of_both_kinds_interleave() {
    timeout_guard("handshakes", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(handshakes());
    });
}

/// All of them begin before the first one ends: each gives way to the others after every flight.
async fn handshakes() {
    let authority = Authority::new("Guard");
    let leaf = authority.leaf(&["guard.example"]).make();
    let folder = TempFolder::new();
    let quic = quic::Files::new(&authority, &leaf, &folder);
    let tls = tls::Sides::new(&authority, &leaf);
    let mut all = JoinSet::new();
    for turn in 0..HANDSHAKES {
        let (mut quic, tls) = (quic.pair(), tls.clone());
        all.spawn(async move {
            while quic.fly() {
                yield_now().await;
            }
            quic.check(format!("QUIC {turn}").as_bytes());
        });
        all.spawn(async move { tls.exchange(format!("TLS {turn}").as_bytes()).await });
    }
    let mut ended = 0;
    while let Some(done) = all.join_next().await {
        done.unwrap();
        ended += 1;
    }
    assert_eq!(ended, 2 * HANDSHAKES);
}
