//! Several well-known names at once.

use crate::Known;

/// A set of well-known names. One word; asking it costs one bit test.
///
/// ```
/// use gorge_http::{Known, KnownSet};
///
/// const VALIDATORS: KnownSet = KnownSet::of(&[Known::ETag, Known::LastModified]);
/// assert!(VALIDATORS.contains(Known::ETag) && !VALIDATORS.contains(Known::Date));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownSet(u64);

impl KnownSet {
    /// No name at all.
    pub const EMPTY: KnownSet = KnownSet(0);

    /// The set of `names`.
    pub const fn of(names: &[Known]) -> KnownSet {
        let mut set = KnownSet::EMPTY;
        let mut at = 0;
        while at < names.len() {
            set = set.with(names[at]);
            at += 1;
        }
        set
    }

    /// This set, and `name` too.
    #[inline]
    pub const fn with(self, name: Known) -> KnownSet {
        KnownSet(self.0 | name.bit())
    }

    /// Whether `name` is one of them.
    #[inline]
    pub const fn contains(self, name: Known) -> bool {
        self.0 & name.bit() != 0
    }

    /// As a mask of [`Known::bit`]s.
    #[inline]
    pub(crate) const fn mask(self) -> u64 {
        self.0
    }
}
