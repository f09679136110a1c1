//! Structured fields (RFC 9651): what is read, what is refused, and that it is written alike.

use gorge_http::structured::{
    self, BareItem, Decimal, Dictionary, InnerList, Item, Member, Parameters, Unwritable,
};
use proptest::prelude::*;

fn item(text: &str) -> Option<BareItem> {
    structured::parse_item([text.as_bytes()]).ok().map(|item| item.value)
}

fn list(text: &str) -> Option<Vec<Member>> {
    structured::parse_list([text.as_bytes()]).ok()
}

#[test]
fn reads_every_type() {
    let thousandths = |n| BareItem::Decimal(Decimal::from_thousandths(n));
    for (text, expected) in [
        ("0", BareItem::Integer(0)),
        ("-0", BareItem::Integer(0)),
        ("  42 ", BareItem::Integer(42)),
        ("-999999999999999", BareItem::Integer(-999_999_999_999_999)),
        ("00001", BareItem::Integer(1)),
        ("4.5", thousandths(4500)),
        ("-0.5", thousandths(-500)),
        ("999999999999.999", thousandths(999_999_999_999_999)),
        ("1.050", thousandths(1050)),
        (r#""a \"b\" \\""#, BareItem::String(r#"a "b" \"#.into())),
        ("\"\"", BareItem::String(String::new())),
        ("text/html", BareItem::Token("text/html".into())),
        ("*a:b!#", BareItem::Token("*a:b!#".into())),
        (":aGVsbG8=:", BareItem::ByteSequence(b"hello".into())),
        (":aGVsbG8:", BareItem::ByteSequence(b"hello".into())),
        ("::", BareItem::ByteSequence(Vec::new())),
        ("?1", BareItem::Boolean(true)),
        ("?0", BareItem::Boolean(false)),
        ("@1659578233", BareItem::Date(1_659_578_233)),
        ("@-1", BareItem::Date(-1)),
        (r#"%"f%c3%bcr %25""#, BareItem::DisplayString("f\u{fc}r %".into())),
    ] {
        assert_eq!(item(text), Some(expected), "{text}");
    }
}

#[test]
fn refuses_malformed_items() {
    for text in [
        "",
        " ",
        "\t1",
        "1,2",
        "1 2",
        "-",
        "--1",
        "+1",
        ".5",
        "1.",
        "1.2345",
        "1.2.3",
        "1000000000000000",
        "1000000000000.0",
        "1a",
        "\"a",
        "\"a\\n\"",
        "\"a\\",
        "\"\t\"",
        "\"\u{e9}\"",
        "'a'",
        "a\u{e9}",
        ":aGVs bG8=:",
        ":aGVsbG8=",
        ":_-__:",
        "?",
        "?2",
        "?true",
        "@",
        "@1.5",
        "@x",
        "%",
        "%\"",
        "%a",
        "%\"%C3%BC\"",
        "%\"%c3\"",
        "%\"%4\"",
        "%\"\u{fc}\"",
        "()",
        "a;",
        "a;B=1",
        "a;b=",
        "a; =1",
        "a ;b",
    ] {
        assert_eq!(item(text), None, "{text:?}");
    }
}

#[test]
fn reads_lists_over_several_lines() {
    let lines = [&b"a;q=1;q=2; r"[..], b"( \"b\"  3;x );y ,()", b"?0"];
    let members = structured::parse_list(lines).unwrap();
    assert_eq!(members.len(), 4);
    let parameters = members[0].parameters();
    assert_eq!(parameters.len(), 2);
    assert_eq!(parameters.get("q"), Some(&BareItem::Integer(2)));
    assert_eq!(parameters.get("r"), Some(&BareItem::Boolean(true)));
    let Member::InnerList(inner) = &members[1] else { panic!("no inner list") };
    assert_eq!(inner.items.len(), 2);
    assert_eq!(members[2], Member::InnerList(InnerList::default()));
    let written = structured::write_list(&members).unwrap();
    assert_eq!(written, r#"a;q=2;r, ("b" 3;x);y, (), ?0"#);
    assert_eq!(structured::parse_list([]).unwrap(), []);
}

#[test]
fn refuses_malformed_lists() {
    for text in ["a,", ",a", "a,,b", "a b", "(a", "(a,b)", "(a\tb)", "(a(b))", "a\u{b},b", "(1)2"] {
        assert_eq!(list(text), None, "{text:?}");
    }
    assert!(list("a\t , \tb").is_some());
}

#[test]
fn a_repeated_key_keeps_its_place_and_takes_the_last_value() {
    let parsed = structured::parse_dictionary([&b"a=1, b;x=?0, a=(2 3)"[..], b"c=?1"]).unwrap();
    assert_eq!(parsed.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(structured::write_dictionary(&parsed).unwrap(), "a=(2 3), b;x=?0, c");
    for bad in ["A=1", "a=", "a=1 b=2", "a=1,", "1=a", "a==1", "-a", "a =1"] {
        assert!(structured::parse_dictionary([bad.as_bytes()]).is_err(), "{bad}");
    }
}

#[test]
fn an_error_tells_where() {
    let error = structured::parse_list([&b"abc, d\"e"[..]]).unwrap_err();
    assert_eq!(error.offset(), 6);
    assert_eq!(error.to_string(), "malformed structured field at byte 6");
}

#[test]
fn sizes_end_where_the_rfc_lets_them() {
    let many = |count: usize, one: &str, by: &str| vec![one; count].join(by);
    assert_eq!(list(&many(1024, "a", ",")).map(|members| members.len()), Some(1024));
    assert!(list(&many(1025, "a", ",")).is_none());
    assert!(list(&format!("({})", many(256, "a", " "))).is_some());
    assert!(list(&format!("({})", many(257, "a", " "))).is_none());
    let parameters = |count| (0..count).fold(String::from("a"), |out, n| format!("{out};k{n}"));
    assert!(item(&parameters(256)).is_some());
    assert!(item(&parameters(257)).is_none());
}

#[test]
fn what_no_field_can_hold_is_not_written() {
    for value in [
        BareItem::Integer(1_000_000_000_000_000),
        BareItem::Integer(i64::MIN),
        BareItem::Date(i64::MAX),
        BareItem::Decimal(Decimal::from_thousandths(i64::MIN)),
        BareItem::String("a\r\nb".into()),
        BareItem::String("\u{e9}".into()),
        BareItem::Token(String::new()),
        BareItem::Token("1a".into()),
        BareItem::Token("a b".into()),
    ] {
        assert_eq!(structured::write_item(&value.clone().into()), Err(Unwritable), "{value:?}");
    }
    for key in ["", "A", "1", "a b", "\u{e9}"] {
        let mut dictionary = Dictionary::new();
        dictionary.insert(key, BareItem::Boolean(true));
        assert_eq!(structured::write_dictionary(&dictionary), Err(Unwritable), "{key:?}");
    }
    let decimal = |n| structured::write_item(&BareItem::Decimal(Decimal::from_thousandths(n)).into());
    assert_eq!(decimal(-500).unwrap(), "-0.5");
    assert_eq!(decimal(0).unwrap(), "0.0");
    assert_eq!(decimal(1050).unwrap(), "1.05");
    assert_eq!(decimal(100_000).unwrap(), "100.0");
}

fn bare_item() -> impl Strategy<Value = BareItem> {
    let number = -999_999_999_999_999i64..=999_999_999_999_999;
    prop_oneof![
        any::<bool>().prop_map(BareItem::Boolean),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(BareItem::ByteSequence),
        number.clone().prop_map(BareItem::Date),
        number.clone().prop_map(|n| BareItem::Decimal(Decimal::from_thousandths(n))),
        any::<String>().prop_map(BareItem::DisplayString),
        number.prop_map(BareItem::Integer),
        "[ -~]{0,12}".prop_map(BareItem::String),
        "[a-zA-Z*][a-zA-Z0-9:/!#$%&'*+.^_`|~-]{0,8}".prop_map(BareItem::Token),
    ]
}

fn parameters() -> impl Strategy<Value = Parameters> {
    prop::collection::vec(("[a-z*][a-z0-9_.*-]{0,4}", bare_item()), 0..3).prop_map(|pairs| {
        let mut parameters = Parameters::new();
        for (key, value) in pairs {
            parameters.insert(key, value);
        }
        parameters
    })
}

fn any_item() -> impl Strategy<Value = Item> {
    (bare_item(), parameters()).prop_map(|(value, parameters)| Item { value, parameters })
}

fn member() -> impl Strategy<Value = Member> {
    prop_oneof![
        any_item().prop_map(Member::Item),
        (prop::collection::vec(any_item(), 0..3), parameters())
            .prop_map(|(items, parameters)| Member::InnerList(InnerList { items, parameters })),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(members in prop::collection::vec(member(), 0..5)) {
        let written = structured::write_list(&members).unwrap();
        prop_assert_eq!(structured::parse_list([written.as_bytes()]).unwrap(), members.clone());

        let mut dictionary = Dictionary::new();
        for (index, member) in members.into_iter().enumerate() {
            dictionary.insert(format!("k{index}"), member);
        }
        let written = structured::write_dictionary(&dictionary).unwrap();
        prop_assert_eq!(structured::parse_dictionary([written.as_bytes()]).unwrap(), dictionary);
    }

    #[test]
    fn no_input_panics(input in prop::collection::vec(
        prop_oneof![prop::sample::select(&b"a1\"\\:?@%();=,. -*"[..]), any::<u8>()], 0..24,
    )) {
        let _ = structured::parse_item([&input[..]]);
        let _ = structured::parse_dictionary([&input[..]]);
        if let Ok(members) = structured::parse_list([&input[..]]) {
            let written = structured::write_list(&members).unwrap();
            prop_assert_eq!(structured::parse_list([written.as_bytes()]).unwrap(), members);
        }
    }
}
