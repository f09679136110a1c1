//! One field as it is read, what names one, and why one is refused.

use std::fmt;

use crate::Known;

/// One field of a [`Headers`](crate::Headers).
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field<'a> {
    /// Which well-known name it has, if any.
    pub known: Option<Known>,
    /// The name in the case in which it came.
    pub name: &'a str,
    /// The value without the blanks around it; obs-text is possible.
    pub value: &'a [u8],
}

impl<'a> Field<'a> {
    /// The value if it is UTF-8.
    pub fn value_str(&self) -> Option<&'a str> {
        std::str::from_utf8(self.value).ok()
    }

    /// Whether the value must not appear in logs: credentials and cookies.
    pub fn is_sensitive(&self) -> bool {
        matches!(
            self.known,
            Some(Known::Authorization | Known::Cookie | Known::ProxyAuthorization | Known::SetCookie)
        )
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_sensitive() {
            write!(f, "{}: (hidden)", self.name)
        } else {
            write!(f, "{}: {}", self.name, self.value.escape_ascii())
        }
    }
}

/// What names a field: a [`Known`], a string, bytes, or a [`Field`]. Names compare without case.
///
/// This trait is sealed.
pub trait FieldName: sealed::Sealed {
    /// The well-known name it is.
    fn known(&self) -> Option<Known>;
    /// The name as it is written. Not yet judged: it may be no legal name.
    fn as_bytes(&self) -> &[u8];
}

pub(crate) mod sealed {
    pub trait Sealed {
        /// Set if the name need not be copied: it is the static name of this `Known`.
        fn canonical(&self) -> Option<crate::Known> {
            None
        }
    }
}

impl sealed::Sealed for Known {
    #[inline]
    fn canonical(&self) -> Option<Known> {
        Some(*self)
    }
}

impl FieldName for Known {
    #[inline]
    fn known(&self) -> Option<Known> {
        Some(*self)
    }
    #[inline]
    fn as_bytes(&self) -> &[u8] {
        self.as_str().as_bytes()
    }
}

impl<T: FieldName + ?Sized> sealed::Sealed for &T {
    #[inline]
    fn canonical(&self) -> Option<Known> {
        T::canonical(self)
    }
}

impl<T: FieldName + ?Sized> FieldName for &T {
    #[inline]
    fn known(&self) -> Option<Known> {
        T::known(self)
    }
    #[inline]
    fn as_bytes(&self) -> &[u8] {
        T::as_bytes(self)
    }
}

/// For everything whose bytes have yet to be looked at.
macro_rules! named_by_bytes {
    ($($type:ty => |$name:ident| $bytes:expr;)*) => {$(
        impl sealed::Sealed for $type {}

        impl FieldName for $type {
            #[inline]
            fn known(&self) -> Option<Known> {
                Known::classify(self.as_bytes())
            }
            #[inline]
            fn as_bytes(&self) -> &[u8] {
                let $name = self;
                $bytes
            }
        }
    )*};
}

named_by_bytes! {
    str => |name| str::as_bytes(name);
    String => |name| str::as_bytes(name);
    [u8] => |name| name;
    Field<'_> => |field| field.name.as_bytes();
    http::HeaderName => |name| name.as_str().as_bytes();
}

/// Why a field cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidField {
    /// The name is no token (RFC 9110 5.6.2): empty, or with a separator, blank, control or
    /// non-ASCII byte.
    Name,
    /// The field, or all fields together, exceed what offsets can address (16 MiB for a name,
    /// 2 GiB in all).
    TooLarge,
    /// The value has a CR, LF, NUL or other control byte (RFC 9110 5.5).
    Value,
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidField::Name => "illegal byte in a field name, or an empty one",
            InvalidField::TooLarge => "a field is too large",
            InvalidField::Value => "illegal byte in a field value",
        })
    }
}

impl std::error::Error for InvalidField {}
