//! cargo xtask: the verbs of the workspace.
fn main() {}
