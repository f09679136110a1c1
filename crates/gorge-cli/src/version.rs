//! What `--version` prints: the version, with which features it was built, and which TLS library it runs on.

use std::sync::LazyLock;

/// Features that change what the program can do.
const FEATURES: &[(&str, bool)] = &[
    ("openssl", cfg!(feature = "openssl")),
    ("quiche", cfg!(feature = "quiche")),
    ("vendored-openssl", cfg!(feature = "vendored-openssl")),
    ("count-allocations", cfg!(feature = "count-allocations")),
];

/// Version, features and library, as they follow the program's name.
pub(crate) static TEXT: LazyLock<String> = LazyLock::new(|| {
    let built: Vec<_> = FEATURES.iter().filter(|(_, built)| *built).map(|(name, _)| *name).collect();
    let features = if built.is_empty() { "none".to_owned() } else { built.join(" ") };
    format!("{}\nfeatures: {features}\nTLS: {}", env!("CARGO_PKG_VERSION"), library())
});

#[cfg(feature = "openssl")]
fn library() -> &'static str {
    gorge::tls::library()
}

#[cfg(not(feature = "openssl"))]
fn library() -> &'static str {
    "none"
}
