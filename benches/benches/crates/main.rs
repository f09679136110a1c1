//! Each crate beside its peers: `cargo xtask bench`, or `cargo bench --package gorge-benches -- FILTER`.

mod allocators;
mod digest;
mod error;
mod http;
mod http1;
mod http_parser;
mod linked_list;
mod load_balancer;
mod pool;
mod protocols;
mod runtime;
mod timeout;
mod upstream;

use gorge_benches::allocations::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let mut criterion = gorge_benches::criterion();
    for bench in [
        error::bench,
        linked_list::bench,
        timeout::bench,
        digest::bench,
        allocators::bench,
        http::bench,
        http_parser::bench,
        http1::bench,
        pool::bench,
        runtime::bench,
        protocols::bench,
        upstream::bench,
        load_balancer::bench,
    ] {
        bench(&mut criterion);
    }
    criterion.final_summary();
}

/// Gives its items in turn without end, so that no two calls in a row see the same input.
struct Cycle<T> {
    items: Vec<T>,
    at: usize,
}

impl<T> Cycle<T> {
    fn new(items: impl IntoIterator<Item = T>) -> Self {
        Self { items: items.into_iter().collect(), at: 0 }
    }

    fn next(&mut self) -> &T {
        self.at = if self.at + 1 < self.items.len() { self.at + 1 } else { 0 };
        &self.items[self.at]
    }
}

/// Numbers below `bound` in an order that no predictor learns, the same in every run.
fn scattered(count: usize, bound: u64) -> Vec<u64> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % bound
    };
    (0..count).map(|_| next()).collect()
}
