//! `gorge-digest`: copying what is known of a connection. No peer has the like as a crate.

use std::time::Instant;

use criterion::Criterion;
use gorge_benches::{OURS, Operation};
use gorge_digest::{Digest, PeerAddr, SocketDigest, TimingDigest};

pub(crate) fn bench(criterion: &mut Criterion) {
    let digest = Digest {
        timing: TimingDigest::of_connection(Instant::now()),
        socket: Some(SocketDigest {
            peer: Some(PeerAddr::Ip(([192, 0, 2, 7], 40_000).into())),
            local: Some(PeerAddr::Unix(Some(std::path::Path::new("/run/gorge.sock").into()))),
            ..SocketDigest::default()
        }),
        ..Digest::default()
    };
    Operation::new(criterion, "digest", "copy").row(OURS, || digest.clone());
}
