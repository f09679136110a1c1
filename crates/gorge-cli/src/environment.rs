//! What the environment sets: below the command line, above the defaults.

use clap::ValueEnum;

use crate::address;
use crate::args::{CommonArguments, LogLevel, count};
use crate::failure::Failure;

/// Looks up what the command line leaves open. An empty variable is as good as none.
pub(crate) fn fill(
    arguments: &CommonArguments,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<CommonArguments, Failure> {
    let mut filled = arguments.clone();
    look_up(&variable, "GORGE_LISTEN", &mut filled.listen, address::listen)?;
    look_up(&variable, "GORGE_WORKERS", &mut filled.workers, count)?;
    look_up(&variable, "GORGE_MAX_CONNECTIONS", &mut filled.max_connections, count)?;
    look_up(&variable, "GORGE_LOG_LEVEL", &mut filled.log_level, log_level)?;
    Ok(filled)
}

/// The variable of this process. One that is no UTF-8 is shown as far as it is, for the message.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn look_up<T>(
    variable: impl Fn(&str) -> Option<String>,
    name: &str,
    slot: &mut Option<T>,
    parse: fn(&str) -> Result<T, String>,
) -> Result<(), Failure> {
    if slot.is_some() {
        return Ok(());
    }
    let Some(value) = variable(name).filter(|value| !value.is_empty()) else { return Ok(()) };
    let wrong = |why| Failure::configuration(format!("the variable {name} is {value:?}: {why}"));
    *slot = Some(parse(&value).map_err(wrong)?);
    Ok(())
}

fn log_level(text: &str) -> Result<LogLevel, String> {
    LogLevel::from_str(text, false).map_err(|_| "use debug, info, warn or error".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(arguments: &CommonArguments, variables: &[(&str, &str)]) -> Result<CommonArguments, Failure> {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        fill(arguments, |name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_command_line_comes_first() {
        let given = CommonArguments { workers: Some(3), ..CommonArguments::default() };
        let variables = [("GORGE_WORKERS", "5"), ("GORGE_MAX_CONNECTIONS", "7"), ("GORGE_LOG_LEVEL", "")];
        let filled = filled(&given, &variables).unwrap();
        assert_eq!((filled.workers, filled.max_connections), (Some(3), Some(7)));
        assert_eq!(filled.log_level, None);
    }

    #[test]
    fn a_wrong_variable_is_named_with_what_to_write() {
        for (name, value, hint) in [
            ("GORGE_WORKERS", "0", "from 1 on"),
            ("GORGE_MAX_CONNECTIONS", "-1", "from 1 on"),
            ("GORGE_LISTEN", "8080", "type 127.0.0.1:8080"),
            ("GORGE_LOG_LEVEL", "loud", "debug, info, warn or error"),
        ] {
            let message = filled(&CommonArguments::default(), &[(name, value)]).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(hint), "{message}");
        }
    }
}
