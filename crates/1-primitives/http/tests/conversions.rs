//! From and to the types of the crate `http`.

use bytes::Bytes;
use gorge_http::conversions::InvalidConversion;
use gorge_http::{Headers, Known, Method, RequestHead, ResponseHead, Status, Uri, Version};

#[test]
fn a_request_goes_there_and_back() {
    let mut head = RequestHead::new();
    head.method = Method::from_bytes(b"M-SEARCH").unwrap();
    head.uri = Uri::parse(&head.method, Bytes::from_static(b"http://a:81/b?c")).unwrap();
    head.version = Version::Http2;
    head.headers.append(Known::Cookie, "a=b").unwrap();
    head.headers.append("x-a", b"\xFFone").unwrap();
    head.headers.append("X-A", "two").unwrap();

    let request = http::Request::try_from(&head).unwrap();
    assert_eq!(request.method(), "M-SEARCH");
    assert_eq!(request.uri(), "http://a:81/b?c");
    assert_eq!(request.version(), http::Version::HTTP_2);
    assert!(request.headers()["cookie"].is_sensitive());
    assert_eq!(request.headers().get_all("x-a").iter().count(), 2);

    let (parts, ()) = request.into_parts();
    let back = RequestHead::try_from(&parts).unwrap();
    assert_eq!(back, head);
    assert_eq!(back.headers.iter().next().map(|field| field.name), Some("Cookie"));
}

#[test]
fn every_form_of_target_goes_over() {
    for (method, text) in [
        (Method::GET, "/a?b"),
        (Method::OPTIONS, "*"),
        (Method::CONNECT, "a:443"),
        (Method::GET, "https://[::1]:8443/"),
    ] {
        let uri = Uri::parse(&method, Bytes::from_static(text.as_bytes())).unwrap();
        let head = RequestHead { method, uri, ..RequestHead::new() };
        let (parts, ()) = http::Request::try_from(&head).unwrap().into_parts();
        assert_eq!(RequestHead::try_from(&parts).unwrap(), head);
    }
}

#[test]
fn a_response_goes_there_and_back() {
    let mut head = ResponseHead::new(Status::new(299).unwrap());
    head.version = Version::Http10;
    head.headers.append(Known::SetCookie, "a=b").unwrap();
    head.headers.append(Known::SetCookie, "c=d").unwrap();
    let (parts, ()) = http::Response::try_from(&head).unwrap().into_parts();
    assert_eq!(parts.status.as_u16(), 299);
    assert_eq!(ResponseHead::try_from(&parts).unwrap(), head);
}

#[test]
fn what_has_no_counterpart_is_refused() {
    let mut map = http::HeaderMap::new();
    map.insert("x-a", http::HeaderValue::from_static("b"));
    assert_eq!(Headers::try_from(&map).unwrap().get_str("X-A"), Some("b"));
    assert!(matches!(Version::try_from(http::Version::HTTP_09), Err(InvalidConversion::Version)));
    let (parts, ()) = http::Request::get("ftp://a/").body(()).unwrap().into_parts();
    assert!(matches!(RequestHead::try_from(&parts), Err(InvalidConversion::Uri(_))));
}
