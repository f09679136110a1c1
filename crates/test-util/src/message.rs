//! What a test sees of a message: start line, fields, body, and whether it was whole.
//!
//! Text is read as Latin-1, one character per byte, so that no byte is lost whatever a peer sends.

use std::fmt;

/// A field section as received: order, case and duplicates kept.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The value of the first field of this name, compared without case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// The values of every field of this name, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let same = |(field, _): &&(String, String)| field.eq_ignore_ascii_case(name);
        self.0.iter().filter(same).map(|(_, value)| value.as_str()).collect()
    }

    /// Whether there is a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The names as received, in order.
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name, value))).finish()
    }
}

/// A request as an origin read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method, as spelled.
    pub method: String,
    /// The request target, as spelled.
    pub target: String,
    /// `HTTP/1.1` and the like.
    pub version: String,
    /// The header fields.
    pub fields: Fields,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The fields behind a chunked body.
    pub trailers: Fields,
    /// Whether the body came to its end; false when the connection ended first.
    pub complete: bool,
}

/// A response as a client read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// `HTTP/1.1` and the like.
    pub version: String,
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The header fields.
    pub fields: Fields,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The fields behind a chunked body.
    pub trailers: Fields,
    /// Whether the message came to its end by its own framing, or, where the end of the connection is the framing,
    /// without a reset.
    pub complete: bool,
}

impl Request {
    /// The body as text.
    pub fn text(&self) -> String {
        latin1(&self.body)
    }
}

impl Response {
    /// The body as text.
    pub fn text(&self) -> String {
        latin1(&self.body)
    }
}

/// How the body of a message is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(usize),
    Chunked,
    UntilEnd,
}

/// One character per byte.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The three words of a start line; the last may hold spaces or be missing.
pub(crate) fn start_line(line: &str) -> Option<(&str, &str, &str)> {
    let (first, rest) = line.split_once(' ')?;
    let (second, third) = rest.split_once(' ').unwrap_or((rest, ""));
    Some((first, second, third))
}

/// The fields of a section without its start line.
pub(crate) fn fields(lines: &str) -> Option<Fields> {
    let one = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
    };
    lines.split("\r\n").filter(|line| !line.is_empty()).map(one).collect::<Option<_>>().map(Fields)
}

/// The framing that the fields of a request state.
pub(crate) fn request_framing(fields: &Fields) -> Framing {
    match stated(fields) {
        Framing::UntilEnd => Framing::Length(0),
        framing => framing,
    }
}

/// The framing of a response to `method`.
pub(crate) fn response_framing(method: &str, status: u16, fields: &Fields) -> Framing {
    let bodiless = matches!(status, 100..=199 | 204 | 304) || method == "HEAD";
    if bodiless { Framing::Length(0) } else { stated(fields) }
}

fn stated(fields: &Fields) -> Framing {
    let chunked = |value: &&str| value.to_ascii_lowercase().contains("chunked");
    if fields.all("transfer-encoding").iter().any(chunked) {
        return Framing::Chunked;
    }
    match fields.get("content-length").map(str::parse) {
        Some(Ok(length)) => Framing::Length(length),
        _ => Framing::UntilEnd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_order_case_and_duplicates() {
        let fields = fields("A: 1\r\nb:2\r\na:\t3 \r\n").unwrap();
        assert_eq!(fields.all("a"), ["1", "3"]);
        assert_eq!(fields.names(), ["A", "b", "a"]);
        assert!(!fields.has("c"));
    }

    #[test]
    fn bodiless_answers_end_with_their_head() {
        let fields = fields("Content-Length: 5").unwrap();
        assert_eq!(response_framing("GET", 200, &fields), Framing::Length(5));
        assert_eq!(response_framing("HEAD", 200, &fields), Framing::Length(0));
        assert_eq!(response_framing("GET", 304, &fields), Framing::Length(0));
    }
}
