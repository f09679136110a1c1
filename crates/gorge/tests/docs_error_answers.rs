//! The page about error answers has every reason there is, with the status that it really gets.

use std::collections::BTreeMap;

use gorge::error::{Error, Kind};

/// Kinds of capabilities that the program does not have yet, and those that only code of one's own uses.
const ELSEWHERE: [&str; 12] = [
    "bind_failed",
    "cache",
    "compression",
    "configuration",
    "custom",
    "file",
    "grpc",
    "h2",
    "h3",
    "limit",
    "rejected",
    "web_socket",
];

/// The rows of the table: each reason with the statuses it stands beside.
fn rows() -> BTreeMap<String, Vec<u16>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/user_guide/error_answers.md");
    let page = std::fs::read_to_string(path).expect("the page is part of the repository");
    let mut rows: BTreeMap<String, Vec<u16>> = BTreeMap::new();
    for line in page.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, status, reasons, ..] = cells[..] else { continue };
        let Ok(status) = status.parse() else { continue };
        for reason in reasons.split('`').skip(1).step_by(2) {
            rows.entry(reason.to_owned()).or_default().push(status);
        }
    }
    rows
}

/// The statuses of a kind, whoever is to blame.
fn statuses(kind: Kind) -> [u16; 3] {
    let error = || Error::explain(kind, "for the test");
    [error().into_downstream().status(), error().into_upstream().status(), error().into_internal().status()]
}

#[test]
fn every_reason_stands_in_the_table_with_a_status_it_can_have() {
    let rows = rows();
    assert!(rows.len() > 20, "the table was not found");
    for kind in Kind::ALL.into_iter().filter(|kind| !ELSEWHERE.contains(&kind.name())) {
        let told = rows.get(kind.name()).unwrap_or_else(|| panic!("{} is not in the table", kind.name()));
        for status in told {
            assert!(statuses(kind).contains(status), "{} is never answered with {status}", kind.name());
        }
    }
    for reason in rows.keys() {
        assert!(Kind::ALL.iter().any(|kind| kind.name() == reason), "there is no reason {reason}");
    }
}
