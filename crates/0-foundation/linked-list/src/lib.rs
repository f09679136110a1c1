#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod iter;
mod link;
mod list;
mod slot;

pub use iter::Iter;
pub use list::LinkedList;
