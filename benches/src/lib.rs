//! Benchmarks beside the peers' crates (`benches/`), and the contestants of `cargo xtask bench-proxy` (`src/bin/`).
//! The library itself is empty.
