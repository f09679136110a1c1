//! Names, passwords and tokens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gorge_protocols::{Credentials, InvalidCredentials};
use proptest::prelude::*;

/// SHA-256 of `secret`.
const HASH: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

fn basic(pair: &str) -> Vec<u8> {
    format!("Basic {}", STANDARD.encode(pair)).into_bytes()
}

fn name(credentials: &Credentials, value: &[u8]) -> Option<String> {
    let identity = credentials.check(Some(value))?;
    Some(identity.name().map_or_else(String::new, |name| name.to_string()))
}

#[test]
fn a_user_is_known_by_the_right_password() {
    let hashed = format!("{{SHA256}}{HASH}");
    let users = Credentials::basic([("alice", "secret"), ("bob", hashed.as_str()), ("eve", "a:b")]).unwrap();
    assert_eq!(name(&users, &basic("alice:secret")).as_deref(), Some("alice"));
    assert_eq!(name(&users, &basic("bob:secret")).as_deref(), Some("bob"));
    assert_eq!(name(&users, &basic("eve:a:b")).as_deref(), Some("eve"));
    assert_eq!(name(&users, b"bAsIC YWxpY2U6c2VjcmV0").as_deref(), Some("alice"));
    for wrong in [
        "alice:Secret",
        "alice:",
        "alice",
        ":secret",
        "carol:secret",
        "alice:a:b",
        "eve:secret",
        "Alice:secret",
    ] {
        assert_eq!(name(&users, &basic(wrong)), None, "{wrong}");
    }
    // The hash itself is no password.
    assert_eq!(name(&users, &basic(&format!("bob:{hashed}"))), None);
    assert_eq!(name(&users, &basic(&format!("bob:{HASH}"))), None);
}

#[test]
fn what_is_no_basic_field_shows_nobody() {
    let users = Credentials::basic([("alice", "secret")]).unwrap();
    assert_eq!(users.check(None), None);
    for value in [
        "",
        "Basic",
        "Basic ",
        "BasicYWxpY2U6c2VjcmV0",
        "Bearer YWxpY2U6c2VjcmV0",
        "Basic alice:secret",
        "Basic YWxpY2U6c2VjcmV",
        "Basic YWxpY2U6c2VjcmV0, Basic YWxpY2U6c2VjcmV0",
        "Basic \u{e9}",
    ] {
        assert_eq!(name(&users, value.as_bytes()), None, "{value:?}");
    }
    let long = basic(&format!("alice:{}", "x".repeat(2000)));
    assert_eq!(name(&users, &long), None);
}

#[test]
fn a_token_is_known() {
    let tokens = Credentials::bearer(["abc", &format!("{{SHA256}}{HASH}")]).unwrap();
    assert_eq!(name(&tokens, b"Bearer abc").as_deref(), Some(""));
    assert_eq!(name(&tokens, b"bearer secret").as_deref(), Some(""));
    for wrong in [&b"Bearer abcd"[..], b"Bearer ab", b"Bearer ", b"Basic abc", b"abc"] {
        assert_eq!(name(&tokens, wrong), None);
    }
}

#[test]
fn nobody_is_known_where_there_is_nobody() {
    let none = Credentials::basic::<&str, &str>([]).unwrap();
    assert_eq!(name(&none, &basic(":")), None);
}

#[test]
fn mistakes_are_named() {
    let basic = |users: &[(&str, &str)]| Credentials::basic(users.iter().copied()).err();
    assert_eq!(basic(&[("", "x")]), Some(InvalidCredentials::Name));
    assert_eq!(basic(&[("a:b", "x")]), Some(InvalidCredentials::Name));
    assert_eq!(basic(&[("a\n", "x")]), Some(InvalidCredentials::Name));
    assert_eq!(basic(&[("a", "x"), ("a", "y")]), Some(InvalidCredentials::Twice));
    assert_eq!(basic(&[("a", "")]), Some(InvalidCredentials::Empty));
    assert_eq!(basic(&[("a", "{SHA256}12")]), Some(InvalidCredentials::Hash));
    assert_eq!(basic(&[("a", &format!("{{SHA256}}{}", "g".repeat(64)))]), Some(InvalidCredentials::Hash));
    assert_eq!(Credentials::bearer([""]).err(), Some(InvalidCredentials::Empty));
}

#[test]
fn the_challenge_is_one_field_value() {
    let users = Credentials::basic([("alice", "secret")]).unwrap();
    assert_eq!(users.challenge("the \"shop\"\r\n"), r#"Basic realm="the \"shop\"", charset="UTF-8""#);
    assert_eq!(Credentials::bearer(["x"]).unwrap().challenge("a"), r#"Bearer realm="a""#);
}

#[test]
fn secrets_do_not_show() {
    let shown = format!("{:?}", Credentials::basic([("alice", "secret")]).unwrap());
    assert!(!shown.contains("alice") && !shown.contains("secret"), "{shown}");
}

proptest! {
    #[test]
    fn a_plain_list_agrees(
        users in prop::collection::btree_map("[ab]{1,2}", "[ab]{1,2}", 0..5),
        user in "[ab]{0,2}",
        password in "[ab]{0,2}",
    ) {
        let credentials = Credentials::basic(&users).unwrap();
        let expected = users.get(&user).filter(|right| **right == password).map(|_| user.clone());
        prop_assert_eq!(name(&credentials, &basic(&format!("{user}:{password}"))), expected);
    }
}
