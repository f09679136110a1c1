#![doc = include_str!("../README.md")]

mod attempt;
mod boxed;
mod exchange;
mod filter;
mod observe;
mod response;
mod slots;
mod stream;
mod transform;

pub use attempt::{Attempt, Attempts, PeerId, Progress, Retry};
pub use boxed::BoxFilter;
pub use exchange::{Exchange, Facts, RouteId, Scheme, Timeouts, UpstreamTimeouts};
pub use filter::{Filter, Flow, Hooks, Outcome, Role};
pub use observe::{ErrorPages, Event, Observer, StatusOnly};
pub use response::{Body, Response};
pub use stream::{Announce, BodyLength, BodySink, BodySource, ClientStream, ServerStream};
pub use transform::{BodyHandle, BodyTransform, ChunkSink};
