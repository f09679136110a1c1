//! Versions of the protocol, and what they are called.

/// A version of TLS. The two old ones are for showing that they are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.0 (RFC 2246).
    V10,
    /// TLS 1.1 (RFC 4346).
    V11,
    /// TLS 1.2 (RFC 5246).
    V12,
    /// TLS 1.3 (RFC 8446).
    V13,
}

/// Oldest and newest version allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Versions {
    pub(crate) min: TlsVersion,
    pub(crate) max: TlsVersion,
}

impl TlsVersion {
    const ALL: [Self; 4] = [Self::V10, Self::V11, Self::V12, Self::V13];

    /// `1.2` and the like.
    pub(crate) fn number(self) -> &'static str {
        match self {
            Self::V10 => "1.0",
            Self::V11 => "1.1",
            Self::V12 => "1.2",
            Self::V13 => "1.3",
        }
    }

    /// As OpenSSL's settings and nginx spell it: the oldest one without its zero.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Self::V10 => "TLSv1",
            Self::V11 => "TLSv1.1",
            Self::V12 => "TLSv1.2",
            Self::V13 => "TLSv1.3",
        }
    }
}

impl Versions {
    /// 1.2 and 1.3.
    pub(crate) const CURRENT: Self = Self { min: TlsVersion::V12, max: TlsVersion::V13 };

    /// All that lie in between, both ends included.
    pub(crate) fn each(self) -> impl Iterator<Item = TlsVersion> {
        TlsVersion::ALL.into_iter().filter(move |version| (self.min..=self.max).contains(version))
    }

    /// The cipher list these versions need where a test has named none: OpenSSL 3 takes the old ones at its lowest
    /// security level alone.
    pub(crate) fn ciphers(self) -> Option<String> {
        (self.min < TlsVersion::V12).then(|| "DEFAULT:@SECLEVEL=0".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_both_its_ends() {
        let spelled = |min, max| Versions { min, max }.each().map(TlsVersion::setting).collect::<Vec<_>>();
        assert_eq!(spelled(TlsVersion::V10, TlsVersion::V12), ["TLSv1", "TLSv1.1", "TLSv1.2"]);
        assert_eq!(spelled(TlsVersion::V13, TlsVersion::V13), ["TLSv1.3"]);
    }
}
