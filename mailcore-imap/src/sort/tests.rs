//! What a sort promises.

use super::*;
use proptest::prelude::*;

fn criterion(by: By) -> Criterion {
    Criterion { by, reverse: false }
}

fn message(uid: u32, header: &str) -> Message<'_> {
    Message {
        uid: Uid::new(uid).unwrap(),
        received: DateTime::utc(1_000_000 - i64::from(uid)),
        size: u64::from(uid % 3),
        header: header.as_bytes(),
    }
}

/// The numbers of these headers, from 1, in order.
fn order(by: &[Criterion], headers: &[&str]) -> Vec<u32> {
    let mut sorting = Sorting::new(by.into());
    for (uid, header) in (1..).zip(headers) {
        sorting.add(&message(uid, header));
    }
    sorting.order().into_iter().map(Uid::number).collect()
}

const HEADERS: [&str; 6] = [
    "Subject: one\r\nFrom: Bob Z <zeta@h.com>\r\nTo: B <b@c.d>\r\nCc: q@r.s\r\nDate: Mon, 1 Jan 2024 10:00:00 +0100\r\n",
    "Subject: Re: one\r\nFrom: alpha@h.com\r\nTo: \"Al\" <al@c.d>\r\nDate: Tue, 2 Jan 2024 10:00:00 +0100\r\n",
    "Subject: two\r\nFrom: =?iso-8859-1?q?=C9mile?= <emile@h.com>\r\nTo: c@c.d\r\nDate: nonsense\r\n",
    "Subject: =?koi8-r?B?8NLJ18XU?=\r\nFrom: x@h.com\r\n",
    "From: Friends: a@b, c@d;\r\nSubject: [l] TWO\r\nDate: Tue, 2 Jan 2024 11:00:00 +0300\r\n",
    "",
];

#[test]
fn each_criterion_orders_and_ties_go_by_number() {
    for (by, want) in [
        (By::Arrival, [6, 5, 4, 3, 2, 1]),
        (By::Size, [3, 6, 1, 4, 2, 5]),
        (By::Subject, [6, 1, 2, 3, 5, 4]),
        // Those without a date that can be read go by when they came, in 1970.
        (By::Date, [6, 4, 3, 1, 5, 2]),
        (By::From, [6, 2, 3, 5, 4, 1]),
        (By::DisplayFrom, [6, 2, 1, 3, 5, 4]),
        (By::To, [4, 5, 6, 2, 1, 3]),
        (By::DisplayTo, [4, 5, 6, 2, 1, 3]),
        (By::Cc, [2, 3, 4, 5, 6, 1]),
    ] {
        assert_eq!(order(&[criterion(by)], &HEADERS), want, "{by:?}");
    }
}

#[test]
fn reverse_turns_one_criterion_and_not_the_ties() {
    let reverse = |by| Criterion { by, reverse: true };
    assert_eq!(order(&[reverse(By::Subject)], &HEADERS), [4, 3, 5, 1, 2, 6]);
    let both = [criterion(By::Subject), reverse(By::Arrival)];
    assert_eq!(order(&both, &HEADERS), [6, 1, 2, 3, 5, 4]);
    let both = [reverse(By::Subject), criterion(By::Arrival)];
    assert_eq!(order(&both, &HEADERS), [4, 5, 3, 2, 1, 6]);
    let numbers = [reverse(By::Size), reverse(By::Arrival)];
    assert_eq!(order(&numbers, &HEADERS), [2, 5, 1, 4, 3, 6]);
}

#[test]
fn a_text_that_begins_another_comes_first_whatever_the_next_criterion_says() {
    let headers = ["Subject: ab\r\n", "Subject: a\r\n", "Subject: a\0\r\n"];
    let by = [criterion(By::Subject), criterion(By::Arrival)];
    assert_eq!(order(&by, &headers), [2, 3, 1]);
    let reverse = Criterion {
        by: By::Subject,
        reverse: true,
    };
    assert_eq!(
        order(&[reverse, criterion(By::Arrival)], &headers),
        [1, 3, 2]
    );
}

#[test]
fn a_broken_address_is_ordered_as_the_envelope_shows_it() {
    // Like Dovecot: MISSING_MAILBOX, and behind it what an address lacks.
    let headers = ["From: z@x\r\n", "From: <>\r\n", "From: me\r\n"];
    assert_eq!(order(&[criterion(By::From)], &headers), [3, 2, 1]);
    let shown = ["From: me@n\r\n", "From: me\r\n", "From: me@m\r\n"];
    assert_eq!(order(&[criterion(By::DisplayFrom)], &shown), [3, 2, 1]);
}

#[test]
fn only_what_is_needed_is_asked_for() {
    let needs = |by| Sorting::new([criterion(by)].into()).needs_header();
    assert!(!needs(By::Arrival) && !needs(By::Size));
    assert!(needs(By::Date) && needs(By::Cc));
}

#[test]
fn keys_that_find_no_room_are_cut_and_go_on_ordering() {
    let by = [
        Criterion {
            by: By::Subject,
            reverse: true,
        },
        criterion(By::Size),
        criterion(By::From),
    ];
    let mut sorting = Sorting::new(by.into());
    sorting.most = 60_000;
    let headers: Vec<_> = (0..3_000)
        .map(|n: u32| {
            let n = n.wrapping_mul(2_654_435_761) % 3_000;
            format!("Subject: {n:05} {}\r\nFrom: {n}@x\r\n", "x".repeat(400))
        })
        .collect();
    for (uid, header) in (1..).zip(&headers) {
        sorting.add(&message(uid, header));
    }
    assert!(sorting.longest < LONGEST);
    assert!(sorting.keys.len() < 120_000, "{}", sorting.keys.len());
    let ordered: Vec<_> = sorting
        .order()
        .into_iter()
        .map(|uid| &headers[uid.number() as usize - 1][9..14])
        .collect();
    assert_eq!(ordered.len(), 3_000);
    assert!(ordered.windows(2).all(|two| two[0] >= two[1]));
}

proptest! {
    #[test]
    fn a_sort_is_a_permutation_in_which_no_pair_is_the_wrong_way_round(
        headers in proptest::collection::vec("(Subject: (Re: )?[ab\\[\\]é]{0,3}\r\n|From: [ab]{1,2}@c\r\n|Date: [12] Jan 200[01] 10:00\r\n){0,3}", 0..20),
        by in proptest::sample::subsequence(By::NAMES.map(|(by, _)| by).to_vec(), 1..4),
        reverse: bool,
    ) {
        let by: Vec<_> = by.into_iter().map(|by| Criterion { by, reverse }).collect();
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let found = order(&by, &headers);
        let mut sorted = found.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (1..=headers.len() as u32).collect::<Vec<_>>());
        // Sorted by twos, each pair stands as it does in the whole.
        for two in found.windows(2) {
            let pair = [two[0].min(two[1]), two[0].max(two[1])];
            let mut sorting = Sorting::new(by.as_slice().into());
            for uid in pair {
                sorting.add(&message(uid, headers[uid as usize - 1]));
            }
            let alone: Vec<_> = sorting.order().into_iter().map(Uid::number).collect();
            prop_assert_eq!(&alone[..], two);
        }
    }
}
