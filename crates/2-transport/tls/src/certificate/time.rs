//! Dates of certificates.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;

/// A date of a certificate, which may lie before 1970.
pub(crate) fn from_asn1(time: &Asn1TimeRef) -> Result<SystemTime, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let at = if seconds >= 0 { UNIX_EPOCH.checked_add(distance) } else { UNIX_EPOCH.checked_sub(distance) };
    // A date has four digits for the year, and the clocks of all systems we run on go further.
    Ok(at.unwrap_or(UNIX_EPOCH))
}

/// Seconds since 1970; negative before.
pub(crate) fn unix(time: SystemTime) -> i64 {
    let clamp = |distance: Duration| i64::try_from(distance.as_secs()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => clamp(since),
        Err(before) => -clamp(before.duration()),
    }
}

/// Whole days from `now` to `then`, rounded down: negative when it is over.
pub(crate) fn days_between(now: SystemTime, then: SystemTime) -> i64 {
    unix(then).saturating_sub(unix(now)).div_euclid(86_400)
}

/// A day as ISO 8601 writes it, in UTC: `2026-08-01`.
pub(crate) fn date(time: SystemTime) -> String {
    // Counted from 0000-03-01, so that the leap day is the last of its year and the lengths of months go in
    // fives: 31, 30, 31, 30, 31.
    let days = unix(time).div_euclid(86_400).saturating_add(719_468);
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", year_of_era + era * 400 + next_year)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> SystemTime {
        let distance = Duration::from_secs(seconds.unsigned_abs());
        if seconds >= 0 { UNIX_EPOCH + distance } else { UNIX_EPOCH - distance }
    }

    #[test]
    fn writes_days_of_all_centuries() {
        for (seconds, written) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_785_542_399, "2026-07-31"),
            (4_107_542_400, "2100-03-01"),
            (253_402_300_799, "9999-12-31"),
            (253_402_300_800, "10000-01-01"),
            (-62_167_219_200, "0000-01-01"),
        ] {
            assert_eq!(date(at(seconds)), written, "{seconds}");
        }
    }

    #[test]
    fn rounds_days_down() {
        let now = at(1_000_000);
        for (seconds, days) in [(0, 0), (86_399, 0), (86_400, 1), (-1, -1), (-86_400, -1), (-86_401, -2)] {
            assert_eq!(days_between(now, at(1_000_000 + seconds)), days, "{seconds}");
        }
    }

    #[test]
    fn reads_dates_before_1970_and_at_the_end() {
        for (text, seconds) in [
            ("19500101000000Z", -631_152_000),
            ("00000101000000Z", -62_167_219_200),
            ("20260801000000Z", 1_785_542_400),
            ("99991231235959Z", 253_402_300_799),
        ] {
            let time = Asn1Time::from_str_x509(text).or_else(|_| Asn1Time::from_str(text)).unwrap();
            assert_eq!(unix(from_asn1(&time).unwrap()), seconds, "{text}");
        }
    }
}
