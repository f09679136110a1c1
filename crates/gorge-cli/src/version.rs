//! What `--version` prints: the version, and with which features it was built.

use std::sync::LazyLock;

/// Features that change what the program can do.
const FEATURES: &[(&str, bool)] = &[("count-allocations", cfg!(feature = "count-allocations"))];

/// Version and features, as they follow the program's name.
pub(crate) static TEXT: LazyLock<String> = LazyLock::new(|| {
    let built: Vec<_> = FEATURES.iter().filter(|(_, built)| *built).map(|(name, _)| *name).collect();
    let features = if built.is_empty() { "none".to_owned() } else { built.join(" ") };
    format!("{}\nfeatures: {features}", env!("CARGO_PKG_VERSION"))
});
