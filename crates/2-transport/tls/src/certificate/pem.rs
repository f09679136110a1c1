//! PEM (RFC 7468, and RFC 1421 for what older tools write), with the places of its blocks.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// One block.
#[derive(Debug, PartialEq)]
pub(crate) struct Block {
    /// What it says it is: `CERTIFICATE`.
    pub(crate) label: String,
    /// Where it begins, from 1.
    pub(crate) line: usize,
    /// Whether it is encrypted in the old way (RFC 1421 4.6.1.1).
    pub(crate) encrypted: bool,
    pub(crate) der: Vec<u8>,
}

/// A block that is none.
#[derive(Debug, PartialEq)]
pub(crate) struct Damage {
    /// Where it begins, from 1.
    pub(crate) line: usize,
    pub(crate) why: &'static str,
}

const BEGIN: &[u8] = b"-----BEGIN";
const DASHES: &[u8] = b"-----";

/// Takes what is there for padding: tools differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// All blocks, in order. What stands between them is left out: it explains, for people.
pub(crate) fn blocks(text: &[u8]) -> Result<Vec<Block>, Damage> {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).zip(1..);
    let mut blocks = Vec::new();
    while let Some((line, number)) = lines.next() {
        // A mark of the byte order may stand before the first.
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let Some(label) = line.strip_prefix(BEGIN) else { continue };
        let damage = |why| Damage { line: number, why };
        let label = label.strip_prefix(b" ").and_then(|label| label.strip_suffix(DASHES));
        let label = label.ok_or(damage("the first line is cut off"))?;
        let label = String::from_utf8_lossy(label).into_owned();
        blocks.push(block(label, number, &mut lines).map_err(damage)?);
    }
    Ok(blocks)
}

/// The rest of a block whose first line has been read.
fn block<'a>(
    label: String,
    line: usize,
    lines: &mut impl Iterator<Item = (&'a [u8], usize)>,
) -> Result<Block, &'static str> {
    let mut encrypted = false;
    let mut body = Vec::new();
    for (text, _) in lines {
        if text.starts_with(DASHES) {
            let end = text.strip_prefix(b"-----END ").and_then(|end| end.strip_suffix(DASHES));
            return match end {
                Some(end) if end == label.as_bytes() => {
                    let der = BASE64.decode(&body).map_err(|_| "the text is no base64")?;
                    Ok(Block { label, line, encrypted, der })
                }
                Some(_) => Err("the last line names something else than the first"),
                None => Err("the last line is missing"),
            };
        }
        if text.contains(&b':') {
            encrypted |= text.starts_with(b"Proc-Type") && text.ends_with(b"ENCRYPTED");
        } else if !text.starts_with(b"DEK-Info") {
            body.extend(text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()));
        }
    }
    Err("the last line is missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Block {
        let mut blocks = blocks(text.as_bytes()).unwrap();
        assert_eq!(blocks.len(), 1);
        blocks.remove(0)
    }

    #[test]
    fn finds_blocks_between_words_and_says_where() {
        let found = blocks(b"who\n-----BEGIN A-----\nAAE=\n-----END A-----\n\nx\r\n-----BEGIN B C-----\r\nAgM\r\n-----END B C-----").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].label.as_str(), found[0].line, &found[0].der[..]), ("A", 2, &[0, 1][..]));
        assert_eq!((found[1].label.as_str(), found[1].line, &found[1].der[..]), ("B C", 7, &[2, 3][..]));
    }

    #[test]
    fn knows_the_old_encryption() {
        let block = one(
            "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAE=\n-----END A-----\n",
        );
        assert!(block.encrypted);
        assert_eq!(block.der, [0, 1]);
        assert!(!one("-----BEGIN A-----\nAAE=\n-----END A-----").encrypted);
    }

    #[test]
    fn says_what_is_damaged() {
        for (text, line, why) in [
            ("\n-----BEGIN A----\nAAE=\n-----END A-----\n", 2, "the first line is cut off"),
            ("-----BEGIN A-----\nAAE=\n", 1, "the last line is missing"),
            ("-----BEGIN A-----\nAAE=\n-----BEGIN B-----\n", 1, "the last line is missing"),
            ("-----BEGIN A-----\nA*E=\n-----END A-----\n", 1, "the text is no base64"),
            ("-----BEGIN A-----\n-----END B-----\n", 1, "the last line names something else than the first"),
        ] {
            assert_eq!(blocks(text.as_bytes()), Err(Damage { line, why }), "{text}");
        }
    }
}
