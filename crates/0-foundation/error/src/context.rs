//! The text that a place adds to an error, and the stack of such texts.

use std::borrow::Cow;
use std::fmt;

/// One text that says what was being done. Static text costs no allocation.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Context(Cow<'static, str>);

impl Context {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Context {
    fn from(text: &'static str) -> Self {
        Context(Cow::Borrowed(text))
    }
}

impl From<String> for Context {
    fn from(text: String) -> Self {
        Context(Cow::Owned(text))
    }
}

impl From<Cow<'static, str>> for Context {
    fn from(text: Cow<'static, str>) -> Self {
        Context(text)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The contexts of one error, oldest first. The first two need no memory of their own: few errors pass more places that
/// have something to say, and every error carries the room.
pub(crate) struct Contexts {
    first: Option<Context>,
    second: Option<Context>,
    /// Boxed to take one word of every error rather than three.
    #[allow(clippy::box_collection, reason = "an error is kept small")]
    more: Option<Box<Vec<Context>>>,
}

impl Contexts {
    pub(crate) const fn none() -> Self {
        Contexts { first: None, second: None, more: None }
    }

    pub(crate) const fn one(context: Context) -> Self {
        Contexts { first: Some(context), second: None, more: None }
    }

    pub(crate) fn push(&mut self, context: Context) {
        if self.first.is_none() {
            self.first = Some(context);
        } else if self.second.is_none() {
            self.second = Some(context);
        } else {
            self.more.get_or_insert_default().push(context);
        }
    }

    /// Newest, that is outermost, first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Context> {
        let more = self.more.iter().flat_map(|more| more.iter().rev());
        more.chain(&self.second).chain(&self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_context_newest_first() {
        let mut contexts = Contexts::one("0".into());
        for n in 1..6 {
            contexts.push(n.to_string().into());
        }
        let text: String = contexts.iter().map(Context::as_str).collect();
        assert_eq!(text, "543210");
    }
}
