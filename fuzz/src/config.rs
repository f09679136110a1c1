//! Configuration files, which are written by people and programs that make mistakes.

use std::path::Path;

use gorge_cli::config::{Checked, Diagnostic, Environment, Report, Source, Style, parse};

/// Reads a configuration file. There are no promises for what is no UTF-8: nobody reads on.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let once = read(text);
    match &once {
        Ok(checked) => {
            assert!(checked.warnings.iter().all(|warning| !warning.is_error()));
            judge(&checked.warnings, &checked.source, text);
        }
        Err(report) => {
            assert!(report.errors() > 0);
            judge(&report.diagnostics, &report.source, text);
            assert!(report.to_string().ends_with('\n'));
        }
    }
    // Nothing depends on the order of a hash map.
    match (once, read(text)) {
        (Ok(once), Ok(again)) => assert_eq!((once.config, once.warnings), (again.config, again.warnings)),
        (Err(once), Err(again)) => assert_eq!(once.diagnostics, again.diagnostics),
        _ => panic!("right once and wrong once"),
    }
}

fn read(text: &str) -> Result<Checked, Report> {
    let environment: Environment = [("PORT", "8080"), ("TOKEN", "hidden-from-all")].into_iter().collect();
    parse("gorge.toml", text, Path::new("/nonexistent"), &environment)
}

/// Every mistake can be shown, points into the file, and tells no secret.
fn judge(diagnostics: &[Diagnostic], source: &Source, text: &str) {
    for diagnostic in diagnostics {
        assert!(!diagnostic.message.is_empty());
        for label in &diagnostic.labels {
            assert!(source.line_and_column(label.span).is_some());
        }
        for (colours, unicode) in [(false, false), (false, true), (true, false), (true, true)] {
            let shown = diagnostic.render(source, Style { colours, unicode });
            assert!(!shown.is_empty());
            assert!(text.contains("hidden") || !shown.contains("hidden-from-all"));
        }
    }
}
