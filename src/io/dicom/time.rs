//! Dates and times of DICOM (PS3.5 6.2: DA, TM, DT) as seconds. They are only compared: none is ever shown.

const DAY: f64 = 86_400.0;

/// Seconds since midnight of a time, HHMMSS.FFFFFF or HH:MM:SS.
pub(super) fn of_day(text: &str) -> Option<f64> {
    let plain: String = text.trim().chars().filter(|c| *c != ':').collect();
    if !plain.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let part = |from: usize| plain.get(from..from + 2).map_or(Some(0.0), |two| two.parse::<f64>().ok());
    let hours: f64 = plain.get(..2)?.parse().ok()?;
    let seconds = match plain.get(4..) {
        Some(rest) if !rest.is_empty() => rest.parse().ok()?,
        _ => 0.0,
    };
    Some(hours * 3600.0 + part(2)? * 60.0 + seconds)
}

/// Seconds of the midnight at which a date, YYYYMMDD or YYYY.MM.DD, begins, from a fixed day on.
pub(super) fn of_date(text: &str) -> Option<f64> {
    let plain: String = text.trim().chars().filter(|c| *c != '.').collect();
    if plain.len() != 8 || !plain.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| plain[from..to].parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days of the Gregorian calendar; the year begins in March, so that its leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day;
    Some(days as f64 * DAY)
}

/// Seconds of a date and time, YYYYMMDDHHMMSS.FFFFFF&ZZXX; the zone is left out, for all of a series have one.
pub(super) fn of_datetime(text: &str) -> Option<f64> {
    let text = text.trim();
    let text = text.find(['+', '-']).map_or(text, |zone| &text[..zone]);
    Some(of_date(text.get(..8)?)? + text.get(8..).filter(|time| !time.is_empty()).map_or(Some(0.0), of_day)?)
}

/// Moves times of day without dates that pass midnight: later ones lie on the next day. Says whether it did.
pub(super) fn unwrap_midnight(times: &mut [f64]) -> bool {
    if times.iter().any(|t| *t >= DAY) {
        return false;
    }
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    // No examination takes twelve hours: such a gap lies between an evening and the night that follows it.
    let gap = sorted.windows(2).find(|w| w[1] - w[0] > DAY / 2.0).map(|w| w[0]);
    let Some(before) = gap else { return false };
    times.iter_mut().filter(|t| **t <= before).for_each(|t| *t += DAY);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day() {
        assert_eq!(of_day("013000.5"), Some(5400.5));
        assert_eq!(of_day("01:30:00"), Some(5400.0));
        assert_eq!((of_day("12"), of_day("1230")), (Some(43200.0), Some(45000.0)));
        assert_eq!((of_day(""), of_day("noon")), (None, None));
    }

    #[test]
    fn dates_go_on_over_the_ends_of_months_and_years() {
        let days = |a: &str, b: &str| (of_date(b).unwrap() - of_date(a).unwrap()) / DAY;
        assert_eq!(days("20240228", "20240301"), 2.0);
        assert_eq!(days("20231231", "20240101"), 1.0);
        assert_eq!(days("19000228", "19000301"), 1.0);
        assert_eq!(days("2000.01.01", "20010101"), 366.0);
        assert_eq!((of_date("20241301"), of_date("today")), (None, None));
        assert_eq!(of_datetime("20240101000010.25+0100"), Some(of_date("20240101").unwrap() + 10.25));
    }

    #[test]
    fn midnight_is_passed_without_dates() {
        let mut times = [86_370.0, 10.0, 86_390.0, 30.0];
        assert!(unwrap_midnight(&mut times));
        assert_eq!(times, [86_370.0, 86_410.0, 86_390.0, 86_430.0]);
        assert!(!unwrap_midnight(&mut [100.0, 3000.0]));
    }
}
