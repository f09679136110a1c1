//! Walking and printing the causes of an error.

use std::error::Error as StdError;
use std::fmt::{self, Write};
use std::io;

/// The causes of an error, nearest first.
pub(crate) struct Causes<'a>(Option<&'a (dyn StdError + 'static)>);

impl<'a> Causes<'a> {
    pub(crate) fn of(error: &'a (dyn StdError + 'static)) -> Self {
        Causes(error.source())
    }
}

impl<'a> Iterator for Causes<'a> {
    type Item = &'a (dyn StdError + 'static);

    fn next(&mut self) -> Option<Self::Item> {
        let cause = self.0?;
        // An `io::Error` made from another error passes that one over in `source()`.
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        self.0 = match inner {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
        Some(cause)
    }
}

/// Keeps what is written through it on one line: a peer may have chosen part of the text.
pub(crate) struct OneLine<'a, 'b>(pub(crate) &'a mut fmt::Formatter<'b>);

impl Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (at, c) in text.char_indices().filter(|(_, c)| c.is_control()) {
            self.0.write_str(&text[plain..at])?;
            write!(self.0, "{}", c.escape_default())?;
            plain = at + c.len_utf8();
        }
        self.0.write_str(&text[plain..])
    }
}
