//! What `mailcore_base::date` promises.
#![allow(clippy::unwrap_used)]

use mailcore_base::date::{DateTime, Day};
use proptest::prelude::*;

fn read(text: &str) -> Option<(i64, i16)> {
    DateTime::parse(text.as_bytes())
        .ok()
        .map(|d| (d.seconds, d.offset))
}

#[test]
fn the_forms_of_rfc_5322_are_read() {
    assert_eq!(
        read("Fri, 21 Nov 1997 09:55:06 -0600"),
        Some((880_127_706, -360))
    );
    assert_eq!(
        read("21 Nov 1997 09:55:06 -0600"),
        Some((880_127_706, -360))
    );
    assert_eq!(
        read("Thu,\r\n 13\r\n  Feb\r\n  1969\r\n 23:32\r\n -0330 (Newfoundland (Time))"),
        Some((-27_723_480, -210))
    );
    assert_eq!(read("21 Nov 97 09:55:06 GMT"), Some((880_106_106, 0)));
    assert_eq!(
        read("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600"),
        Some((880_127_706, -360))
    );
    assert_eq!(read("1 Jan 70 00:00 EST"), Some((18_000, -300)));
    assert_eq!(
        read("1 Jan 100 00:00:00 +0000"),
        read("1 Jan 2000 00:00:00 +0000")
    );
    assert_eq!(
        read("Mon, 01-Jan-2001 00:00:00 +0100"),
        Some((978_303_600, 60))
    );
    assert_eq!(read("Sat, 1 Jan 2000 00:00:00"), Some((946_684_800, 0)));
    assert_eq!(read("Sat 1 Jan 2000 00:00:00 Z"), Some((946_684_800, 0)));
}

#[test]
fn broken_dates_are_refused() {
    for text in [
        "",
        "Mon",
        "Mon,",
        "31 Feb 2000 00:00:00 +0000",
        "0 Jan 2000 00:00 +0000",
        "1 Foo 2000 00:00 +0000",
        "1 Jan 2000",
        "1 Jan 2000 24:00:00 +0000",
        "1 Jan 2000 00:60 +0000",
        "1 Jan 2000 0000 +0000",
        "(",
        "(\\",
        "1 Ja",
        "1 Jan 20000 00:00 +0000",
        "\u{e9} 1 Jan",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn a_hundred_thousand_comments_are_read() {
    let nested = format!(
        "{}{} 1 Jan 2000 00:00:00 +0000",
        "(".repeat(100_000),
        ")".repeat(100_000)
    );
    assert_eq!(read(&nested), Some((946_684_800, 0)));
    assert_eq!(read(&"-".repeat(1_000_000)), None);
}

#[test]
fn internal_dates_are_read_and_written() {
    let date = DateTime::parse_internal(b"17-Jul-1996 02:44:25 -0700").unwrap();
    assert_eq!((date.seconds, date.offset), (837_596_665, -420));
    assert_eq!(
        DateTime::parse_internal(b" 7-Jul-1996 02:44:25 -0700"),
        DateTime::parse_internal(b"07-jul-1996 02:44:25 -0700")
    );
    let mut out = Vec::new();
    date.write_internal_to(&mut out);
    assert_eq!(out, b"17-Jul-1996 02:44:25 -0700");
    for text in [
        "17-Jul-96 02:44:25 -0700",
        "17-Jul-1996 02:44:25",
        "17-Jul-1996 2:44:25 +0000",
        "17-Jul-1996 02:44:25 0700",
        "17-Jul-1996 02:44:25 +0760",
    ] {
        assert!(DateTime::parse_internal(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn a_day_is_the_day_of_its_own_zone() {
    let late = DateTime::parse(b"1 Jan 2000 23:30:00 -0500").unwrap();
    assert_eq!(late.day(), Day::parse(b"1-Jan-2000").unwrap());
    assert_eq!(
        DateTime::utc(late.seconds).day(),
        Day::parse(b"2-Jan-2000").unwrap()
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(seconds in -62_167_000_000i64..253_402_000_000, offset in -5_999i16..=5_999) {
        let date = DateTime { seconds, offset };
        prop_assume!((0..=9999).contains(&date.day().civil().0));
        let mut out = Vec::new();
        date.write_internal_to(&mut out);
        prop_assert_eq!(DateTime::parse_internal(&out), Ok(date));
        // A four-digit year below 100 is a year, not an obsolete one.
        out.clear();
        date.write_to(&mut out);
        prop_assert_eq!(DateTime::parse(&out), Ok(date));
    }

    #[test]
    fn days_and_civil_dates_are_inverse(days in -719_528i32..=2_932_896) {
        let day = Day::from_epoch(days);
        let (year, month, date) = day.civil();
        prop_assert_eq!(Day::from_civil(year, month, date), Some(day));
        let mut out = Vec::new();
        day.write_to(&mut out);
        prop_assert_eq!(Day::parse(&out), Ok(day));
    }

    #[test]
    fn any_bytes_are_answered(text in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = DateTime::parse(&text);
        let _ = DateTime::parse_internal(&text);
        let _ = Day::parse(&text);
    }
}
