#![doc = include_str!("../README.md")]

pub mod authority;
mod chunk;
pub mod conditional;
pub mod conversions;
pub mod cookie;
pub mod date;
pub mod entity_tag;
mod field;
mod grammar;
mod head;
mod headers;
mod hop_by_hop;
mod known;
mod known_set;
pub mod list;
mod method;
pub mod path;
pub mod quality;
mod status;
pub mod structured;
mod uri;
mod version;

pub use authority::Authority;
pub use chunk::Chunk;
pub use entity_tag::EntityTag;
pub use field::{Field, FieldName, InvalidField};
pub use head::{InvalidReason, RequestHead, ResponseHead};
pub use headers::{Headers, Iter, IterKnown, Values};
pub use hop_by_hop::ConnectionOptions;
pub use known::Known;
pub use known_set::KnownSet;
pub use method::{InvalidMethod, Method};
pub use status::{InvalidStatus, Status};
pub use uri::{Form, InvalidUri, Uri};
pub use version::Version;
