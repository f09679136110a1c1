//! Certificates made on the spot, right ones and every wrong one that a peer can have.

mod authority;
mod key;
mod leaf;
mod ocsp;

pub use authority::Authority;
pub use leaf::{Leaf, LeafBuilder};
pub use ocsp::OcspStatus;
