//! The table against a map of all that it holds, whatever is done to it and whatever was counted before.

use super::super::filename;
use super::super::row::Row;
use super::super::table::Table;
use crate::queue::Identity;
use mailcore_base::mailbox::{Flags, Uid, UidSet};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// One message, as a map would hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plain {
    flags: Flags,
    modseq: u64,
    date: Option<i64>,
    place: u32,
    fresh: bool,
    base: Vec<u8>,
    info: Vec<u8>,
    extensions: String,
}

/// Some have an identity, some tell their sizes.
fn base(uid: u32, other: bool) -> Vec<u8> {
    let identity = uid
        .is_multiple_of(3)
        .then(|| Identity(u128::from(uid) << 64 | u128::from(other)));
    let mut base = filename::unique(u64::from(uid), 7, identity, "host");
    if uid.is_multiple_of(2) {
        base.push_str(&format!(",S={uid},W={}", uid + 3));
    }
    base.into_bytes()
}

impl Plain {
    fn new(uid: u32, modseq: u64, other: bool) -> Self {
        Self {
            flags: [
                Flags::NONE,
                Flags::SEEN,
                Flags::DELETED,
                Flags::from_bits(1 << 31),
            ][uid as usize % 4],
            modseq,
            date: (!uid.is_multiple_of(5)).then_some(i64::from(uid) << 12),
            place: uid % 7,
            fresh: uid.is_multiple_of(11),
            base: base(uid, other),
            info: if uid.is_multiple_of(2) {
                b":2,S".to_vec()
            } else {
                Vec::new()
            },
            extensions: String::new(),
        }
    }

    fn row(&self, uid: u32) -> Row<'_> {
        Row {
            uid,
            flags: self.flags,
            modseq: self.modseq,
            date: self.date,
            place: self.place,
            fresh: self.fresh,
            base: &self.base,
            info: &self.info,
        }
    }

    fn of(row: &Row<'_>, table: &Table) -> (u32, Self) {
        let plain = Self {
            flags: row.flags,
            modseq: row.modseq,
            date: row.date,
            place: row.place,
            fresh: row.fresh,
            base: row.base.to_vec(),
            info: row.info.to_vec(),
            extensions: table.extensions(row.uid).to_owned(),
        };
        (row.uid, plain)
    }
}

type Map = BTreeMap<u32, Plain>;

fn set(uids: Range<u32>) -> UidSet {
    uids.filter_map(Uid::new).collect()
}

/// Does the same to both.
fn act(what: u8, uids: Range<u32>, modseq: u64, table: &mut Table, map: &mut Map) {
    match what {
        0 | 1 => {
            for uid in uids {
                let plain = Plain::new(uid, modseq, what == 1);
                table.put(plain.row(uid));
                let mut now = plain;
                if let Some(known) = map.get(&uid) {
                    now.extensions.clone_from(&known.extensions);
                    // What is known of a file is not forgotten for what is not.
                    now.date = now.date.or(known.date.filter(|_| known.base == now.base));
                }
                map.insert(uid, now);
            }
        }
        2 => {
            table.remove(&set(uids.clone()));
            map.retain(|uid, _| !uids.contains(uid));
        }
        3 => {
            for uid in uids {
                let flags = Flags::from_bits(u64::from(uid % 2) << 27) | Flags::FLAGGED;
                table.change(uid, uid % 2 == 1, b":2,FS", flags, modseq);
                if let Some(known) = map.get_mut(&uid) {
                    known.info = b":2,FS".to_vec();
                    (known.flags, known.modseq, known.fresh) = (flags, modseq, uid % 2 == 1);
                }
            }
        }
        4 => {
            for uid in uids {
                table.learn(uid, Some(i64::from(uid)), None);
                table.learn(uid + 1, None, Some(9));
                map.entry(uid)
                    .and_modify(|known| known.date = Some(i64::from(uid)));
                map.entry(uid + 1).and_modify(|known| known.place = 9);
            }
        }
        5 => {
            for uid in uids.filter(|uid| map.contains_key(uid)).collect::<Vec<_>>() {
                table.extend(uid, "W77 P1");
                map.entry(uid)
                    .and_modify(|known| known.extensions = "W77 P1".to_owned());
            }
        }
        6 => {
            table.raise(modseq);
            map.values_mut().for_each(|known| known.modseq = modseq);
        }
        _ => {
            table.unplace();
            map.values_mut().for_each(|known| known.place = 0);
        }
    }
}

/// All that can be asked of the table is what the map says; asking counts what is not counted yet.
fn same(table: &Table, map: &Map, around: Range<u32>) {
    let all: Map = table.rows().map(|row| Plain::of(&row, table)).collect();
    assert!(all == *map, "other messages");
    assert!(table.rows().map(|row| row.uid).is_sorted());
    assert_eq!(table.len(), map.len());
    assert_eq!(
        table.last_uid(),
        map.keys().next_back().copied().unwrap_or(0)
    );
    let fresh: Vec<u32> = table.fresh().map(|row| row.uid).collect();
    let is_fresh = map.iter().filter(|(_, known)| known.fresh);
    assert!(fresh.iter().eq(is_fresh.map(|(uid, _)| uid)), "fresh");
    let known = map.values().map(|known| known.modseq).take(3);
    for since in known.flat_map(|known| [known, known - 1]).chain([0]) {
        let later: Vec<u32> = table.since(since).map(|row| row.uid).collect();
        let is_later = map.iter().filter(|(_, known)| known.modseq > since);
        assert!(
            later.iter().eq(is_later.map(|(uid, _)| uid)),
            "since {since}"
        );
    }
    let (mut seen, mut deleted, mut served, mut untold) = (0, 0, 0, Vec::new());
    for tally in table.tallies() {
        (seen, deleted, served) = (
            seen + tally.seen,
            deleted + tally.deleted,
            served + tally.served,
        );
        untold.extend_from_slice(&tally.untold);
    }
    let count = |flag| {
        map.values()
            .filter(|known| known.flags.contains(flag))
            .count() as u32
    };
    assert_eq!((seen, deleted), (count(Flags::SEEN), count(Flags::DELETED)));
    let told = map
        .values()
        .filter_map(|known| filename::sizes(&known.base).1);
    assert_eq!(served, told.sum());
    let none = map
        .iter()
        .filter(|(_, known)| filename::sizes(&known.base).1.is_none());
    assert!(untold.iter().eq(none.map(|(uid, _)| uid)), "untold");
    for end in [
        around.start,
        around.start + 1,
        around.end - 1,
        around.end,
        511,
        512,
        513,
        1024,
        1025,
    ] {
        for range in [end..end + 1, around.start..end + 1, end..around.end + 600] {
            let within: Vec<u32> = if range.is_empty() {
                Vec::new()
            } else {
                table
                    .within(&set(range.clone()))
                    .map(|row| row.uid)
                    .collect()
            };
            let known: Vec<u32> = match range.is_empty() {
                true => Vec::new(),
                false => map.range(range.clone()).map(|(uid, _)| *uid).collect(),
            };
            assert_eq!(within, known, "within {range:?}");
        }
        let row = table.row(end).map(|row| Plain::of(&row, table).1);
        assert_eq!(row.as_ref(), map.get(&end), "UID {end}");
        let identity = Identity(u128::from(end) << 64);
        let delivered = map
            .get(&end)
            .filter(|known| filename::identity(&known.base) == Some(identity));
        assert_eq!(
            table.delivered(identity),
            delivered.map(|_| end),
            "identity of {end}"
        );
    }
    let uids: Vec<u32> = table.uids().iter().map(Uid::number).collect();
    assert!(uids.iter().eq(map.keys()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_done_to_it_it_says_what_a_map_says(
        steps in proptest::collection::vec((0u8..8, 1u32..2500, 1u32..700), 1..14),
    ) {
        let (mut table, mut map) = (Table::default(), Map::new());
        act(0, 1..1300, 1, &mut table, &mut map);
        same(&table, &map, 510..515);
        for (n, (what, from, count)) in steps.into_iter().enumerate() {
            let held = (table.clone(), map.clone());
            act(what, from..from + count, n as u64 + 2, &mut table, &mut map);
            same(&table, &map, from..from + count);
            let before: Map = held.0.rows().map(|row| Plain::of(&row, &held.0)).collect();
            prop_assert!(before == held.1, "who holds it as it was sees a change");
        }
    }
}

/// Chunks whose messages are mostly gone are one again, and say what they said.
#[test]
fn a_table_that_has_grown_thin_says_what_it_said() {
    let (mut table, mut map) = (Table::default(), Map::new());
    act(0, 1..8000, 1, &mut table, &mut map);
    act(5, 3..8000, 1, &mut table, &mut map);
    for from in (1..8000).step_by(10) {
        act(2, from..from + 9, 2, &mut table, &mut map);
    }
    assert_eq!(table.len(), 799);
    assert!(
        table.tallies().count() < 8,
        "{} chunks",
        table.tallies().count()
    );
    same(&table, &map, 4000..4020);
}

/// A filter that says of everything that it may be there would have each delivery look at each name.
#[test]
fn of_identities_that_are_not_there_few_look_as_if_they_were() {
    let (mut table, mut map) = (Table::default(), Map::new());
    act(0, 1..2000, 1, &mut table, &mut map);
    let other = |n: u32| Identity(u128::from(n) << 64 | 5);
    let looked = |n| {
        table
            .tallies()
            .filter(|tally| tally.may_have(other(n)))
            .count()
    };
    let wrong: usize = (1..2000).map(looked).sum();
    assert!(wrong < 100, "{wrong} of 8,000");
    let (mut bare, mut none) = (Table::default(), Map::new());
    act(0, 1..3, 1, &mut bare, &mut none);
    assert!(bare.tallies().all(|tally| !tally.may_have(other(1))));
}

#[test]
fn a_message_that_does_not_come_behind_all_others_is_left_out() {
    let mut table = Table::default();
    for uid in [5, 5, 3, 9, 0] {
        table.push(Plain::new(uid, 1, false).row(uid));
    }
    assert_eq!(table.rows().map(|row| row.uid).collect::<Vec<_>>(), [5, 9]);
    assert_eq!(table.len(), 2);
}

/// Messages that come and go beside some that stay leave no names behind.
#[test]
fn who_came_and_went_takes_no_memory() {
    let (mut table, mut map) = (Table::default(), Map::new());
    act(0, 1..20, 1, &mut table, &mut map);
    for round in 0..60 {
        let from = 100 + round * 400;
        act(0, from..from + 400, 1, &mut table, &mut map);
        act(2, from..from + 400, 1, &mut table, &mut map);
    }
    assert!(table.memory() < 200 * 1024, "{}", table.memory());
    same(&table, &map, 1..30);
}

/// What has no room is as good as not known: the file says it.
#[test]
fn a_date_before_1970_or_behind_2105_is_not_kept() {
    let mut table = Table::default();
    for (uid, date) in [(1, -1), (2, 0), (3, 4_294_967_294), (4, 4_294_967_296)] {
        let mut plain = Plain::new(uid, 1, false);
        plain.date = Some(date);
        table.put(plain.row(uid));
        let kept = (2..=3).contains(&uid).then_some(date);
        assert_eq!(table.row(uid).unwrap().date, kept);
        table.learn(uid, Some(date), None);
        assert_eq!(table.row(uid).unwrap().date, kept);
    }
}

/// Whatever begins or ends with the first or the last message of a chunk.
#[test]
fn what_is_done_at_the_ends_of_chunks_is_done_whole() {
    for from in [1, 511, 512, 513, 1023, 1024, 1025, 1299] {
        for count in [1, 2, 512, 513] {
            for what in [2, 3, 4, 5] {
                let (mut table, mut map) = (Table::default(), Map::new());
                act(0, 1..1300, 1, &mut table, &mut map);
                act(what, from..from + count, 2, &mut table, &mut map);
                same(&table, &map, from..from + count);
                act(1, from..from + count, 3, &mut table, &mut map);
                same(&table, &map, from..from + count);
            }
        }
    }
}
