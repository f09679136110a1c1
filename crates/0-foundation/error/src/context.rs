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

/// How many contexts fit into the error itself; an error rarely passes more places that have something to say.
const INLINE: usize = 3;

/// The contexts of one error, oldest first. Only the fourth and later need memory of their own.
#[derive(Default)]
pub(crate) struct Contexts {
    inline: [Option<Context>; INLINE],
    more: Vec<Context>,
}

impl Contexts {
    pub(crate) fn one(context: Context) -> Self {
        Contexts { inline: [Some(context), None, None], more: Vec::new() }
    }

    pub(crate) fn push(&mut self, context: Context) {
        match self.inline.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some(context),
            None => self.more.push(context),
        }
    }

    /// Newest, that is outermost, first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Context> {
        self.inline.iter().flatten().chain(&self.more).rev()
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
