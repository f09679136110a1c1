//! `gorge-upstream`: counting an attempt. No peer has the like as a crate.

use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use gorge_benches::{OURS, Operation, Workers};
use gorge_upstream::{PeerStats, Verdict};

use crate::Cycle;

pub(crate) fn bench(criterion: &mut Criterion) {
    let stats = Arc::new(PeerStats::new());
    let mut latencies = Cycle::new((1..64).map(Duration::from_micros));
    Operation::new(criterion, "upstream", "record an outcome").row(OURS, || {
        stats.begin();
        stats.end(Verdict::Success, *latencies.next());
    });
    let workers = Workers::new(2);
    Operation::new(criterion, "upstream", "record an outcome, 2 workers").parallel(
        OURS,
        &workers,
        move |_| {
            let (stats, mut latencies) = (stats.clone(), Cycle::new((1..64).map(Duration::from_micros)));
            move || {
                stats.begin();
                stats.end(Verdict::Success, *latencies.next());
            }
        },
    );
}
