//! The table holds what it is given, shares what it can, and wastes little.

use super::*;
use proptest::prelude::*;

fn table(n: u32) -> Table {
    let mut table = Table::default();
    for uid in 1..=n {
        let identity = Some(Identity(u128::from(uid)));
        let micros = 1_732_100_000_123_456 + u64::from(uid);
        let unique = filename::unique(micros, 12_345, identity.filter(|_| uid > 150), "mail");
        let base = format!("{unique},S=12345,W=12678");
        table.push(Row {
            uid,
            flags: Flags::SEEN,
            modseq: 1,
            date: None,
            place: 0,
            fresh: false,
            base: base.as_bytes(),
            info: b":2,S",
        });
    }
    table
}

fn set(uids: impl Iterator<Item = u32>) -> UidSet {
    uids.filter_map(Uid::new).collect()
}

#[test]
fn a_hundred_messages_take_ten_kilobytes() {
    let mut table = table(100);
    let chunk = Arc::get_mut(table.chunks.first_mut().unwrap()).unwrap();
    chunk.names.shrink_to_fit();
    chunk.entries.shrink_to_fit();
    let memory = table.memory();
    assert!(memory <= 10 * 1024, "{memory}");
}

#[test]
fn changes_and_removals_leave_the_others_alone_and_no_waste() {
    let mut table = table(200);
    let before = table.memory();
    for round in 0..50 {
        for uid in 1..=200 {
            let info: &[u8] = if round % 2 == 0 { b":2,FS" } else { b":2,S" };
            table.change(uid, false, info, Flags::FLAGGED, round);
        }
    }
    assert!(table.memory() <= before * 3, "{}", table.memory());
    let odd = set((1..=200).filter(|n| n % 2 == 1));
    table.remove(&odd);
    assert_eq!(table.len(), 100);
    assert!(table.row(1).is_none());
    let row = table.row(2).unwrap();
    assert_eq!((row.info, row.modseq), (&b":2,S"[..], 49));
    assert!(row.base.ends_with(b",S=12345,W=12678"));
    assert_eq!(table.sizes(&row), (Some(12_345), Some(12_678)));
    assert_eq!(table.within(&odd).count(), 0);
    assert_eq!(table.uids().len(), 100);
}

#[test]
fn a_change_leaves_what_others_hold_and_all_other_chunks_alone() {
    let mut table = table(5 * CHUNK as u32);
    let held = table.clone();
    table.change(700, true, b"", Flags::NONE, 9);
    table.remove(&set(std::iter::once(900)));
    assert_eq!(held.row(700).unwrap().modseq, 1);
    assert!(held.row(900).is_some() && table.row(900).is_none());
    let shared = held
        .chunks
        .iter()
        .zip(&table.chunks)
        .filter(|(a, b)| Arc::ptr_eq(a, b));
    assert_eq!(shared.count(), 4, "one chunk is another");
    assert_eq!(table.since(1).map(|r| r.uid).collect::<Vec<_>>(), [700]);
    assert_eq!(table.fresh().map(|r| r.uid).collect::<Vec<_>>(), [700]);
}

#[test]
fn a_delivery_is_found_among_many() {
    let table = table(3 * CHUNK as u32);
    assert_eq!(table.delivered(Identity(1000)), Some(1000));
    assert_eq!(
        table.delivered(Identity(100)),
        None,
        "that name carries none"
    );
    assert_eq!(table.delivered(Identity(1 << 100)), None);
}

proptest! {
    #[test]
    fn it_holds_what_a_map_would(
        steps in proptest::collection::vec((0u8..4, 1u32..3000, 1u32..700), 1..40),
    ) {
        let mut table = Table::default();
        let mut map: BTreeMap<u32, u64> = BTreeMap::new();
        for (n, (what, from, count)) in steps.into_iter().enumerate() {
            let modseq = n as u64 + 1;
            let uids = from..from + count;
            match what {
                0 | 1 => for uid in uids {
                    let base = format!("base{uid}");
                    let row = Row {
                        uid, flags: Flags::NONE, modseq, date: None, place: 0, fresh: false, base: base.as_bytes(),
                        info: b":2,",
                    };
                    table.put(row);
                    map.insert(uid, modseq);
                },
                2 => {
                    table.remove(&set(uids.clone()));
                    map.retain(|uid, _| !uids.contains(uid));
                }
                _ => for uid in uids {
                    table.change(uid, false, b":2,S", Flags::SEEN, modseq);
                    map.entry(uid).and_modify(|m| *m = modseq);
                },
            }
        }
        prop_assert_eq!(table.len(), map.len());
        let all: BTreeMap<u32, u64> = table.rows().map(|r| (r.uid, r.modseq)).collect();
        prop_assert_eq!(&all, &map);
        prop_assert!(table.rows().map(|r| r.uid).is_sorted());
        prop_assert_eq!(table.uids().len() as usize, map.len());
        for uid in (1..3800).step_by(7) {
            prop_assert_eq!(table.row(uid).map(|r| r.modseq), map.get(&uid).copied());
        }
        let some = set(500..1500);
        let within: Vec<u32> = table.within(&some).map(|r| r.uid).collect();
        prop_assert_eq!(within, map.range(500..1500).map(|(u, _)| *u).collect::<Vec<_>>());
    }
}
