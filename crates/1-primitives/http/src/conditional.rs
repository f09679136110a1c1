//! Conditional requests: judging their preconditions, and the 304 that may follow (RFC 9110 13).

use std::time::{Duration, SystemTime};

use crate::entity_tag::{self, EntityTag};
use crate::{Headers, Known, Method, ResponseHead, Status, date};

/// What is known of the representation that would be sent or changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Validators<'a> {
    /// Its entity tag.
    pub etag: Option<EntityTag<'a>>,
    /// When it was last modified.
    pub last_modified: Option<SystemTime>,
    /// When it was sent by its origin. Without it a date is never a strong validator.
    pub date: Option<SystemTime>,
}

impl<'a> Validators<'a> {
    /// Those of a response; what is malformed counts as absent.
    pub fn of(response: &'a Headers) -> Validators<'a> {
        Validators {
            etag: response.get(Known::ETag).and_then(EntityTag::parse),
            last_modified: response.get(Known::LastModified).and_then(date::parse),
            date: response.get(Known::Date).and_then(date::parse),
        }
    }

    /// Whether equal Last-Modified dates mean equal bytes (RFC 9110 8.8.2.2): they do if the
    /// response was made at least a second later, so that no change can have gone unseen.
    fn dates_are_strong(&self) -> bool {
        match (self.last_modified, self.date) {
            (Some(modified), Some(date)) => {
                date.duration_since(modified).is_ok_and(|since| since >= Duration::from_secs(1))
            }
            _ => false,
        }
    }
}

/// What the preconditions of a request say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Answer 412 Precondition Failed.
    Failed,
    /// Answer 304: the client has it already. See [`not_modified`].
    NotModified,
    /// Do what the method says.
    Proceed,
}

/// Judges the preconditions of a request in the order of RFC 9110 13.2.2: If-Match, or else
/// If-Unmodified-Since; then If-None-Match, or else If-Modified-Since. If-Range is asked apart, by
/// [`range_applies`].
///
/// `current` is the representation as it is now, `None` if there is none. Ask only if the answer
/// without preconditions would be a 2xx. A date that is malformed or given twice is no
/// precondition, and CONNECT, OPTIONS and TRACE have none.
pub fn evaluate(method: &Method, request: &Headers, current: Option<&Validators<'_>>) -> Precondition {
    if matches!(*method, Method::CONNECT | Method::OPTIONS | Method::TRACE) {
        return Precondition::Proceed;
    }
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let modified = current.and_then(|current| current.last_modified);
    let matched = |field| current.is_some_and(|current| any_matches(request, field, current));
    if request.contains(Known::IfMatch) {
        if !matched(Known::IfMatch) {
            return Precondition::Failed;
        }
    } else if let (Some(since), Some(modified)) = (time(request, Known::IfUnmodifiedSince), modified)
        && modified > since
    {
        return Precondition::Failed;
    }
    if request.contains(Known::IfNoneMatch) {
        if matched(Known::IfNoneMatch) {
            return if reads { Precondition::NotModified } else { Precondition::Failed };
        }
    } else if reads
        && let (Some(since), Some(modified)) = (time(request, Known::IfModifiedSince), modified)
        && modified <= since
    {
        return Precondition::NotModified;
    }
    Precondition::Proceed
}

/// Whether the Range of a request is to be honoured as far as If-Range goes (RFC 9110 13.1.5):
/// there is none, or it names `current` by a strong validator.
pub fn range_applies(request: &Headers, current: &Validators<'_>) -> bool {
    let Some(value) = request.get(Known::IfRange) else {
        return true;
    };
    if request.count(Known::IfRange) > 1 {
        return false;
    }
    if let Some(tag) = EntityTag::parse(value) {
        return current.etag.is_some_and(|etag| etag.strong_eq(&tag));
    }
    let date = date::parse(value);
    date.is_some() && date == current.last_modified && current.dates_are_strong()
}

/// Turns the head of a 200 into that of a 304 (RFC 9110 15.4.5): fields that describe the content
/// go; Last-Modified too if there is an ETag; Cache-Control, Content-Location, Date, ETag, Expires,
/// Vary and all else stay.
pub fn not_modified(head: &mut ResponseHead) {
    head.status = Status::NOT_MODIFIED;
    // An empty reason is always legal.
    let _ = head.set_reason(bytes::Bytes::new());
    let has_etag = head.headers.contains(Known::ETag);
    head.headers.retain(|field| match field.known {
        Some(
            Known::AcceptRanges
            | Known::ContentEncoding
            | Known::ContentLength
            | Known::ContentRange
            | Known::ContentType
            | Known::Trailer
            | Known::TransferEncoding,
        ) => false,
        Some(Known::LastModified) => !has_etag,
        Some(_) => true,
        None => {
            !field.name.eq_ignore_ascii_case("Content-Language")
                && !field.name.eq_ignore_ascii_case("Content-Digest")
                && !field.name.eq_ignore_ascii_case("Content-MD5")
        }
    });
}

/// Whether If-Match (strong comparison) or If-None-Match (weak) is `*` or has the tag of `current`.
fn any_matches(request: &Headers, field: Known, current: &Validators<'_>) -> bool {
    let strong = field == Known::IfMatch;
    let same = |etag: EntityTag<'_>, tag: EntityTag<'_>| {
        if strong { etag.strong_eq(&tag) } else { etag.weak_eq(&tag) }
    };
    request.get_all(field).any(|value| {
        value == b"*" || current.etag.is_some_and(|etag| entity_tag::list(value).any(|tag| same(etag, tag)))
    })
}

/// The date of a field that is there exactly once.
fn time(request: &Headers, field: Known) -> Option<SystemTime> {
    let mut values = request.get_all(field);
    let date = values.next().and_then(date::parse);
    if values.next().is_some() { None } else { date }
}
