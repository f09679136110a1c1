//! The checksum CRC-32C (RFC 9260, appendix A).

/// The polynomial, its bits in reverse.
const POLYNOMIAL: u32 = 0x82f6_3b78;

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut rest = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            rest = if rest & 1 == 1 { rest >> 1 ^ POLYNOMIAL } else { rest >> 1 };
            bit += 1;
        }
        table[byte] = rest;
        byte += 1;
    }
    table
}

/// Of all `parts` in a row.
pub(super) fn checksum<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    let bytes = parts.into_iter().flatten();
    !bytes.fold(u32::MAX, |sum, &byte| sum >> 8 ^ TABLE[((sum ^ u32::from(byte)) & 0xff) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_check_value() {
        assert_eq!(checksum([&b"123456789"[..]]), 0xe306_9283);
        assert_eq!(checksum([&b"1234"[..], b"", b"56789"]), 0xe306_9283);
        // RFC 3720 B.4: 32 bytes of zeros.
        assert_eq!(checksum([&[0; 32][..]]), 0x8a91_36aa);
    }
}
