//! The byte classes of RFC 9110 and RFC 3986 that the rest of the crate asks for.

/// Bytes of a token (RFC 9110 5.6.2).
const TOKEN: [bool; 256] = class(b"!#$%&'*+-.^_`|~", true);
/// Bytes of a registered name without its percent signs (RFC 3986 3.2.2).
const REG_NAME: [bool; 256] = class(b"-._~!$&'()*+,;=", true);

const fn class(others: &[u8], alphanumeric: bool) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = alphanumeric && (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}

/// Whether `byte` may stand in a token.
#[inline]
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// Whether `bytes` are a token: not empty, and token bytes only.
#[inline]
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token_byte(byte))
}

/// Whether `byte` may stand in a registered name, percent signs aside.
#[inline]
pub(crate) const fn is_reg_name_byte(byte: u8) -> bool {
    REG_NAME[byte as usize]
}

/// Whether `bytes` hold only what a field value or a reason phrase may: HTAB, SP, VCHAR and
/// obs-text (RFC 9110 5.5).
#[inline]
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    // No early exit: without one the compiler looks at many bytes at once.
    let mut bad = false;
    for &byte in bytes {
        bad |= (byte < 0x20 && byte != b'\t') || byte == 0x7F;
    }
    !bad
}

/// `bytes` without the spaces and tabs around them.
#[inline]
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let mut bytes = bytes;
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_no_token_bytes() {
        for byte in b"\"(),/:;<=>?@[\\]{} \t\r\n\0\x7F\x80\xFF" {
            assert!(!is_token_byte(*byte), "{byte:#x}");
        }
        assert!(is_token(b"X-a.b_c~1"));
        assert!(!is_token(b""));
    }

    #[test]
    fn values_may_hold_obs_text_and_tabs() {
        assert!(is_value(b"a\tb \x80\xFF"));
        for byte in (0..0x20u8).filter(|&byte| byte != b'\t').chain([0x7F]) {
            assert!(!is_value(&[b'a', byte]), "{byte:#x}");
        }
    }

    #[test]
    fn trim_takes_both_ends() {
        assert_eq!(trim(b" \ta b\t "), b"a b");
        assert_eq!(trim(b" \t"), b"");
    }
}
