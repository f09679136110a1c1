//! Values that others chose, made harmless for a line of a log.

use std::fmt;
use std::io::Write;

/// Appends `value` with quotes, backslashes, control characters and all that is not ASCII escaped
/// as `\xHH`, so that no value can end its quotes or begin a line.
pub(super) fn text(out: &mut Vec<u8>, value: &[u8]) {
    escape(out, value, plain, |out, b| write!(out, "\\x{b:02X}"));
}

/// Appends `value` as the inside of a JSON string. Bytes that are no ASCII are taken for Latin-1,
/// which is what a field value may legally hold.
pub(super) fn json(out: &mut Vec<u8>, value: &[u8]) {
    escape(out, value, plain, json_byte);
}

/// What is written through it becomes the inside of a JSON string. Text stays UTF-8.
pub(super) struct Json<'a>(pub(super) &'a mut Vec<u8>);

impl fmt::Write for Json<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text.as_bytes(), |b| plain(b) || !b.is_ascii(), json_byte);
        Ok(())
    }
}

/// What is written through it stays on one line: control characters are escaped. Text stays UTF-8.
pub(super) struct OneLine<'a>(pub(super) &'a mut Vec<u8>);

impl fmt::Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if c.is_control() {
                // Writing to a Vec cannot fail, here and below.
                let _ = write!(self.0, "{}", c.escape_default());
            } else {
                self.0.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        Ok(())
    }
}

/// Harmless between quotes.
fn plain(b: u8) -> bool {
    static PLAIN: [bool; 256] = {
        let mut plain = [false; 256];
        let mut b = b' ';
        while b <= b'~' {
            plain[b as usize] = b != b'"' && b != b'\\';
            b += 1;
        }
        plain
    };
    PLAIN[usize::from(b)]
}

fn json_byte(out: &mut Vec<u8>, b: u8) -> std::io::Result<()> {
    match b {
        b'"' | b'\\' => out.write_all(&[b'\\', b]),
        b'\n' => out.write_all(b"\\n"),
        _ => write!(out, "\\u{b:04x}"),
    }
}

fn escape(
    out: &mut Vec<u8>,
    value: &[u8],
    harmless: impl Fn(u8) -> bool,
    mut with: impl FnMut(&mut Vec<u8>, u8) -> std::io::Result<()>,
) {
    let mut rest = value;
    while let Some(at) = rest.iter().position(|&b| !harmless(b)) {
        out.extend_from_slice(&rest[..at]);
        let _ = with(out, rest[at]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn escaped(by: fn(&mut Vec<u8>, &[u8]), value: &[u8]) -> String {
        let mut out = Vec::new();
        by(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_ends_a_line_or_a_quote() {
        let value = b"a\" 200 \\ \r\n\x00\x7f\xe9z";
        assert_eq!(escaped(text, value), r"a\x22 200 \x5C \x0D\x0A\x00\x7F\xE9z");
        assert_eq!(escaped(json, value), r#"a\" 200 \\ \u000d\n\u0000\u007f\u00e9z"#);
    }

    #[test]
    fn own_text_stays_readable() {
        let text = "größe \"1\"\n\u{85}\x1b[0m";
        let mut out = Vec::new();
        Json(&mut out).write_str(text).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "größe \\\"1\\\"\\n\u{85}\\u001b[0m");
        let mut out = Vec::new();
        OneLine(&mut out).write_str(text).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), r#"größe "1"\n\u{85}\u{1b}[0m"#);
    }
}
