//! `Headers` does what a plain list of pairs would do, whatever is done to it.

use bytes::Bytes;
use gorge_http::{Headers, InvalidField, Known};
use proptest::prelude::*;

/// The list it is compared with.
#[derive(Clone, Debug, Default)]
struct Model(Vec<(String, Vec<u8>)>);

impl Model {
    fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(found, _)| found.eq_ignore_ascii_case(name))
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let same = move |(found, _): &&(String, Vec<u8>)| found.eq_ignore_ascii_case(name);
        self.0.iter().filter(same).map(|(_, value)| value.as_slice())
    }

    fn insert(&mut self, name: &str, value: &[u8]) {
        let pair = (name.to_owned(), value.to_vec());
        match self.position(name) {
            None => self.0.push(pair),
            Some(at) => {
                self.0[at] = pair;
                let mut index = 0;
                self.0.retain(|(found, _)| {
                    index += 1;
                    index <= at + 1 || !found.eq_ignore_ascii_case(name)
                });
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Edit {
    Append(String, Vec<u8>),
    Insert(String, Vec<u8>),
    InsertKnown(Known, Vec<u8>),
    Remove(String),
    RetainShorterThan(usize),
    Clear,
    CloneFrom,
}

/// Few names, in several cases, so that they meet.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Host"),
        Just("hOST"),
        Just("content-length"),
        Just("Content-Length"),
        Just("Via"),
        Just("X-A"),
        Just("x-a"),
        Just("X-B"),
        Just("tracestate"),
    ]
    .prop_map(str::to_owned)
}

/// Legal values without blanks at their ends.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![0x21u8..=0x7E, Just(b' '), Just(b'\t'), 0x80u8..=0xFF];
    prop::collection::vec(byte, 0..30).prop_map(|bytes| {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let start = bytes.iter().position(|byte| !blank(byte)).unwrap_or(bytes.len());
        let end = bytes.iter().rposition(|byte| !blank(byte)).map_or(start, |at| at + 1);
        bytes[start..end].to_vec()
    })
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => (name(), value()).prop_map(|(name, value)| Edit::Append(name, value)),
        4 => (name(), value()).prop_map(|(name, value)| Edit::Insert(name, value)),
        1 => (prop::sample::select(&Known::ALL[..]), value())
            .prop_map(|(known, value)| Edit::InsertKnown(known, value)),
        3 => name().prop_map(Edit::Remove),
        1 => (0usize..30).prop_map(Edit::RetainShorterThan),
        1 => Just(Edit::Clear),
        1 => Just(Edit::CloneFrom),
    ]
}

fn apply(edit: &Edit, headers: &mut Headers, model: &mut Model) {
    match edit {
        Edit::Append(name, value) => {
            headers.append(name, value).unwrap();
            model.0.push((name.clone(), value.clone()));
        }
        Edit::Insert(name, value) => {
            headers.insert(name, value).unwrap();
            model.insert(name, value);
        }
        Edit::InsertKnown(known, value) => {
            headers.insert(*known, value).unwrap();
            model.insert(known.as_str(), value);
        }
        Edit::Remove(name) => {
            assert_eq!(headers.remove(name), model.values(name).count());
            model.0.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        }
        Edit::RetainShorterThan(len) => {
            headers.retain(|field| field.value.len() < *len);
            model.0.retain(|(_, value)| value.len() < *len);
        }
        Edit::Clear => {
            headers.clear();
            model.0.clear();
        }
        Edit::CloneFrom => {
            let mut other = Headers::new();
            other.append("Old", "content").unwrap();
            other.clone_from(headers);
            *headers = other;
        }
    }
}

fn same(headers: &Headers, model: &Model) {
    assert_eq!(headers.len(), model.0.len());
    assert_eq!(headers.is_empty(), model.0.is_empty());
    for (field, (name, value)) in headers.iter().zip(&model.0) {
        assert_eq!((field.name, field.value), (name.as_str(), value.as_slice()));
        assert_eq!(field.known, Known::classify(name.as_bytes()));
    }
    assert!(headers.iter().rev().map(|f| f.name).eq(model.0.iter().rev().map(|(n, _)| n)));
    let names = ["host", "Content-length", "VIA", "x-A", "X-b", "TraceState", "absent", ""];
    for name in names.into_iter().chain(Known::ALL.map(Known::as_str)) {
        assert_eq!(headers.get(name), model.values(name).next());
        assert_eq!(headers.contains(name), model.position(name).is_some());
        assert_eq!(headers.count(name), model.values(name).count());
        assert!(headers.get_all(name).eq(model.values(name)));
        if let Some(known) = Known::classify(name.as_bytes()) {
            assert_eq!(headers.get(known), headers.get(name));
        }
    }
}

/// A list as a parser would fill it.
fn received(model: &Model) -> Headers {
    let mut bytes = Vec::new();
    let mut ranges = Vec::new();
    for (name, value) in &model.0 {
        let start = bytes.len();
        bytes.extend_from_slice(name.as_bytes());
        let colon = bytes.len();
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        ranges.push((start..colon, colon + 2..bytes.len()));
        bytes.extend_from_slice(b"\r\n");
    }
    let bytes = Bytes::from(bytes);
    let mut headers = Headers::new();
    headers.begin(bytes.clone());
    for (name, value) in ranges {
        headers.push_received(Known::classify(&bytes[name.clone()]), name, value);
    }
    headers
}

proptest! {
    #[test]
    fn headers_do_as_the_model(
        fields in prop::collection::vec((name(), value()), 0..12),
        edits in prop::collection::vec(edit(), 0..40),
    ) {
        let mut model = Model(fields);
        let mut headers = received(&model);
        same(&headers, &model);
        for edit in &edits {
            apply(edit, &mut headers, &mut model);
            same(&headers, &model);
        }
        prop_assert_eq!(&headers, &headers.clone());
    }

    #[test]
    fn only_legal_fields_can_be_built(
        name in prop::collection::vec(any::<u8>(), 0..8),
        value in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let legal_name = !name.is_empty() && name.iter().all(|byte| {
            byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
        });
        let legal_value = {
            let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
            let start = value.iter().position(|byte| !blank(byte)).unwrap_or(0);
            value[start..].iter().all(|&byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7F))
        };
        let mut headers = Headers::new();
        let appended = headers.append(&name[..], &value);
        let inserted = headers.insert(&name[..], &value);
        prop_assert_eq!(appended.is_ok(), legal_name && legal_value);
        prop_assert_eq!(appended, inserted);
        prop_assert_eq!(headers.len(), usize::from(appended.is_ok()));
    }
}

#[test]
fn control_bytes_are_refused_and_obs_text_passes() {
    let mut headers = Headers::new();
    for byte in 0..=255u8 {
        let legal = byte == b'\t' || (byte >= 0x20 && byte != 0x7F);
        let value = [b'a', byte, b'b'];
        let expected = if legal { Ok(()) } else { Err(InvalidField::Value) };
        assert_eq!(headers.append(Known::Via, value), expected, "{byte:#x}");
        assert_eq!(headers.insert(Known::Age, value), expected, "{byte:#x}");
        if legal {
            assert_eq!(headers.get(Known::Age), Some(&value[..]));
        }
    }
    for name in ["", "a b", "a:", "a\r", "a\n", "a\0", "\u{e9}", "a(b)"] {
        assert_eq!(headers.append(name, "v"), Err(InvalidField::Name), "{name:?}");
    }
}

#[test]
fn blanks_around_a_value_are_left_off() {
    let mut headers = Headers::new();
    headers.append("X-A", " \tv w\t ").unwrap();
    headers.append("X-B", " \t").unwrap();
    assert_eq!(headers.get_str("x-a"), Some("v w"));
    assert_eq!(headers.get_str("x-b"), Some(""));
}

#[test]
fn debug_hides_credentials() {
    let mut headers = Headers::new();
    headers.append(Known::Authorization, "Basic c2VjcmV0").unwrap();
    headers.append(Known::Cookie, "sid=c2VjcmV0").unwrap();
    headers.append(Known::Via, "1.1 gorge\u{e9}").unwrap();
    let shown = format!("{headers:?}");
    assert!(!shown.contains("c2VjcmV0"), "{shown}");
    assert!(shown.contains(r"Via: 1.1 gorge\xc3\xa9"), "{shown}");
}

#[test]
#[should_panic(expected = "out of range")]
fn a_range_outside_of_the_received_bytes_is_refused() {
    let mut headers = Headers::new();
    headers.begin(Bytes::from_static(b"A: b"));
    headers.push_received(None, 0..1, 3..5);
}
