//! The program gorge.
fn main() {}
