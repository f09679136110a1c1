//! Which byte may stand where, as one table.

/// May stand in a token (RFC 9110 5.6.2).
pub(crate) const TOKEN: u8 = 1;
/// May stand in a field value, a reason phrase or a chunk extension: HTAB, SP,
/// VCHAR, obs-text (RFC 9110 5.5).
pub(crate) const VALUE: u8 = 2;
/// May stand in a request target: VCHAR.
pub(crate) const TARGET: u8 = 4;

static CLASSES: [u8; 256] = classes();

/// Whether `byte` is in `class`.
#[inline]
pub(crate) fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// How many bytes at the start of `bytes` are in `class`.
#[inline]
pub(crate) fn run(bytes: &[u8], class: u8) -> usize {
    bytes.iter().position(|&byte| !is(byte, class)).unwrap_or(bytes.len())
}

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b == b'\t' || (b >= b' ' && b != 0x7f) {
            table[byte] |= VALUE;
        }
        if b > b' ' && b < 0x7f {
            table[byte] |= TARGET;
        }
        if b.is_ascii_alphanumeric() || is_token_mark(b) {
            table[byte] |= TOKEN;
        }
        byte += 1;
    }
    table
}

const fn is_token_mark(b: u8) -> bool {
    matches!(
        b,
        b'!' | b'#'
            | b'$'
            | b'%'
            | b'&'
            | b'\''
            | b'*'
            | b'+'
            | b'-'
            | b'.'
            | b'^'
            | b'_'
            | b'`'
            | b'|'
            | b'~'
    )
}
