//! What threads promise. The first mailbox and its answers are a real Dovecot's.

use super::*;
use mailcore_base::date::DateTime;
use proptest::prelude::*;
use std::hash::{BuildHasherDefault, DefaultHasher};

type Hasher = BuildHasherDefault<DefaultHasher>;

fn threading(by: Algorithm) -> Threading<Hasher> {
    Threading::new(by, [Hasher::default(), Hasher::default()])
}

fn threads<'h>(by: Algorithm, headers: impl IntoIterator<Item = &'h str>) -> Threads {
    let mut threading = threading(by);
    for (n, header) in (1..).zip(headers) {
        threading.add(&Message {
            uid: Uid::new(n).unwrap(),
            received: DateTime::utc(1_700_000_000 - i64::from(n)),
            size: 0,
            header: header.as_bytes(),
        });
    }
    threading.threads()
}

/// As IMAP writes them, every child in parentheses of its own.
fn shown(threads: &Threads) -> String {
    fn one(threads: &Threads, place: &mut usize, out: &mut String) {
        let told = threads.get(*place).unwrap();
        *place += 1;
        out.push('(');
        if let Some(uid) = told.uid {
            out.push_str(&uid.to_string());
        }
        for _ in 0..told.children {
            one(threads, place, out);
        }
        out.push(')');
    }
    let (mut place, mut out) = (0, String::new());
    while place < threads.len() {
        one(threads, &mut place, &mut out);
    }
    out
}

const MAILBOX: [&str; 11] = [
    "Subject: one\r\nDate: 1 Jan 2024 10:00:00 +0100\r\nMessage-ID: <m1@x>\r\n",
    "Subject: Re: one\r\nDate: 2 Jan 2024 10:00:00 +0100\r\nMessage-ID: <m2@x>\r\nIn-Reply-To: <m1@x>\r\n",
    "Subject: two\r\nDate: 3 Jan 2024 10:00:00 +0100\r\nMessage-ID: <m3@x>\r\n",
    "Subject: Re: one\r\nDate: 4 Jan 2024 10:00:00 +0100\r\nMessage-ID: <m4@x>\r\nReferences: <m1@x> <m2@x>\r\n",
    "Subject: RE: [list] one\r\nDate: 5 Jan 2024 10:00:00 +0100\r\nMessage-ID: <m5@x>\r\nReferences: <m1@x>\r\n",
    "Subject: lost a\r\nDate: 5 Jan 2024 10:00:00 +0100\r\nMessage-ID: <m6@x>\r\nReferences: <gone@x>\r\n",
    "Subject: lost b\r\nDate: 5 Jan 2024 11:00:00 +0100\r\nMessage-ID: <m7@x>\r\nReferences: <gone@x>\r\n",
    "Subject: two\r\nDate: 6 Jan 2024 11:00:00 +0100\r\nMessage-ID: <m8@x>\r\n",
    "Subject: re: two\r\nDate: 6 Jan 2024 12:00:00 +0100\r\nMessage-ID: <m9@x>\r\n",
    "Subject: Re: zwei\r\nDate: 6 Jan 2024 12:00:00 +0100\r\nMessage-ID: <m10@x>\r\n",
    "Subject: zwei\r\nDate: 6 Jan 2024 13:00:00 +0100\r\nMessage-ID: <m11@x>\r\n",
];

#[test]
fn threads_are_those_of_dovecot() {
    for (by, want) in [
        (
            Algorithm::OrderedSubject,
            "(1(2)(4)(5))(3(8)(9))(6)(7)(10(11))",
        ),
        (
            Algorithm::References,
            "(1(2(4))(5))((3)(8)(9))((6)(7))(11(10))",
        ),
        (Algorithm::Refs, "(3)(1(2(4))(5))((6)(7))(8)(9)(10)(11)"),
    ] {
        assert_eq!(shown(&threads(by, MAILBOX)), want, "{by:?}");
    }
    for (_, by) in [(0, Algorithm::Refs), (1, Algorithm::References)] {
        assert!(threads(by, []).is_empty());
    }
}

/// Messages of which each is `id: references`, at ascending dates and with a subject each.
fn referring(messages: &[&str]) -> String {
    let headers: Vec<String> = (0..)
        .zip(messages)
        .map(|(n, text)| {
            let (id, references) = text.split_once(':').unwrap();
            let references: String = references.split(' ').map(|r| format!("<{r}@x> ")).collect();
            format!(
                "Subject: {n}\r\nDate: 1 Jan 2024 {:02}:{:02} +0000\r\nMessage-ID: <{id}@x>\r\nReferences: {references}\r\n",
                n / 60,
                n % 60
            )
        })
        .collect();
    shown(&threads(
        Algorithm::References,
        headers.iter().map(String::as_str),
    ))
}

#[test]
fn what_is_not_there_gives_its_place_to_its_children() {
    // At the top only where it has one; below, always.
    assert_eq!(referring(&["a:gone"]), "(1)");
    assert_eq!(referring(&["a:gone", "b:gone"]), "((1)(2))");
    assert_eq!(referring(&["a:", "b:a gone", "c:a gone"]), "(1(2)(3))");
    assert_eq!(referring(&["a:x y z", "b:x y z"]), "((1)(2))");
    assert_eq!(referring(&["a:x y", "b:x z", "c:x"]), "((1)(2)(3))");
    assert_eq!(referring(&["a:x y", "b:a x"]), "((1)(2))");
}

#[test]
fn what_a_message_says_of_itself_stands_from_then_on_and_what_others_say_where_it_has_no_place() {
    // Another's references put c below b; its own put it below a.
    assert_eq!(referring(&["a:", "b:", "c:a", "d:a b c"]), "(1(2)(3(4)))");
    assert_eq!(referring(&["d:a b c", "c:a", "a:"]), "(3(2(1)))");
    // Whoever says nothing answers nothing, until a later message says that it does (RFC 5256 §3 (1)(B)).
    assert_eq!(referring(&["d:a b c", "c:a", "b:", "a:"]), "(3)(4(2(1)))");
    assert_eq!(referring(&["b:", "d:a b c", "c:a", "a:"]), "(4(1)(3(2)))");
    // Nor does whoever names itself last, or what is below it.
    assert_eq!(referring(&["d:a b", "b:a b", "a:"]), "(2(1))(3)");
    assert_eq!(referring(&["d:a b", "b:a d", "a:"]), "(2(1))(3)");
}

#[test]
fn of_threads_as_late_as_each_other_refs_tells_those_first_that_have_lost_their_first_message() {
    let headers = ["", "<gone@x>", "", "<lost@x>", "<lost@x>"].map(|references| {
        format!("Date: 1 Jan 2024 10:00:00 +0000\r\nReferences: {references}\r\n")
    });
    let found = threads(Algorithm::Refs, headers.iter().map(String::as_str));
    assert_eq!(shown(&found), "(2)((4)(5))(1)(3)");
}

#[test]
fn references_that_go_in_circles_make_no_circles() {
    assert_eq!(referring(&["a:a"]), "(1)");
    assert_eq!(referring(&["a:b", "b:a"]), "(2(1))");
    assert_eq!(referring(&["a:b", "b:c", "c:a"]), "(3(2(1)))");
    assert_eq!(referring(&["a:x y", "b:y x"]), "((1)(2))");
    assert_eq!(referring(&["a:b b b a a"]), "(1)");
}

#[test]
fn a_second_message_of_the_same_id_is_a_message_of_its_own() {
    assert_eq!(referring(&["a:", "a:", "b:a"]), "(1(3))(2)");
    let none = "Subject: x\r\n";
    let by = Algorithm::Refs;
    assert_eq!(shown(&threads(by, [none, none])), "(2)(1)");
}

#[test]
fn a_thread_however_deep_takes_no_depth_of_ours() {
    const MANY: u32 = 200_000;
    let mut threading = threading(Algorithm::References);
    for n in 1..=MANY {
        let (id, before) = (n, n - 1);
        let header = format!(
            "Message-ID: <{id}@x>\r\nReferences: <0@x> <{before}@x>\r\nDate: 1 Jan 2024 10:00:00 +0000\r\n"
        );
        threading.add(&Message {
            uid: Uid::new(n).unwrap(),
            received: DateTime::utc(0),
            size: 0,
            header: header.as_bytes(),
        });
    }
    let threads = threading.threads();
    assert_eq!(threads.len(), MANY as usize);
    for (place, uid) in [(0, 1), (1, 2), (199_999, MANY)] {
        let told = threads.get(place).unwrap();
        assert_eq!(told.uid, Uid::new(uid));
        assert_eq!(told.children, u32::from(uid < MANY));
    }
}

#[test]
fn links_that_are_made_and_broken_at_the_end_of_a_deep_thread_take_no_depth_either() {
    const DEEP: u32 = 50_000;
    let mut threading = threading(Algorithm::References);
    for n in 1..=3 * DEEP {
        let references = match n {
            // A thread of that depth,
            1..=DEEP => format!("<{}@x>", n - 1),
            // and threads of two that others put below its end, which they leave again.
            _ if n <= 2 * DEEP => format!("<a{n}@x> <b{n}@x> <{DEEP}@x> <a{n}@x>"),
            _ => String::new(),
        };
        let id = match n {
            1..=DEEP => n.to_string(),
            _ if n <= 2 * DEEP => format!("c{n}"),
            _ => format!("a{}", n - DEEP),
        };
        let header =
            format!("Message-ID: <{id}@x>\r\nReferences: {references}\r\nSubject: {n}\r\n");
        threading.add(&Message {
            uid: Uid::new(n).unwrap(),
            received: DateTime::utc(n.into()),
            size: 0,
            header: header.as_bytes(),
        });
    }
    let threads = threading.threads();
    let tops =
        (0..threads.len()).filter(|at| *at == 0 || threads.get(at - 1).unwrap().children == 0);
    assert_eq!(tops.count(), 1 + DEEP as usize);
}

#[test]
fn a_message_of_a_hundred_thousand_references_is_threaded_like_another() {
    let mut references = String::new();
    for n in 0..100_000 {
        references.push_str(&format!("<{n}>"));
        if n % 2 == 0 {
            references.push_str("<a@b>\r\n ");
        }
    }
    let header = format!("Message-ID: <c@d>\r\nReferences: {references}\r\n");
    let first = "Message-ID: <a@b>\r\n";
    let found = threads(Algorithm::Refs, [first, &header]);
    assert_eq!(shown(&found), "(1(2))");
}

/// Every message of `threads`, none of them a place without two children or below another message's place.
fn check(threads: &Threads, count: usize) -> Result<(), TestCaseError> {
    let mut uids = Vec::new();
    let mut open: Vec<u32> = Vec::new();
    for place in 0..threads.len() {
        let told = threads.get(place).unwrap();
        while open.last() == Some(&0) {
            open.pop();
        }
        let top = open.is_empty();
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        match told.uid {
            Some(uid) => uids.push(uid.number()),
            None => prop_assert!(top && told.children >= 2),
        }
        open.push(told.children);
    }
    prop_assert!(open.iter().all(|left| *left == 0));
    uids.sort_unstable();
    prop_assert_eq!(uids, (1..=count as u32).collect::<Vec<_>>());
    Ok(())
}

proptest! {
    #[test]
    fn threads_hold_each_message_once(
        headers in proptest::collection::vec("(Message-ID: <[a-f]@x>\r\n)?(References: (<[a-h]@x> ?){0,4}\r\n)?(Subject: (Re: )?[ab]?\r\n)?(Date: [1-9] Jan 2001 10:00\r\n)?", 0..24),
    ) {
        for (by, _) in Algorithm::NAMES {
            check(&threads(by, headers.iter().map(String::as_str)), headers.len())?;
        }
    }

    #[test]
    fn where_nobody_contradicts_threads_do_not_hang_on_the_order_of_the_mailbox(
        parents in proptest::collection::vec(any::<prop::sample::Index>(), 1..12),
    ) {
        // A tree in which each message names all that it goes back to.
        let chains: Vec<Vec<usize>> = parents.iter().enumerate().fold(Vec::new(), |mut chains, (n, parent)| {
            let mut chain = match n {
                0 => Vec::new(),
                _ => chains[parent.index(n)].clone(),
            };
            chain.push(n);
            chains.push(chain);
            chains
        });
        let headers: Vec<String> = chains.iter().map(|chain| {
            let ids: Vec<String> = chain.iter().map(|n| format!("<{n}@x>")).collect();
            let (own, references) = ids.split_last().unwrap();
            format!("Date: 1 Jan 2024 10:{:02} +0000\r\nMessage-ID: {own}\r\nReferences: {}\r\n", chain.last().unwrap(), references.join(" "))
        }).collect();
        let straight = shown(&threads(Algorithm::Refs, headers.iter().map(String::as_str)));
        let count = headers.len();
        let turned_round = threads(Algorithm::Refs, headers.iter().rev().map(String::as_str));
        // The same with numbers from the other end.
        let mut named = String::new();
        for part in shown(&turned_round).split_inclusive(['(', ')']) {
            let (number, mark) = part.split_at(part.len() - 1);
            if let Ok(number) = number.parse::<usize>() {
                named.push_str(&(count + 1 - number).to_string());
            }
            named.push_str(mark);
        }
        prop_assert_eq!(straight, named);
    }
}
