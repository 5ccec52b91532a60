//! The index's frames: what is written reads back, and what makes no sense is refused whole.

use super::super::letters::Letters;
use super::super::room::{Stamp, Stamps};
use super::super::row::Row;
use super::layout::{Draft, FRONT, Frame, Head, LONGEST, Step};
use mailcore_base::mailbox::{Flags, Keyword, Uid, UidSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Kinds and bodies of the frames in a draft, checks and lengths being right.
fn bodies(draft: Draft) -> Vec<Vec<u8>> {
    let bytes = draft.finish();
    let (mut rest, mut out) = (bytes.as_slice(), Vec::new());
    while !rest.is_empty() {
        let word = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
        let length = word(0) as usize;
        assert!(length <= LONGEST, "{length} octets in a frame");
        let body = &rest[FRONT..FRONT + length];
        assert_eq!(word(4), crc32fast::hash(body));
        out.push(body.to_vec());
        rest = &rest[FRONT + length..];
    }
    out
}

fn only(draft: Draft) -> Vec<u8> {
    let mut bodies = bodies(draft);
    assert_eq!(bodies.len(), 1);
    bodies.remove(0)
}

fn row(base: &'static [u8], info: &'static [u8]) -> Row<'static> {
    Row {
        uid: 7,
        flags: Flags::from_bits(0x8000_0041),
        modseq: 1 << 50,
        date: Some(-5),
        place: 99,
        fresh: true,
        base,
        info,
    }
}

fn one_row(row: &Row<'_>) -> Vec<u8> {
    let mut draft = Draft::default();
    draft.row(row);
    only(draft)
}

fn step() -> Step {
    let stamp = |n: u64, modified: SystemTime| Stamp {
        inode: n,
        len: n * 10,
        modified,
    };
    Step {
        next: 1 << 32,
        modseq: 12,
        lines: 13,
        torn: true,
        again: Some(UNIX_EPOCH + Duration::from_micros(14)),
        guid: "g".repeat(32),
        stamps: Stamps {
            cur: stamp(1, UNIX_EPOCH + Duration::new(5, 999_999_999)),
            new: stamp(2, UNIX_EPOCH - Duration::new(5, 1)),
            list: Some(stamp(3, UNIX_EPOCH)),
            keywords: None,
        },
    }
}

fn one_step(step: &Step) -> Vec<u8> {
    let mut draft = Draft::default();
    draft.step(step);
    only(draft)
}

#[test]
fn a_row_reads_back() {
    for row in [
        row(b"1.a", b":2,FS"),
        Row {
            date: None,
            fresh: false,
            place: 0,
            ..row(b"1.b", b"")
        },
    ] {
        let body = one_row(&row);
        let Some(Frame::Rows(mut rows)) = Frame::parse(&body) else {
            panic!("no rows")
        };
        let read = rows.row().unwrap();
        assert!(rows.is_empty());
        assert_eq!(format!("{read:?}"), format!("{row:?}"));
    }
}

#[test]
fn a_row_that_can_be_no_message_is_refused() {
    let refused = |body: &[u8]| match Frame::parse(body) {
        Some(Frame::Rows(mut rows)) => rows.row().is_none(),
        _ => true,
    };
    let sound = one_row(&row(b"1.a", b":2,S"));
    assert!(!refused(&sound));
    for name in [
        row(b"../../x", b""),
        row(b"a/b", b":2,S"),
        row(b".hidden", b""),
        row(b"", b":2,S"),
        row(b"a:2", b",S"),
        row(b"a", b"b:2,S"),
    ] {
        assert!(refused(&one_row(&name)), "{name:?}");
    }
    let mut nobody = sound.clone();
    nobody[1..5].fill(0);
    assert!(refused(&nobody), "UID 0");
    let mut nowhere = sound.clone();
    nowhere[29] = 2;
    assert!(refused(&nowhere), "neither new nor cur");
    assert!(refused(&sound[..sound.len() - 1]), "cut");
}

#[test]
fn a_step_reads_back_with_times_before_1970_and_the_last_uid_given() {
    let bare = Step {
        next: 1,
        torn: false,
        again: None,
        guid: String::new(),
        ..step()
    };
    for step in [step(), bare] {
        match Frame::parse(&one_step(&step)) {
            Some(Frame::Step(read)) => assert_eq!(*read, step),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_step_that_makes_no_sense_is_refused() {
    let sound = one_step(&step());
    assert!(Frame::parse(&sound).is_some());
    assert!(Frame::parse(&sound[..sound.len() - 1]).is_none(), "cut");
    assert!(Frame::parse(&[&sound[..], b"x"].concat()).is_none(), "more");
    for next in [0, (1 << 32) + 1] {
        let body = one_step(&Step { next, ..step() });
        assert!(Frame::parse(&body).is_none(), "next {next}");
    }
    let mut odd = sound.clone();
    let at = sound.len() - 4; // the nanoseconds of the last stamp
    odd[at..].copy_from_slice(&1_000_000_000u32.to_le_bytes());
    assert!(Frame::parse(&odd).is_none(), "more than a second");
}

#[test]
fn heads_removals_keywords_and_the_rest_read_back_or_are_refused() {
    let head = Head {
        validity: 3,
        boot: 1 << 100,
        cache: 4,
        records: 5,
        reach: 6,
    };
    let mut draft = Draft::default();
    draft.head(&head);
    let body = only(draft);
    assert!(matches!(Frame::parse(&body), Some(Frame::Head(read)) if read == head));
    let mut lifeless = body.clone();
    lifeless[1..5].fill(0);
    assert!(Frame::parse(&lifeless).is_none(), "UIDVALIDITY 0");

    let gone: UidSet = [1, 2, 3, 9].into_iter().filter_map(Uid::new).collect();
    let mut draft = Draft::default();
    draft.gone(8, &gone);
    let mut body = only(draft);
    assert!(matches!(Frame::parse(&body), Some(Frame::Gone(8, read)) if read == gone));
    body[9..13].copy_from_slice(&4u32.to_le_bytes());
    assert!(Frame::parse(&body).is_none(), "from 4 to 3");

    let mut draft = Draft::default();
    draft.learned(7, Some(-9), 3);
    draft.learned(8, None, 0);
    let body = only(draft);
    let Some(Frame::Learned(mut each)) = Frame::parse(&body) else {
        panic!("nothing learned")
    };
    assert_eq!(each.learned(), Some((7, Some(-9), 3)));
    assert_eq!(each.learned(), Some((8, None, 0)));

    let mut draft = Draft::default();
    draft.extensions(7, "W36 P2");
    let mut body = only(draft);
    let said = |body: &[u8]| match Frame::parse(body) {
        Some(Frame::Extensions(mut each)) => {
            each.extensions().map(|(uid, it)| (uid, it.to_owned()))
        }
        _ => None,
    };
    assert_eq!(said(&body), Some((7, "W36 P2".to_owned())));
    for odd in *b"\n:\0" {
        *body.last_mut().unwrap() = odd;
        assert_eq!(said(&body), None, "a line of the list would break");
    }

    let letters = Letters::of(vec![(b'b', Keyword::parse("two").unwrap())]).unwrap();
    let mut draft = Draft::default();
    draft.keywords(&letters);
    let body = only(draft);
    assert!(matches!(Frame::parse(&body), Some(Frame::Keywords(told)) if told == [(b'b', "two")]));

    let mut draft = Draft::default();
    draft.doubt();
    let body = only(draft);
    assert!(matches!(Frame::parse(&body), Some(Frame::Doubt)));
    assert!(Frame::parse(&[&body[..], b"x"].concat()).is_none());
    assert!(Frame::parse(&[77]).is_none() && Frame::parse(b"").is_none());
}

/// Millions of messages that are changed at once, every second of them removed, are told in frames that are read.
#[test]
fn no_frame_grows_beyond_what_is_read() {
    let mut draft = Draft::default();
    let long: &[u8] = &[b'n'; 200];
    for uid in 1..10_000 {
        let row = Row {
            uid,
            base: long,
            ..row(b"1", b":2,S")
        };
        draft.row(&row);
    }
    let rows = bodies(draft);
    let mut count = 0;
    for body in &rows {
        let Some(Frame::Rows(mut each)) = Frame::parse(body) else {
            panic!("no rows")
        };
        while !each.is_empty() {
            assert!(each.row().is_some());
            count += 1;
        }
    }
    assert_eq!(count, 9_999);
    let odd: UidSet = (1..400_000).step_by(2).filter_map(Uid::new).collect();
    let mut draft = Draft::default();
    draft.gone(5, &odd);
    let mut read = UidSet::new();
    for body in bodies(draft) {
        match Frame::parse(&body) {
            Some(Frame::Gone(5, some)) => read = read.union(&some),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read, odd);
}
