//! The choice of a form by `Accept` (RFC 9110 12.5.1).

use gorge_http::{Headers, Known, quality};

/// What an error page can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Html,
    Json,
    Text,
}

impl Form {
    /// Type and subtype.
    fn media_type(self) -> (&'static str, &'static str) {
        match self {
            Self::Html => ("text", "html"),
            Self::Json => ("application", "json"),
            Self::Text => ("text", "plain"),
        }
    }
}

/// How welcome a form is: by weight, then by how exactly it is named, then by how early.
type Welcome = (u16, u8, std::cmp::Reverse<usize>);

/// The form to answer a request with.
pub(super) fn form(request: &Headers) -> Form {
    let mut best = (Form::Text, None);
    // Text comes first: of equals, the first stays.
    for form in [Form::Text, Form::Json, Form::Html] {
        let welcome = welcome(request, form);
        if welcome > best.1 {
            best = (form, welcome);
        }
    }
    best.0
}

/// `None`: not at all. The most exact range decides, whatever the others say.
fn welcome(request: &Headers, form: Form) -> Option<Welcome> {
    let ranges = request.get_all(Known::Accept).flat_map(quality::weighted).enumerate();
    let matching = ranges.filter_map(|(at, (range, weight))| {
        let exactness = exactness(range, form)?;
        Some((exactness, std::cmp::Reverse(at), weight))
    });
    let (exactness, at, weight) = matching.max_by_key(|(exactness, at, _)| (*exactness, *at))?;
    weight.is_acceptable().then_some((weight.thousandths(), exactness, at))
}

/// How exactly a media range names the form: 0 for `*/*`, 1 for `text/*`, 2 for `text/html`. Parameters
/// do not matter.
fn exactness(range: &[u8], form: Form) -> Option<u8> {
    let range = range.split(|&b| b == b';').next().unwrap_or_default();
    let slash = range.iter().position(|&b| b == b'/')?;
    let (kind, subtype) = (range[..slash].trim_ascii(), range[slash + 1..].trim_ascii());
    let (our_kind, our_subtype) = form.media_type();
    let same = |theirs: &[u8], ours: &str| theirs.eq_ignore_ascii_case(ours.as_bytes());
    match (kind, subtype) {
        (b"*", b"*") => Some(0),
        (kind, b"*") => same(kind, our_kind).then_some(1),
        (kind, subtype) => (same(kind, our_kind) && same(subtype, our_subtype)).then_some(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_chosen_as_rfc_9110_12_5_1_says() {
        let firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        for (accept, expected) in [
            (&[][..], Form::Text),
            (&["*/*"], Form::Text),
            (&[firefox], Form::Html),
            (&["application/json"], Form::Json),
            (&["Application/JSON; charset=utf-8"], Form::Json),
            (&["application/json, text/plain, */*"], Form::Json),
            (&["text/plain, application/json"], Form::Text),
            (&["text/html, application/json"], Form::Html),
            (&["application/*"], Form::Json),
            (&["text/*"], Form::Text),
            (&["text/html;q=0.5, application/json;q=0.9"], Form::Json),
            (&["text/html;q=0.9", "application/json;q=0.5"], Form::Html),
            (&["text/html;q=0.5, */*"], Form::Text),
            (&["text/plain;q=0, */*"], Form::Json),
            (&["text/plain;q=0, text/*;q=0.1"], Form::Html),
            (&["image/avif,image/webp,*/*;q=0.8"], Form::Text),
            (&["image/png"], Form::Text),
            (&["*/*;q=0"], Form::Text),
            (&["text/html;q=2, nonsense, /, application/json;q=0.1"], Form::Json),
        ] {
            let mut request = Headers::new();
            for value in accept {
                request.append(Known::Accept, value).unwrap();
            }
            assert_eq!(form(&request), expected, "{accept:?}");
        }
    }
}
