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
    !any_word(bytes, |word| below(word, 0x20) | equal(word, 0x7F)) || is_value_with_tabs(bytes)
}

#[cold]
fn is_value_with_tabs(bytes: &[u8]) -> bool {
    !bytes.iter().any(|&byte| byte < 0x20 && byte != b'\t' || byte == 0x7F)
}

/// Whether `bytes` hold only what a request target may: printable ASCII but `#` (RFC 3986).
#[inline]
pub(crate) fn is_target(bytes: &[u8]) -> bool {
    !any_word(bytes, |word| below(word, 0x21) | equal(word, b'#') | equal(word, 0x7F) | word)
}

/// Whether `flags` sets the highest bit of a byte for any byte of `bytes`. They are shown to it
/// eight at a time, some of them twice, and filled up with `a`.
#[inline]
fn any_word(bytes: &[u8], flags: impl Fn(u64) -> u64) -> bool {
    let mut all = 0;
    if let Some(last) = bytes.last_chunk::<8>() {
        for word in bytes.as_chunks::<8>().0 {
            all |= flags(u64::from_le_bytes(*word));
        }
        all |= flags(u64::from_le_bytes(*last));
    } else {
        let mut word = u64::from_le_bytes([b'a'; 8]);
        for &byte in bytes {
            word = word << 8 | byte as u64;
        }
        all = flags(word);
    }
    all & HIGHEST != 0
}

const HIGHEST: u64 = 0x8080_8080_8080_8080;
const ONES: u64 = 0x0101_0101_0101_0101;

/// Flags the bytes below `bound`, which is at most 0x80. A borrow may flag one more, but only above
/// one that is flagged rightly.
#[inline]
const fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(ONES * bound as u64) & !word & HIGHEST
}

/// Flags the bytes that are `byte`; for a borrow, see [`below`].
#[inline]
const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * byte as u64), 1)
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

    /// Byte by byte, at every place of words and of what is left over.
    #[test]
    fn words_are_judged_as_their_bytes_are() {
        for len in 1..=20 {
            for at in 0..len {
                for byte in 0..=255u8 {
                    for around in [b'a', b'\t', b'~', 0x80, 0xFF] {
                        let mut bytes = vec![around; len];
                        bytes[at] = byte;
                        let legal = |&byte: &u8| byte >= 0x20 && byte != 0x7F || byte == b'\t';
                        assert_eq!(is_value(&bytes), bytes.iter().all(legal), "{bytes:?}");
                        let legal = |&byte: &u8| byte.is_ascii_graphic() && byte != b'#';
                        assert_eq!(is_target(&bytes), bytes.iter().all(legal), "{bytes:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn trim_takes_both_ends() {
        assert_eq!(trim(b" \ta b\t "), b"a b");
        assert_eq!(trim(b" \t"), b"");
    }
}
