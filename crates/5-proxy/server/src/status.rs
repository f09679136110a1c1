//! How a server is, as JSON.

use std::fmt::Write;

use crate::Phase;
use crate::core::Core;

/// Whether all services are ready and nobody wants the server to stop.
pub(crate) fn is_ready(core: &Core) -> bool {
    core.board.phase() == Phase::Running && core.board.ready()
}

/// `state`, `in_flight` and `reasons`; in flight are the open connections unless somebody knows better.
pub(crate) fn json(core: &Core, in_flight: Option<usize>) -> String {
    let phase = core.board.phase();
    let mut reasons = core.board.reasons();
    match phase {
        Phase::Setup | Phase::Bootstrap if reasons.is_empty() => {
            reasons.push("the server is starting".to_owned())
        }
        Phase::Setup | Phase::Bootstrap | Phase::Running => {}
        Phase::Draining | Phase::Stopping | Phase::Terminated => {
            reasons = vec!["the server is about to stop".to_owned()]
        }
    }
    let in_flight = in_flight.unwrap_or_else(|| core.connections.open());
    let mut json = format!("{{\"state\":\"{phase}\",\"in_flight\":{in_flight},\"reasons\":[");
    for (index, reason) in reasons.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        push_string(&mut json, reason);
    }
    json.push_str("]}");
    json
}

/// Writes a string as RFC 8259 7 wants it.
fn push_string(json: &mut String, text: &str) {
    json.push('"');
    for char in text.chars() {
        match char {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            // Writing to a `String` cannot fail.
            control if control.is_control() => drop(write!(json, "\\u{:04x}", u32::from(control))),
            other => json.push(other),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        let mut json = String::new();
        push_string(&mut json, "a \"b\" \\ \n\u{7f} ä");
        assert_eq!(json, r#""a \"b\" \\ \u000a\u007f ä""#);
    }
}
