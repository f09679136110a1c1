//! `Send`, `Sync` and size are promises too.

use gorge_http::{Chunk, Headers, RequestHead, ResponseHead, Status};

fn assert_shareable<T: Send + Sync + Unpin + 'static>() {}

#[test]
fn messages_may_cross_threads() {
    assert_shareable::<Headers>();
    assert_shareable::<RequestHead>();
    assert_shareable::<ResponseHead>();
    assert_shareable::<Chunk>();
}

#[test]
fn an_optional_status_costs_no_more_than_a_status() {
    assert_eq!(size_of::<Option<Status>>(), 2);
}
