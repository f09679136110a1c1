//! From and to the types of the crate `http`.
//!
//! Only by `TryFrom` and `TryInto`, as each side can hold something that the other cannot: `http`
//! knows other schemes and limits the length of names, and maps names to lower case.

use std::fmt;

use bytes::Bytes;

use crate::{
    Headers, InvalidField, InvalidMethod, InvalidStatus, InvalidUri, Method, RequestHead, ResponseHead,
    Status, Uri, Version,
};

/// Why a type of one side has no counterpart on the other.
#[derive(Debug)]
#[non_exhaustive]
pub enum InvalidConversion {
    /// A field is not valid here.
    Field(InvalidField),
    /// The crate `http` refused it.
    Http(http::Error),
    /// There are more fields than `http::HeaderMap` can hold.
    MaxSizeReached,
    /// The method is not valid here.
    Method(InvalidMethod),
    /// The status is not valid here.
    Status(InvalidStatus),
    /// The target is not valid here.
    Uri(InvalidUri),
    /// HTTP/0.9, or a version yet to come.
    Version,
}

impl fmt::Display for InvalidConversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidConversion::Field(_) => "a field cannot be converted",
            InvalidConversion::Http(_) => "refused by the crate http",
            InvalidConversion::MaxSizeReached => "more fields than a header map can hold",
            InvalidConversion::Method(_) => "the method cannot be converted",
            InvalidConversion::Status(_) => "the status cannot be converted",
            InvalidConversion::Uri(_) => "the request target cannot be converted",
            InvalidConversion::Version => "the version cannot be converted",
        })
    }
}

impl std::error::Error for InvalidConversion {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            InvalidConversion::Field(error) => Some(error),
            InvalidConversion::Http(error) => Some(error),
            InvalidConversion::Method(error) => Some(error),
            InvalidConversion::Status(error) => Some(error),
            InvalidConversion::Uri(error) => Some(error),
            InvalidConversion::MaxSizeReached | InvalidConversion::Version => None,
        }
    }
}

macro_rules! convert_errors {
    ($($from:ty => $variant:ident;)*) => {$(
        impl From<$from> for InvalidConversion {
            fn from(error: $from) -> Self {
                InvalidConversion::$variant(error.into())
            }
        }
    )*};
}

convert_errors! {
    InvalidField => Field;
    InvalidMethod => Method;
    InvalidStatus => Status;
    InvalidUri => Uri;
    http::Error => Http;
    http::header::InvalidHeaderName => Http;
    http::header::InvalidHeaderValue => Http;
    http::method::InvalidMethod => Http;
    http::status::InvalidStatusCode => Http;
    http::uri::InvalidUri => Http;
}

impl TryFrom<&http::HeaderMap> for Headers {
    type Error = InvalidConversion;

    /// Well-known names get their usual case, others stay in lower case.
    fn try_from(map: &http::HeaderMap) -> Result<Self, InvalidConversion> {
        let mut headers = Headers::with_capacity(map.len(), 0);
        for (name, value) in map {
            match crate::Known::classify(name.as_str().as_bytes()) {
                Some(known) => headers.append(known, value)?,
                None => headers.append(name, value)?,
            }
        }
        Ok(headers)
    }
}

impl TryFrom<&Headers> for http::HeaderMap {
    type Error = InvalidConversion;

    fn try_from(headers: &Headers) -> Result<Self, InvalidConversion> {
        let mut map = http::HeaderMap::new();
        for field in headers {
            let name = http::HeaderName::from_bytes(field.name.as_bytes())?;
            let mut value = http::HeaderValue::from_bytes(field.value)?;
            value.set_sensitive(field.is_sensitive());
            map.try_append(name, value).map_err(|_| InvalidConversion::MaxSizeReached)?;
        }
        Ok(map)
    }
}

impl TryFrom<&http::Method> for Method {
    type Error = InvalidConversion;

    fn try_from(method: &http::Method) -> Result<Self, InvalidConversion> {
        Ok(Method::from_bytes(method.as_str().as_bytes())?)
    }
}

impl TryFrom<&Method> for http::Method {
    type Error = InvalidConversion;

    fn try_from(method: &Method) -> Result<Self, InvalidConversion> {
        Ok(http::Method::from_bytes(method.as_str().as_bytes())?)
    }
}

impl TryFrom<http::StatusCode> for Status {
    type Error = InvalidConversion;

    fn try_from(status: http::StatusCode) -> Result<Self, InvalidConversion> {
        Ok(Status::new(status.as_u16())?)
    }
}

impl TryFrom<Status> for http::StatusCode {
    type Error = InvalidConversion;

    fn try_from(status: Status) -> Result<Self, InvalidConversion> {
        Ok(http::StatusCode::from_u16(status.as_u16())?)
    }
}

impl TryFrom<http::Version> for Version {
    type Error = InvalidConversion;

    fn try_from(version: http::Version) -> Result<Self, InvalidConversion> {
        match version {
            http::Version::HTTP_10 => Ok(Version::Http10),
            http::Version::HTTP_11 => Ok(Version::Http11),
            http::Version::HTTP_2 => Ok(Version::Http2),
            http::Version::HTTP_3 => Ok(Version::Http3),
            _ => Err(InvalidConversion::Version),
        }
    }
}

impl From<Version> for http::Version {
    fn from(version: Version) -> Self {
        match version {
            Version::Http10 => http::Version::HTTP_10,
            Version::Http11 => http::Version::HTTP_11,
            Version::Http2 => http::Version::HTTP_2,
            Version::Http3 => http::Version::HTTP_3,
        }
    }
}

impl TryFrom<&Uri> for http::Uri {
    type Error = InvalidConversion;

    fn try_from(uri: &Uri) -> Result<Self, InvalidConversion> {
        Ok(http::Uri::try_from(uri.as_str())?)
    }
}

impl TryFrom<&http::request::Parts> for RequestHead {
    type Error = InvalidConversion;

    /// Extensions are left behind.
    fn try_from(parts: &http::request::Parts) -> Result<Self, InvalidConversion> {
        let method = Method::try_from(&parts.method)?;
        Ok(RequestHead {
            uri: Uri::parse(&method, Bytes::from(parts.uri.to_string()))?,
            method,
            version: parts.version.try_into()?,
            headers: (&parts.headers).try_into()?,
        })
    }
}

impl TryFrom<&RequestHead> for http::Request<()> {
    type Error = InvalidConversion;

    fn try_from(head: &RequestHead) -> Result<Self, InvalidConversion> {
        let mut request = http::Request::new(());
        *request.method_mut() = (&head.method).try_into()?;
        *request.uri_mut() = (&head.uri).try_into()?;
        *request.version_mut() = head.version.into();
        *request.headers_mut() = (&head.headers).try_into()?;
        Ok(request)
    }
}

impl TryFrom<&http::response::Parts> for ResponseHead {
    type Error = InvalidConversion;

    /// Extensions are left behind.
    fn try_from(parts: &http::response::Parts) -> Result<Self, InvalidConversion> {
        let mut head = ResponseHead::new(parts.status.try_into()?);
        head.version = parts.version.try_into()?;
        head.headers = (&parts.headers).try_into()?;
        Ok(head)
    }
}

impl TryFrom<&ResponseHead> for http::Response<()> {
    type Error = InvalidConversion;

    /// A reason of one's own is left behind.
    fn try_from(head: &ResponseHead) -> Result<Self, InvalidConversion> {
        let mut response = http::Response::new(());
        *response.status_mut() = head.status.try_into()?;
        *response.version_mut() = head.version.into();
        *response.headers_mut() = (&head.headers).try_into()?;
        Ok(response)
    }
}
