//! Bytes in hexadecimal, without an allocation.

/// Puts two lower-case digits for each byte.
pub(crate) fn put_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(
        bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_two_digits() {
        let mut out = b"0x".to_vec();
        put_hex(&[0, 0x0f, 0xa5, 0xff], &mut out);
        assert_eq!(out, b"0x000fa5ff");
    }
}
