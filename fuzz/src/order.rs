//! Orders and threads: every message once, whatever its header says; what is told is what was told of the same
//! messages before; a base subject has no further base.

use crate::Choices;
use mailcore_base::date::DateTime;
use mailcore_base::mailbox::Uid;
use mailcore_imap::sort::{By, Criterion, Message, Sorting, Subject};
use mailcore_imap::thread::{Algorithm, Threading, Threads};
use std::hash::{BuildHasherDefault, DefaultHasher};

const BY: [By; 9] = [
    By::Arrival,
    By::Cc,
    By::Date,
    By::From,
    By::Size,
    By::Subject,
    By::To,
    By::DisplayFrom,
    By::DisplayTo,
];
const ALGORITHMS: [Algorithm; 3] = [
    Algorithm::OrderedSubject,
    Algorithm::References,
    Algorithm::Refs,
];

/// The input is headers, parted by empty lines; its last octets say by what they are ordered.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let order: Vec<Criterion> = (0..=choices.below(3))
        .map(|_| Criterion {
            by: BY[choices.below(BY.len())],
            reverse: choices.below(2) == 1,
        })
        .collect();
    let headers = headers(choices.rest());
    let messages: Vec<Message<'_>> = (1..)
        .zip(&headers)
        .filter_map(|(n, header)| {
            Some(Message {
                uid: Uid::new(n)?,
                received: DateTime::utc(i64::from(n % 7)),
                size: header.len() as u64,
                header,
            })
        })
        .collect();
    ordered(&order, &messages);
    for by in ALGORITHMS {
        threaded(by, &messages);
    }
    for message in &messages {
        let subject = Subject::of(message.header);
        let again = Subject::read(subject.base().as_bytes());
        // Not so of what may be an encoded word by now, nor of characters that come apart into small letters.
        let plain = subject.base().is_ascii() && !subject.base().contains("=?");
        assert!(!plain || again.base() == subject.base());
    }
}

fn headers(input: &[u8]) -> Vec<Vec<u8>> {
    let mut headers = vec![Vec::new()];
    for line in input.split_inclusive(|b| *b == b'\n') {
        match headers.last_mut() {
            Some(header) if line != b"\n" => header.extend_from_slice(line),
            _ => headers.push(Vec::new()),
        }
    }
    headers
}

fn ordered(order: &[Criterion], messages: &[Message<'_>]) {
    let uids = |messages: &mut dyn Iterator<Item = &Message<'_>>| {
        let mut sorting = Sorting::new(order.into());
        messages.for_each(|message| sorting.add(message));
        sorting.order()
    };
    let found = uids(&mut messages.iter());
    assert_eq!(uids(&mut messages.iter().rev()), found);
    let mut each = found.clone();
    each.sort_unstable();
    assert!(each.iter().eq(messages.iter().map(|m| &m.uid)));
    // What is left out leaves the others as they were.
    let half = uids(&mut messages.iter().step_by(2));
    assert!(
        found
            .iter()
            .filter(|uid| uid.number() % 2 == 1)
            .eq(half.iter())
    );
}

fn threaded(by: Algorithm, messages: &[Message<'_>]) {
    let threads = |messages: &[Message<'_>]| -> Threads {
        let hasher = BuildHasherDefault::<DefaultHasher>::default;
        let mut threading = Threading::new(by, [hasher(), hasher()]);
        messages.iter().for_each(|message| threading.add(message));
        threading.threads()
    };
    let found = threads(messages);
    assert_eq!(threads(messages), found);
    let mut seen = Vec::new();
    // How many siblings are still to come on each level.
    let mut open: Vec<u32> = Vec::new();
    for told in (0..found.len()).filter_map(|place| found.get(place)) {
        while open.last() == Some(&0) {
            open.pop();
        }
        assert!(
            told.uid.is_some() || open.is_empty() && told.children > 1,
            "a place for nobody"
        );
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        seen.extend(told.uid);
        open.push(told.children);
    }
    assert!(open.iter().all(|left| *left == 0), "children are missing");
    seen.sort_unstable();
    assert!(seen.iter().eq(messages.iter().map(|m| &m.uid)));
}
