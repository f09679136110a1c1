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

/// Where a table stands, and each key that was given in it. Any two are equal, so that tables are if
/// they say the same.
#[derive(Clone, Debug)]
pub struct Place {
    /// The table: its header, or the whole of it if it is written in braces.
    pub span: Span,
    keys: Vec<Given>,
    /// Keys that unknown ones were probably meant to be.
    meant: Vec<&'static str>,
}

/// A key that was given.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) name: &'static str,
    pub(crate) key: Span,
    pub(crate) value: Span,
    /// It says something else than the default.
    pub(crate) changed: bool,
    /// What it says could be read, all of it.
    pub(crate) sound: bool,
}

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Place {
    pub(crate) fn new(span: Span, keys: Vec<Given>, meant: Vec<&'static str>) -> Self {
        Self { span, keys, meant }
    }

    fn given(&self, name: &str) -> Option<&Given> {
        self.keys.iter().find(|given| given.name == name)
    }

    /// The name of this key, if the key was given and is not only at its default.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<Span> {
        self.given(name).map(|given| given.key)
    }

    /// The value of this key, if the key was given.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Span> {
        self.given(name).map(|given| given.value)
    }

    /// Whether this key was given.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    /// The name of this key, if it was given, could be read, and says something else than the default.
    #[must_use]
    pub fn changed(&self, name: &str) -> Option<Span> {
        self.given(name).filter(|given| given.changed && given.sound).map(|given| given.key)
    }

    /// Whether what this key says can be relied on: it is at its default, or all of it could be read.
    pub(crate) fn is_sound(&self, name: &str) -> bool {
        self.given(name).is_none_or(|given| given.sound) && !self.meant.contains(&name)
    }

    /// Whether an unknown key was probably meant to be this one.
    pub(crate) fn was_meant(&self, name: &str) -> bool {
        self.meant.contains(&name)
    }
}
