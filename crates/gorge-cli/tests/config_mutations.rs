//! Configurations with something deleted, doubled or swapped: whatever comes of it, it is told, and
//! nothing panics. The changes are the same in each run; `fuzz/` has a target that goes on from here.

use std::fs;
use std::path::Path;

use gorge_cli::config::{self, Environment, Style};

/// A small generator of numbers (xorshift), so that a failure can be repeated.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

/// What is put in somewhere.
const PIECES: [&str; 24] = [
    "\"",
    "'''",
    "[",
    "]",
    "[[route]]\n",
    "[route.cors]\n",
    "{",
    "}",
    "=",
    "${",
    "${PORT}",
    "$${",
    "\n",
    "\\",
    "é",
    "\0",
    "\u{feff}",
    "-1",
    "99999999999999999999",
    "nan",
    "true",
    "upstream = \"app\"\n",
    "\"\"",
    "\r",
];

fn change(text: &str, numbers: &mut Numbers) -> String {
    let boundary = |at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let from = boundary(numbers.below(text.len() + 1));
    let to = boundary((from + numbers.below(30)).min(text.len())).max(from);
    let (before, piece, after) = (&text[..from], &text[from..to], &text[to..]);
    match numbers.below(4) {
        0 => format!("{before}{after}"),
        1 => format!("{before}{piece}{piece}{after}"),
        2 => format!("{before}{}{piece}{after}", PIECES[numbers.below(PIECES.len())]),
        _ => format!("{before}{}{after}", PIECES[numbers.below(PIECES.len())]),
    }
}

#[test]
fn whatever_is_changed_is_told_and_nothing_panics() {
    let environment: Environment = [("PORT", "8080")].into_iter().collect();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut read = 0;
    for folder in ["broken", "good"] {
        let folder = Path::new("tests/config").join(folder);
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let Ok(original) = fs::read_to_string(&path) else { continue };
            for _ in 0..20 {
                let mut text = original.clone();
                for _ in 0..=numbers.below(3) {
                    text = change(&text, &mut numbers);
                }
                if let Err(report) = config::parse("gorge.toml", &text, &folder, &environment) {
                    assert!(report.errors() > 0);
                    assert!(!report.render(Style { colours: true, unicode: true }).is_empty());
                }
                read += 1;
            }
        }
    }
    assert!(read > 1000, "{read} read");
}
