//! Benchmarks beside the peers' crates (`benches/`), the contestants of `cargo xtask bench-proxy` (`src/bin/`), and here
//! what the former share: rows of one operation by several crates, each with its allocations beside its time.

pub mod allocations;
mod workers;

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion};

pub use workers::Workers;

/// The name of our own row; all others are compared with it.
pub const OURS: &str = "gorge";

/// Calls before counting, so that what is kept for good is there.
const WARM: usize = 200;
/// Calls that are counted.
const COUNTED: usize = 1000;

/// Short enough that the whole run takes minutes: ratios are asked for, not the last digit.
pub fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(900))
        .sample_size(30)
        .without_plots()
        .configure_from_args()
}

/// One operation, done by several crates.
pub struct Operation<'a> {
    name: String,
    group: BenchmarkGroup<'a, WallTime>,
}

impl<'a> Operation<'a> {
    /// `of` is the short name of our crate.
    pub fn new(criterion: &'a mut Criterion, of: &str, operation: &str) -> Self {
        let name = format!("{of}: {operation}");
        Self { group: criterion.benchmark_group(&name), name }
    }

    /// Times `routine`; what it returns is dropped within the measured part.
    pub fn row<R>(&mut self, who: &str, mut routine: impl FnMut() -> R) -> &mut Self {
        self.count(who, || _ = black_box(routine()));
        self.group.bench_function(who, |bencher| bencher.iter(&mut routine));
        self
    }

    /// Times `routine` on fresh values of `setup`, which is not measured. What `routine` returns is dropped outside.
    pub fn prepared<S, R>(
        &mut self,
        who: &str,
        mut setup: impl FnMut() -> S,
        mut routine: impl FnMut(&mut S) -> R,
    ) -> &mut Self {
        let mut value = setup();
        let before = allocations::so_far();
        black_box(routine(&mut value));
        record(&self.name, who, (allocations::so_far() - before) as f64);
        self.group.bench_function(who, |bencher| {
            bencher.iter_batched_ref(&mut setup, &mut routine, BatchSize::SmallInput);
        });
        self
    }

    /// Times what each of the workers does at the same time: a call of what `start(worker)` gives, which is made on the
    /// worker. The slowest worker's time per call.
    pub fn parallel<W: FnMut() + 'static>(
        &mut self,
        who: &str,
        workers: &Workers,
        start: impl Fn(usize) -> W + Clone + Send + 'static,
    ) -> &mut Self {
        self.timed(who, |calls| workers.time(calls, start.clone()))
    }

    /// Lets `time` do that many calls and measure by itself.
    pub fn timed(&mut self, who: &str, mut time: impl FnMut(u64) -> Duration) -> &mut Self {
        self.group.bench_function(who, |bencher| bencher.iter_custom(&mut time));
        self
    }

    fn count(&self, who: &str, mut routine: impl FnMut()) {
        (0..WARM).for_each(|_| routine());
        let before = allocations::so_far();
        (0..COUNTED).for_each(|_| routine());
        record(&self.name, who, (allocations::so_far() - before) as f64 / COUNTED as f64);
    }
}

/// Tells the count to the verb that runs the benches, in the file it names; on their own they only time.
fn record(operation: &str, who: &str, allocations: f64) {
    let Some(path) = std::env::var_os("GORGE_BENCH_ALLOCATIONS") else { return };
    let file = OpenOptions::new().create(true).append(true).open(&path);
    if let Err(error) = file.and_then(|mut file| writeln!(file, "{operation}\t{who}\t{allocations}")) {
        eprintln!("cannot write {}: {error}", path.display());
    }
}
