//! Dates: what is read is written in the one form there is, and read again as the same moment in the same zone.

use mailcore_base::date::{DAY_SECONDS, DateTime, Day};

/// The input is one text, read as each kind of date.
pub fn body(input: &[u8]) {
    if let Ok(date) = DateTime::parse(input) {
        round(date);
    }
    if let Ok(date) = DateTime::parse_internal(input) {
        round(date);
    }
    if let Ok(day) = Day::parse(input) {
        let mut out = Vec::new();
        day.write_to(&mut out);
        assert_eq!(Day::parse(&out), Ok(day));
        let (year, month, date) = day.civil();
        assert_eq!(Day::from_civil(year, month, date), Some(day));
        assert_eq!(Day::from_epoch(day.epoch_days()), day);
    }
    if let Some(number) = input.first_chunk::<8>() {
        any_moment(i64::from_be_bytes(*number), input.last_chunk::<2>());
    }
}

fn round(date: DateTime) {
    // A leap second at the end of the year 9999 lies behind all that can be written.
    let wall = date.seconds + i64::from(date.offset) * 60;
    if wall.div_euclid(DAY_SECONDS) != i64::from(date.day().epoch_days()) {
        return;
    }
    let (field, internal) = write(date);
    assert_eq!(DateTime::parse(&field), Ok(date));
    assert_eq!(DateTime::parse_internal(&internal), Ok(date));
}

/// Whatever the moment, what is written can be read.
fn any_moment(seconds: i64, offset: Option<&[u8; 2]>) {
    let offset = offset.map_or(0, |pair| i16::from_be_bytes(*pair));
    let (field, internal) = write(DateTime { seconds, offset });
    assert!(DateTime::parse(&field).is_ok());
    assert!(DateTime::parse_internal(&internal).is_ok());
}

fn write(date: DateTime) -> (Vec<u8>, Vec<u8>) {
    let (mut field, mut internal) = (Vec::new(), Vec::new());
    date.write_to(&mut field);
    date.write_internal_to(&mut internal);
    for out in [&field, &internal] {
        assert!(out.iter().all(|b| matches!(b, b' '..=b'~')));
        assert!(out.len() <= 31);
    }
    (field, internal)
}
