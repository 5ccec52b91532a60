//! Dates as mail writes them: the `Date` field (RFC 5322 §3.3, §4.3), IMAP's INTERNALDATE (`date-time`) and
//! IMAP's `date`. A point in time keeps the zone it was written in, because IMAP's SENT… keys and its
//! INTERNALDATE both show it.
//!
//! The calendar is computed here (proleptic Gregorian); no clock and no zone database is ever asked.

use std::fmt;

/// Seconds in one day.
pub const DAY_SECONDS: i64 = 86_400;

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// The greatest zone written: ±99:59, which is what four digits can say (RFC 5322 §3.3).
const MAX_OFFSET: i16 = 99 * 60 + 59;

/// The text is not a date of the form asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a date")]
pub struct NotADate;

/// A point in time together with the zone it was written in.
///
/// Years 0 to 9999 can be read and written; a value outside of them is written clamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DateTime {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub seconds: i64,
    /// Minutes that the zone is ahead of UTC, from -5999 to 5999.
    pub offset: i16,
}

impl DateTime {
    /// A point in time shown in UTC.
    pub const fn utc(seconds: i64) -> DateTime {
        DateTime { seconds, offset: 0 }
    }

    /// Reads the value of a `Date` field: comments, missing seconds, two- and three-digit years and the
    /// obsolete zone names are taken; an unknown or missing zone is UTC (RFC 5322 §4.3).
    ///
    /// # Errors
    /// [`NotADate`] when day, month, year or time cannot be read.
    pub fn parse(text: &[u8]) -> Result<DateTime, NotADate> {
        Words { rest: text }.date_time().ok_or(NotADate)
    }

    /// Reads IMAP's `date-time` without its quotes: `dd-Mon-yyyy hh:mm:ss ±zzzz` (RFC 3501 §9); the day may
    /// be one digit, with or without the leading space.
    ///
    /// # Errors
    /// [`NotADate`] when it is not of that form.
    pub fn parse_internal(text: &[u8]) -> Result<DateTime, NotADate> {
        let text = text.strip_prefix(b" ").unwrap_or(text);
        let mut words = text.split(|&b| b == b' ');
        let (Some(day), Some(time), Some(zone), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(NotADate);
        };
        let day = Day::parse(day)?;
        let [h1, h2, b':', m1, m2, b':', s1, s2] = *time else {
            return Err(NotADate);
        };
        let pair = |a, b| number(&[a, b], 2, 2).ok_or(NotADate);
        let seconds = clock(pair(h1, h2)?, pair(m1, m2)?, pair(s1, s2)?).ok_or(NotADate)?;
        let offset = numeric_zone(zone).ok_or(NotADate)?;
        Ok(DateTime::local(day, seconds, offset))
    }

    /// Writes the value of a `Date` field: `Thu, 1 Jan 1970 00:00:00 +0000`.
    pub fn write_to(self, out: &mut Vec<u8>) {
        let (day, time) = self.split();
        let (year, month, date) = day.civil();
        let weekday = WEEKDAYS[(i64::from(day.0) + 3).rem_euclid(7) as usize];
        out.extend_from_slice(
            format!(
                "{weekday}, {date} {} {year:04} {}",
                month_name(month),
                Clock(time, self.offset())
            )
            .as_bytes(),
        );
    }

    /// Writes IMAP's `date-time` without its quotes: `01-Jan-1970 00:00:00 +0000`. The day takes two places
    /// (RFC 3501 §9 `date-day-fixed`); like Dovecot it is filled with a zero, not a space.
    pub fn write_internal_to(self, out: &mut Vec<u8>) {
        let (day, time) = self.split();
        let (year, month, date) = day.civil();
        out.extend_from_slice(
            format!(
                "{date:02}-{}-{year:04} {}",
                month_name(month),
                Clock(time, self.offset())
            )
            .as_bytes(),
        );
    }

    /// The calendar day it is in its own zone; SENTBEFORE and its like compare by it (RFC 3501 §6.4.4).
    pub fn day(self) -> Day {
        self.split().0
    }

    fn local(day: Day, seconds: i64, offset: i16) -> DateTime {
        DateTime {
            seconds: i64::from(day.0) * DAY_SECONDS + seconds - i64::from(offset) * 60,
            offset,
        }
    }

    fn offset(self) -> i16 {
        self.offset.clamp(-MAX_OFFSET, MAX_OFFSET)
    }

    /// The day and the second of the day on the wall clock of the zone.
    fn split(self) -> (Day, i64) {
        let wall = self.seconds.saturating_add(i64::from(self.offset()) * 60);
        let day = wall
            .div_euclid(DAY_SECONDS)
            .clamp(i64::from(Day::FIRST.0), i64::from(Day::LAST.0));
        (Day(day as i32), wall.rem_euclid(DAY_SECONDS))
    }
}

/// A calendar day, without a zone; what IMAP's BEFORE, ON and SINCE name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    const FIRST: Day = Day(-719_528); // 0000-01-01
    const LAST: Day = Day(2_932_896); // 9999-12-31

    /// The day `days` after 1970-01-01 (before it, if negative), clamped to the years 0 to 9999.
    pub fn from_epoch(days: i32) -> Day {
        Day(days.clamp(Day::FIRST.0, Day::LAST.0))
    }

    /// The day of a year (0-9999), month (1-12) and date (1-31), if there is such a day.
    pub fn from_civil(year: u16, month: u8, date: u8) -> Option<Day> {
        if year > 9999
            || !(1..=12).contains(&month)
            || date == 0
            || date > month_length(year, month)
        {
            return None;
        }
        // Years are counted from March, so that the leap day is the last of its year.
        let (year, month) = (i32::from(year) - i32::from(month <= 2), i32::from(month));
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + i32::from(date) - 1;
        Some(Day(era * 146_097 + of_era * 365 + of_era / 4
            - of_era / 100
            + of_year
            - 719_468))
    }

    /// Year, month and date.
    pub fn civil(self) -> (u16, u8, u8) {
        let days = self.0 + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let date = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        let year = year_of_era + era * 400 + i32::from(month <= 2);
        (year as u16, month as u8, date as u8)
    }

    /// Days since 1970-01-01.
    pub fn epoch_days(self) -> i32 {
        self.0
    }

    /// Reads IMAP's `date` without quotes: `d-Mon-yyyy` or `dd-Mon-yyyy` (RFC 3501 §9).
    ///
    /// # Errors
    /// [`NotADate`] when it is not of that form or names no day.
    pub fn parse(text: &[u8]) -> Result<Day, NotADate> {
        let mut parts = text.split(|&b| b == b'-');
        let (Some(date), Some(month), Some(year), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotADate);
        };
        let date = number(date, 1, 2).ok_or(NotADate)?;
        let month = month_number(month).ok_or(NotADate)?;
        let year = number(year, 4, 4).ok_or(NotADate)?;
        Day::from_civil(year, month, date as u8).ok_or(NotADate)
    }

    /// Writes IMAP's `date`: `1-Jan-1970`.
    pub fn write_to(self, out: &mut Vec<u8>) {
        let (year, month, date) = self.civil();
        out.extend_from_slice(format!("{date}-{}-{year:04}", month_name(month)).as_bytes());
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, date) = self.civil();
        write!(f, "{date}-{}-{year:04}", month_name(month))
    }
}

/// `hh:mm:ss ±zzzz`.
struct Clock(i64, i16);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Clock(time, offset) = *self;
        let (sign, zone) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
        write!(
            f,
            "{:02}:{:02}:{:02} ",
            time / 3600,
            time / 60 % 60,
            time % 60
        )?;
        write!(f, "{sign}{:02}{:02}", zone / 60, zone % 60)
    }
}

fn month_name(month: u8) -> &'static str {
    let name: &[u8] = MONTHS[usize::from(month.clamp(1, 12)) - 1];
    std::str::from_utf8(name).unwrap_or_default()
}

fn month_number(name: &[u8]) -> Option<u8> {
    MONTHS
        .iter()
        .position(|m| name.eq_ignore_ascii_case(*m))
        .map(|at| at as u8 + 1)
}

fn month_length(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A decimal number of `least` to `most` digits and nothing else.
fn number(text: &[u8], least: usize, most: usize) -> Option<u16> {
    if text.len() < least || text.len() > most || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |n, b| n * 10 + u16::from(b - b'0')))
}

/// The second of the day; a leap second is folded into the next minute's start.
fn clock(hour: u16, minute: u16, second: u16) -> Option<i64> {
    (hour < 24 && minute < 60 && second <= 60)
        .then(|| i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second))
}

fn numeric_zone(text: &[u8]) -> Option<i16> {
    let (sign, digits) = match text.split_first()? {
        (b'+', digits) => (1, digits),
        (b'-', digits) => (-1, digits),
        _ => return None,
    };
    let value = number(digits, 4, 4)? as i16;
    (value % 100 < 60).then_some(sign * (value / 100 * 60 + value % 100))
}

/// Minutes ahead of UTC; unknown names carry no information and stand for UTC (RFC 5322 §4.3).
fn zone(text: &[u8]) -> i16 {
    if let Some(offset) = numeric_zone(text) {
        return offset;
    }
    let hours = match text.to_ascii_uppercase().as_slice() {
        b"EDT" => -4,
        b"EST" | b"CDT" => -5,
        b"CST" | b"MDT" => -6,
        b"MST" | b"PDT" => -7,
        b"PST" => -8,
        _ => 0,
    };
    hours * 60
}

/// The words of a `Date` field, without white space and comments.
struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    fn date_time(mut self) -> Option<DateTime> {
        let mut word = self.next()?;
        // The weekday says nothing that the date does not.
        if word.iter().all(u8::is_ascii_alphabetic) {
            word = self.next()?;
            if word == b"," {
                word = self.next()?;
            }
        }
        let date = number(word, 1, 2)?;
        let month = month_number(self.next()?.get(..3)?)?;
        let year = year(self.next()?)?;
        let day = Day::from_civil(year, month, date as u8)?;
        let hour = number(self.next()?, 1, 2)?;
        if !matches!(self.next()?, b":" | b".") {
            return None;
        }
        let minute = number(self.next()?, 1, 2)?;
        let mut next = self.next();
        let mut second = 0;
        if matches!(next, Some(b":" | b".")) {
            second = number(self.next()?, 1, 2)?;
            next = self.next();
        }
        let offset = next.map_or(0, zone);
        Some(DateTime::local(day, clock(hour, minute, second)?, offset))
    }

    /// The next word: a run of letters, digits and signs, or one separator.
    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            self.skip_blanks();
            let (&first, after) = self.rest.split_first()?;
            let is_word = |b: u8| b.is_ascii_alphanumeric() || b >= 0x80;
            let length = match is_word(first) || matches!(first, b'+' | b'-') {
                true => 1 + after.iter().take_while(|&&b| is_word(b)).count(),
                false => 1,
            };
            let (word, rest) = self.rest.split_at(length);
            self.rest = rest;
            // `01-Jan-1998` is seen in the wild: a hyphen within a date is a blank, before a zone it is a sign.
            match word.strip_prefix(b"-") {
                Some(b"") => {}
                Some(name) if numeric_zone(word).is_none() || rest.contains(&b':') => {
                    return Some(name);
                }
                _ => return Some(word),
            }
        }
    }

    /// Skips white space and comments, which nest (RFC 5322 §3.2.2); an open comment takes the rest.
    fn skip_blanks(&mut self) {
        let mut depth = 0u32;
        while let Some((&byte, rest)) = self.rest.split_first() {
            match byte {
                b'(' => depth = depth.saturating_add(1),
                b')' if depth > 0 => depth -= 1,
                b'\\' if depth > 0 => {
                    self.rest = rest.get(1..).unwrap_or_default();
                    continue;
                }
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ if depth > 0 => {}
                _ => return,
            }
            self.rest = rest;
        }
    }
}

/// The year, with the two- and three-digit forms of old (RFC 5322 §4.3).
fn year(text: &[u8]) -> Option<u16> {
    let value = number(text, 2, 4)?;
    match text.len() {
        2 if value < 50 => Some(value + 2000),
        2 | 3 => Some(value + 1900),
        _ => Some(value),
    }
}
