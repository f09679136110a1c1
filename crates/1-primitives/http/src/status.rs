//! The status code of a response (RFC 9110 15).

use std::fmt;
use std::num::NonZeroU16;

/// A status code from 100 to 999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(NonZeroU16);

macro_rules! registered {
    ($($code:literal $name:ident $reason:literal;)*) => {
        impl Status {
            $(
                #[doc = concat!("`", $code, " ", $reason, "`")]
                pub const $name: Status = Status::registered($code);
            )*

            /// The phrase registered for the code; empty if there is none.
            pub const fn reason(self) -> &'static str {
                match self.0.get() {
                    $($code => $reason,)*
                    _ => "",
                }
            }
        }
    };
}

registered! {
    100 CONTINUE "Continue";
    101 SWITCHING_PROTOCOLS "Switching Protocols";
    102 PROCESSING "Processing";
    103 EARLY_HINTS "Early Hints";
    200 OK "OK";
    201 CREATED "Created";
    202 ACCEPTED "Accepted";
    203 NON_AUTHORITATIVE_INFORMATION "Non-Authoritative Information";
    204 NO_CONTENT "No Content";
    205 RESET_CONTENT "Reset Content";
    206 PARTIAL_CONTENT "Partial Content";
    207 MULTI_STATUS "Multi-Status";
    208 ALREADY_REPORTED "Already Reported";
    226 IM_USED "IM Used";
    300 MULTIPLE_CHOICES "Multiple Choices";
    301 MOVED_PERMANENTLY "Moved Permanently";
    302 FOUND "Found";
    303 SEE_OTHER "See Other";
    304 NOT_MODIFIED "Not Modified";
    305 USE_PROXY "Use Proxy";
    307 TEMPORARY_REDIRECT "Temporary Redirect";
    308 PERMANENT_REDIRECT "Permanent Redirect";
    400 BAD_REQUEST "Bad Request";
    401 UNAUTHORIZED "Unauthorized";
    402 PAYMENT_REQUIRED "Payment Required";
    403 FORBIDDEN "Forbidden";
    404 NOT_FOUND "Not Found";
    405 METHOD_NOT_ALLOWED "Method Not Allowed";
    406 NOT_ACCEPTABLE "Not Acceptable";
    407 PROXY_AUTHENTICATION_REQUIRED "Proxy Authentication Required";
    408 REQUEST_TIMEOUT "Request Timeout";
    409 CONFLICT "Conflict";
    410 GONE "Gone";
    411 LENGTH_REQUIRED "Length Required";
    412 PRECONDITION_FAILED "Precondition Failed";
    413 CONTENT_TOO_LARGE "Content Too Large";
    414 URI_TOO_LONG "URI Too Long";
    415 UNSUPPORTED_MEDIA_TYPE "Unsupported Media Type";
    416 RANGE_NOT_SATISFIABLE "Range Not Satisfiable";
    417 EXPECTATION_FAILED "Expectation Failed";
    421 MISDIRECTED_REQUEST "Misdirected Request";
    422 UNPROCESSABLE_CONTENT "Unprocessable Content";
    423 LOCKED "Locked";
    424 FAILED_DEPENDENCY "Failed Dependency";
    425 TOO_EARLY "Too Early";
    426 UPGRADE_REQUIRED "Upgrade Required";
    428 PRECONDITION_REQUIRED "Precondition Required";
    429 TOO_MANY_REQUESTS "Too Many Requests";
    431 REQUEST_HEADER_FIELDS_TOO_LARGE "Request Header Fields Too Large";
    451 UNAVAILABLE_FOR_LEGAL_REASONS "Unavailable For Legal Reasons";
    500 INTERNAL_SERVER_ERROR "Internal Server Error";
    501 NOT_IMPLEMENTED "Not Implemented";
    502 BAD_GATEWAY "Bad Gateway";
    503 SERVICE_UNAVAILABLE "Service Unavailable";
    504 GATEWAY_TIMEOUT "Gateway Timeout";
    505 HTTP_VERSION_NOT_SUPPORTED "HTTP Version Not Supported";
    506 VARIANT_ALSO_NEGOTIATES "Variant Also Negotiates";
    507 INSUFFICIENT_STORAGE "Insufficient Storage";
    508 LOOP_DETECTED "Loop Detected";
    511 NETWORK_AUTHENTICATION_REQUIRED "Network Authentication Required";
}

impl Status {
    /// The status of that number.
    ///
    /// # Errors
    /// If it does not lie between 100 and 999.
    #[inline]
    pub const fn new(code: u16) -> Result<Status, InvalidStatus> {
        match NonZeroU16::new(code) {
            Some(number) if code >= 100 && code <= 999 => Ok(Status(number)),
            _ => Err(InvalidStatus),
        }
    }

    const fn registered(code: u16) -> Status {
        match NonZeroU16::new(code) {
            Some(number) => Status(number),
            None => panic!("a constant of this file is zero"),
        }
    }

    /// The number.
    #[inline]
    pub const fn as_u16(self) -> u16 {
        self.0.get()
    }

    /// The three digits, as they stand in a status line.
    #[inline]
    pub const fn digits(self) -> [u8; 3] {
        let code = self.as_u16();
        [b'0' + (code / 100) as u8, b'0' + (code / 10 % 10) as u8, b'0' + (code % 10) as u8]
    }

    /// 1xx: not the last response to the request.
    #[inline]
    pub const fn is_informational(self) -> bool {
        self.as_u16() < 200
    }

    /// 2xx
    #[inline]
    pub const fn is_success(self) -> bool {
        self.as_u16() / 100 == 2
    }

    /// 3xx
    #[inline]
    pub const fn is_redirection(self) -> bool {
        self.as_u16() / 100 == 3
    }

    /// 4xx
    #[inline]
    pub const fn is_client_error(self) -> bool {
        self.as_u16() / 100 == 4
    }

    /// 5xx
    #[inline]
    pub const fn is_server_error(self) -> bool {
        self.as_u16() / 100 == 5
    }

    /// Whether a response of this status has no body, whatever its fields say (RFC 9112 6.3):
    /// 1xx, 204 and 304.
    #[inline]
    pub const fn is_bodiless(self) -> bool {
        matches!(self.as_u16(), 100..=199 | 204 | 304)
    }
}

impl Default for Status {
    /// `200 OK`
    fn default() -> Self {
        Status::OK
    }
}

impl TryFrom<u16> for Status {
    type Error = InvalidStatus;
    fn try_from(code: u16) -> Result<Self, InvalidStatus> {
        Status::new(code)
    }
}

impl PartialEq<u16> for Status {
    fn eq(&self, other: &u16) -> bool {
        self.as_u16() == *other
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_u16().fmt(f)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_u16().fmt(f)
    }
}

/// The number is no status: not between 100 and 999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidStatus;

impl fmt::Display for InvalidStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status code is not between 100 and 999")
    }
}

impl std::error::Error for InvalidStatus {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_digits_are_a_status() {
        for code in 100..=999 {
            let status = Status::new(code).unwrap();
            assert_eq!(status.digits(), *code.to_string().as_bytes());
            assert_eq!(status, code);
        }
        for code in [0, 1, 99, 1000, u16::MAX] {
            assert_eq!(Status::new(code), Err(InvalidStatus));
        }
    }

    #[test]
    fn classes_follow_the_first_digit() {
        assert!(Status::EARLY_HINTS.is_informational() && !Status::OK.is_informational());
        assert!(Status::NO_CONTENT.is_success() && Status::FOUND.is_redirection());
        assert!(Status::NOT_FOUND.is_client_error() && Status::BAD_GATEWAY.is_server_error());
        assert!(Status::NOT_MODIFIED.is_bodiless() && !Status::RESET_CONTENT.is_bodiless());
        assert_eq!(Status::new(599).unwrap().reason(), "");
    }
}
