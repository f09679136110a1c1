//! A line format of the user's own: text with `$names` in it.

use std::str::FromStr;

use gorge_error::{Error, Kind};

use super::name::Name;
use super::value::{Source, Style};

/// A line format of the user's own: text in which `$name` or `${name}` stands for something of the
/// exchange, and `$$` for a dollar sign.
///
/// Read and checked once; writing a line from it allocates nothing. Values are escaped, so that none
/// can begin a line or end its quotes. A template that begins with `{` is taken for a JSON document:
/// its values are escaped as JSON has it, an absent number is `null`, an absent text is empty.
/// Elsewhere an absent value is `-`. The user guide has the table of names. Cookies and credentials
/// have none.
///
/// ```
/// use gorge_proxy::log::Template;
///
/// let template: Template = r#"$client_ip "$method $target" $status ${duration_ms}ms"#.parse()?;
/// assert_eq!(template.as_str(), r#"$client_ip "$method $target" $status ${duration_ms}ms"#);
///
/// let error = "$remote_addr".parse::<Template>().unwrap_err();
/// assert!(error.to_string().contains("did you mean $client_ip?"));
/// # Ok::<_, gorge_error::Error>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
    style: Style,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Literal(Box<[u8]>),
    Name(Name),
}

impl Template {
    /// The text it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn write<C>(&self, out: &mut Vec<u8>, source: &Source<'_, C>) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text),
                Piece::Name(name) => source.value(name).write(out, self.style),
            }
        }
    }
}

impl FromStr for Template {
    type Err = Error;

    /// # Errors
    /// [`Kind::Configuration`]: an unknown name, with a suggestion; the name of a secret; a `$` without
    /// a name; a brace that is not closed; a line end or another control character but the tabulator.
    fn from_str(text: &str) -> Result<Self, Error> {
        let pieces = pieces(text).map_err(|(at, why)| {
            let context = format!("the access log template at byte {at}: {why}");
            Error::explain(Kind::Configuration, context).into_internal()
        })?;
        let style = if text.trim_start().starts_with('{') { Style::Json } else { Style::Text };
        Ok(Self { text: text.to_owned(), pieces, style })
    }
}

/// Takes it apart; if that cannot be done, says where and why.
fn pieces(text: &str) -> Result<Vec<Piece>, (usize, String)> {
    if let Some(at) = text.find(|c: char| c.is_control() && c != '\t') {
        return Err((at, "a line end or control character would break the line".into()));
    }
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let at = text.len() - rest.len() + dollar;
        literal.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(behind) = rest.strip_prefix('$') {
            literal.push('$');
            rest = behind;
            continue;
        }
        let (name, behind) = name(rest).map_err(|why| (at, why))?;
        let name = Name::parse(name).map_err(|why| (at, why))?;
        finish(&mut literal, &mut pieces);
        pieces.push(Piece::Name(name));
        rest = behind;
    }
    literal.push_str(rest);
    finish(&mut literal, &mut pieces);
    Ok(pieces)
}

fn finish(literal: &mut String, pieces: &mut Vec<Piece>) {
    if !literal.is_empty() {
        pieces.push(Piece::Literal(std::mem::take(literal).into_bytes().into()));
    }
}

/// The name behind a dollar sign, and what follows it.
fn name(rest: &str) -> Result<(&str, &str), String> {
    let (name, behind) = match rest.strip_prefix('{') {
        Some(inside) => inside.split_once('}').ok_or("the brace is not closed")?,
        None => {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            rest.split_at(end.unwrap_or(rest.len()))
        }
    };
    if name.is_empty() {
        return Err("a name belongs behind $; write $$ for the sign itself".into());
    }
    Ok((name, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, told) in [
            ("a $", "at byte 2: a name belongs behind $; write $$"),
            ("$status $-", "at byte 8: a name belongs behind $"),
            ("${status", "at byte 0: the brace is not closed"),
            ("${}", "a name belongs behind $"),
            ("ab ${statsu}", "at byte 3: there is no $statsu: did you mean $status?"),
            ("$status\n", "at byte 7: a line end or control character"),
            ("$http_cookie", "cookies and credentials are never logged"),
        ] {
            let error = text.parse::<Template>().unwrap_err();
            assert_eq!(error.kind(), Kind::Configuration);
            assert!(error.to_string().contains(told), "{text:?}: {error}");
        }
    }

    #[test]
    fn names_end_where_they_must() {
        let template: Template = "$$5 $status,${path}x\t$http_x_y".parse().unwrap();
        let expected = [
            Piece::Literal(b"$5 "[..].into()),
            Piece::Name(Name::Status),
            Piece::Literal(b","[..].into()),
            Piece::Name(Name::Path),
            Piece::Literal(b"x\t"[..].into()),
            Piece::Name(Name::OtherField("x-y".into())),
        ];
        assert_eq!(template.pieces, expected);
        assert_eq!((template.style, template.as_str().len()), (Style::Text, 30));
        assert_eq!(r#" {"a":$status}"#.parse::<Template>().unwrap().style, Style::Json);
    }
}
