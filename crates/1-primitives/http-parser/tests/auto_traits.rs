//! What an exchange holds may move between threads.

use gorge_http_parser::{BodyDecoder, HeadParser, Limits, Reject};

#[test]
fn everything_is_send_and_sync() {
    fn check<T: Send + Sync + Unpin + 'static>() {}
    check::<HeadParser>();
    check::<BodyDecoder>();
    check::<Limits>();
    check::<Reject>();
}
