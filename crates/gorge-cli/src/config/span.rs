//! Places in the configuration, and values that know theirs.

/// A piece of the text of a [`Source`](super::Source), in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

impl Span {
    /// Nowhere in the text: of a default.
    pub const NONE: Span = Span { start: u32::MAX, end: u32::MAX };

    /// From the first byte up to, and without, the second. Texts are far shorter than 4 GiB.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: offset(start), end: offset(end.max(start)) }
    }

    /// Whether it lies in the text at all.
    #[must_use]
    pub fn is_some(self) -> bool {
        self != Self::NONE
    }

    /// The same piece of a text that begins `by` bytes further on.
    #[must_use]
    pub(crate) fn shifted(self, by: usize) -> Self {
        Self::new(self.start as usize + by, self.end as usize + by)
    }
}

/// A value and where it stands. Two are equal if the values are.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands; [`Span::NONE`] if it is a default.
    pub span: Span,
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// Where a table stands, and each key that was given in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The table: its header, or the whole of it if it is written in braces.
    pub span: Span,
    keys: Vec<(&'static str, Span, Span)>,
}

impl Place {
    pub(crate) fn new(span: Span, keys: Vec<(&'static str, Span, Span)>) -> Self {
        Self { span, keys }
    }

    /// The name of this key, if the key was given and is not only at its default.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<Span> {
        self.keys.iter().find(|(key, ..)| *key == name).map(|(_, key, _)| *key)
    }

    /// The value of this key, if the key was given.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Span> {
        self.keys.iter().find(|(key, ..)| *key == name).map(|(.., value)| *value)
    }

    /// Whether this key was given.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.key(name).is_some()
    }
}
