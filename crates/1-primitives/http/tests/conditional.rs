//! Preconditions in the order of RFC 9110 13.2.2, and the 304 that may follow.

use gorge_http::conditional::{self, Precondition, Validators};
use gorge_http::{Headers, Known, Method, ResponseHead, Status};

use Precondition::{Failed, NotModified, Proceed};

const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

fn headers(fields: &[(Known, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (known, value) in fields {
        headers.append(*known, value).unwrap();
    }
    headers
}

/// The representation all tests ask about.
fn stored() -> Headers {
    headers(&[(Known::ETag, "\"a\""), (Known::LastModified, THEN), (Known::Date, LATER)])
}

#[test]
fn preconditions_of_get_follow_rfc_9110_13_2_2() {
    use Known::{IfMatch, IfModifiedSince, IfNoneMatch, IfUnmodifiedSince};
    let cases: [(&[(Known, &str)], Precondition); 21] = [
        (&[], Proceed),
        (&[(IfMatch, "\"a\"")], Proceed),
        (&[(IfMatch, "\"b\", \"a\"")], Proceed),
        (&[(IfMatch, "*")], Proceed),
        (&[(IfMatch, "\"b\"")], Failed),
        (&[(IfMatch, "W/\"a\"")], Failed),
        (&[(IfMatch, "nonsense")], Failed),
        (&[(IfUnmodifiedSince, THEN)], Proceed),
        (&[(IfUnmodifiedSince, EARLIER)], Failed),
        (&[(IfUnmodifiedSince, "nonsense")], Proceed),
        (&[(IfMatch, "\"a\""), (IfUnmodifiedSince, EARLIER)], Proceed),
        (&[(IfNoneMatch, "\"a\"")], NotModified),
        (&[(IfNoneMatch, "W/\"a\"")], NotModified),
        (&[(IfNoneMatch, "\"b\""), (IfNoneMatch, "\"a\"")], NotModified),
        (&[(IfNoneMatch, "*")], NotModified),
        (&[(IfNoneMatch, "\"b\"")], Proceed),
        (&[(IfModifiedSince, THEN)], NotModified),
        (&[(IfModifiedSince, EARLIER)], Proceed),
        (&[(IfModifiedSince, THEN), (IfModifiedSince, THEN)], Proceed),
        (&[(IfNoneMatch, "\"b\""), (IfModifiedSince, THEN)], Proceed),
        (&[(IfMatch, "\"b\""), (IfNoneMatch, "\"a\"")], Failed),
    ];
    let stored = stored();
    let current = Validators::of(&stored);
    for (fields, expected) in cases {
        let request = headers(fields);
        let found = conditional::evaluate(&Method::GET, &request, Some(&current));
        assert_eq!(found, expected, "{fields:?}");
        let found = conditional::evaluate(&Method::HEAD, &request, Some(&current));
        assert_eq!(found, expected, "{fields:?}");
    }
}

#[test]
fn other_methods_fail_where_get_would_not_be_modified() {
    let stored = stored();
    let current = Validators::of(&stored);
    let matched = headers(&[(Known::IfNoneMatch, "*")]);
    let dated = headers(&[(Known::IfModifiedSince, THEN)]);
    for method in [Method::PUT, Method::DELETE, Method::POST] {
        assert_eq!(conditional::evaluate(&method, &matched, Some(&current)), Failed);
        assert_eq!(conditional::evaluate(&method, &matched, None), Proceed);
        assert_eq!(conditional::evaluate(&method, &dated, Some(&current)), Proceed);
    }
    for method in [Method::CONNECT, Method::OPTIONS, Method::TRACE] {
        assert_eq!(conditional::evaluate(&method, &matched, Some(&current)), Proceed);
    }
}

#[test]
fn nothing_matches_what_does_not_exist() {
    let evaluate = |known, value| conditional::evaluate(&Method::PUT, &headers(&[(known, value)]), None);
    assert_eq!(evaluate(Known::IfMatch, "*"), Failed);
    assert_eq!(evaluate(Known::IfMatch, "\"a\""), Failed);
    assert_eq!(evaluate(Known::IfNoneMatch, "*"), Proceed);
    assert_eq!(evaluate(Known::IfUnmodifiedSince, EARLIER), Proceed);
}

#[test]
fn if_range_wants_a_strong_validator() {
    let stored = stored();
    let applies = |value: &str, current: &Validators<'_>| {
        conditional::range_applies(&headers(&[(Known::IfRange, value)]), current)
    };
    let current = Validators::of(&stored);
    assert!(conditional::range_applies(&Headers::new(), &current));
    assert!(applies("\"a\"", &current) && applies(THEN, &current));
    for bad in ["W/\"a\"", "\"b\"", EARLIER, LATER, "nonsense"] {
        assert!(!applies(bad, &current), "{bad}");
    }
    // Sent within the second of the change: equal dates prove nothing.
    let same_second = Validators { date: current.last_modified, ..current };
    assert!(!applies(THEN, &same_second));
    assert!(!applies(THEN, &Validators { date: None, ..current }));
    assert!(!applies("nonsense", &Validators::default()));
    let twice = headers(&[(Known::IfRange, "\"a\""), (Known::IfRange, "\"a\"")]);
    assert!(!conditional::range_applies(&twice, &current));
}

#[test]
fn a_304_keeps_what_updates_a_cache_and_drops_what_describes_content() {
    let mut head = ResponseHead::new(Status::OK);
    for name in [
        "Date",
        "ETag",
        "Last-Modified",
        "Content-Length",
        "Content-Type",
        "content-language",
        "Cache-Control",
        "Vary",
        "Expires",
        "Content-Location",
        "Content-Encoding",
        "Set-Cookie",
        "Access-Control-Allow-Origin",
    ] {
        head.headers.append(name, "\"v\"").unwrap();
    }
    head.set_reason(bytes::Bytes::from_static(b"Fine")).unwrap();
    conditional::not_modified(&mut head);
    assert_eq!((head.status, head.reason()), (Status::NOT_MODIFIED, &b"Not Modified"[..]));
    let left: Vec<_> = head.headers.iter().map(|field| field.name).collect();
    let expected = [
        "Date",
        "ETag",
        "Cache-Control",
        "Vary",
        "Expires",
        "Content-Location",
        "Set-Cookie",
        "Access-Control-Allow-Origin",
    ];
    assert_eq!(left, expected);

    let mut untagged = ResponseHead::new(Status::OK);
    untagged.headers.append(Known::LastModified, THEN).unwrap();
    conditional::not_modified(&mut untagged);
    assert!(untagged.headers.contains(Known::LastModified));
}
