//! Values that others chose, made harmless for a line of a log.

use std::io::Write;

/// Appends `value` with quotes, backslashes, control characters and all that is not ASCII escaped
/// as `\xHH`, so that no value can end its quotes or begin a line.
pub(super) fn text(out: &mut Vec<u8>, value: &[u8]) {
    let harmless = |b: u8| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\';
    escape(out, value, harmless, |out, b| write!(out, "\\x{b:02X}"));
}

/// Appends `value` as the inside of a JSON string. Bytes that are no ASCII are taken for Latin-1,
/// which is what a field value may legally hold.
pub(super) fn json(out: &mut Vec<u8>, value: &[u8]) {
    let harmless = |b: u8| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\';
    escape(out, value, harmless, |out, b| match b {
        b'"' | b'\\' => out.write_all(&[b'\\', b]),
        _ => write!(out, "\\u{b:04x}"),
    });
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
        // Writing to a Vec cannot fail.
        let _ = with(out, rest[at]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
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
        assert_eq!(escaped(json, value), r#"a\" 200 \\ \u000d\u000a\u0000\u007f\u00e9z"#);
    }
}
