//! Header fields as good and bad programs write them, one line end `\n` within and behind each.

use crate::chance::Chance;
use crate::phrases::{FOREIGN, encoded_word, words};

const NAMES: [&str; 12] = [
    "Alice",
    "Bob Baker",
    "\"Carol C. Clark\"",
    "\"Dave \\\"the\\\" Duke\"",
    "J. R. Tolkien",
    "\"\"",
    "Zoe (home)",
    "\"Last, First\"",
    "O'Brien",
    "\"tab\there\"",
    "lower case",
    "\"semi; colon: x\"",
];
const LOCALS: [&str; 12] = [
    "alice",
    "bob",
    "carol.clark",
    "\"quoted local\"",
    "UPPER",
    "a+b",
    "x.y.z",
    "\"a\\\"b\"",
    "zoe",
    "d..d",
    "e.",
    "1234",
];
const DOMAINS: [&str; 8] = [
    "example.test",
    "client.test",
    "[192.0.2.1]",
    "Sub.Example.TEST",
    "xn--bcher-kva.test",
    "example. test",
    "localhost",
    "a.b.c.d.test",
];
/// Address fields that are broken, or look it.
const ODD: [&str; 26] = [
    "",
    " ",
    ",",
    "undisclosed-recipients:;",
    "Group: a@x.test, B <b@x.test>;",
    "Group: a@x.test",
    "Empty:;, c@x.test",
    "a@x.test,",
    "a@x.test,,b@x.test",
    "<>",
    "<@route.test,@second.test:a@x.test>",
    "Name <a@x.test",
    "Name a@x.test>",
    "\"unclosed <a@x.test>",
    "just words here",
    "a@",
    "@x.test",
    "a b@x.test",
    "a@x.test (A Comment)",
    "(only a comment)",
    "Name <a@x.test> trailing",
    "a@x.test; b@x.test",
    "Name (nested (comment)) <a@x.test>",
    "<a@x.test> <b@x.test>",
    "Group: Inner: a@x.test;;",
    "a@[1.2.3",
];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const ZONES: [&str; 16] = [
    "+0000",
    "+0200",
    "-0500",
    "+0530",
    "GMT",
    "EST",
    "EDT",
    "PST",
    "UT",
    "Z",
    "-0000",
    "+1400",
    "(CEST)",
    "+0100 (CET)",
    "A",
    "CEST",
];
const ODD_DATES: [&str; 20] = [
    "",
    "yesterday",
    "Mon Sep 14 10:11:12 2020",
    "14 Sep 2020",
    "Mon, 14 Sep 2020",
    "14 Sep 20 10:11 GMT",
    "14 Sep 99 10:11:12 +0000",
    "Mon, 31 Feb 2020 10:11:12 +0000",
    "Mon, 14 September 2020 10:11:12 +0000",
    "14-Sep-2020 10:11:12 +0000",
    "2020-09-14T10:11:12Z",
    "Mon, 14 sep 2020 10:11:12 +0000",
    "Mon, 14 Sep 2020 25:00:00 +0000",
    "Mon, 14 Sep 2020 10:11:60 +0000",
    "Mon, 14 Sep 1969 10:11:12 +0000",
    "Thu,\n    13\n      Feb\n        1969\n    23:32\n             -0330 (Newfoundland Time)",
    "Thu, 19 Sep 91 12:41:43 EDT",
    "Mon, 14 Sep 2040 10:11:12 +0000",
    "(comment) Mon, 14 Sep 2020 (c) 10:11:12 +0000",
    "Mon, 14 Sep 102 10:11:12 +0000",
];

/// How often something odd stands in the place of the usual: once in so many times.
const ODDLY: usize = 12;

pub fn address(chance: &mut Chance) -> String {
    let spec = format!("{}@{}", chance.text(&LOCALS), chance.text(&DOMAINS));
    match chance.below(8) {
        0 => spec,
        1 => format!("<{spec}>"),
        2 => format!("{} <{spec}>", encoded_word(chance)),
        3 => format!(
            "{}\n {} <{spec}>",
            encoded_word(chance),
            encoded_word(chance)
        ),
        4 => format!("{spec} ({})", words(chance, 1, 2)),
        _ => format!("{} <{spec}>", chance.text(&NAMES)),
    }
}

/// A list of addresses.
pub fn addresses(chance: &mut Chance) -> Vec<u8> {
    if chance.once_in(ODDLY) {
        return chance.text(&ODD).as_bytes().to_vec();
    }
    if chance.once_in(40) {
        // Octets that nothing explains.
        let (_, _, octets) = *chance.of(&FOREIGN);
        return [octets, b" <raw@example.test>"].concat();
    }
    let count = if chance.once_in(20) {
        chance.within(5, 40)
    } else {
        chance.within(1, 3)
    };
    let list: Vec<String> = (0..count).map(|_| address(chance)).collect();
    let between = chance.text(&[", ", ",\n ", ",\n\t", ","]);
    let list = list.join(between);
    match chance.below(15) {
        0 => format!("{}: {list};", chance.text(&["Team", "\"The Team\"", "A B"])).into_bytes(),
        1 => format!("first@x.test, Friends: {list};, last@x.test").into_bytes(),
        _ => list.into_bytes(),
    }
}

pub fn subject(chance: &mut Chance) -> Vec<u8> {
    let base = match chance.below(10) {
        0 => encoded_word(chance),
        1 => format!("{} {}", encoded_word(chance), encoded_word(chance)),
        2 => format!("{} {}", words(chance, 1, 2), encoded_word(chance)),
        3 => format!("{}\n {}", encoded_word(chance), encoded_word(chance)),
        4 => format!("{}\n\t{}", words(chance, 3, 12), words(chance, 3, 12)),
        5 if chance.once_in(3) => String::new(),
        6 if chance.once_in(3) => format!("  {}  {} ", words(chance, 1, 1), words(chance, 1, 1)),
        7 if chance.once_in(3) => "\"quoted\" \\ back".to_owned(),
        // The three octets of one character in two words.
        8 if chance.once_in(2) => "=?utf-8?B?5pel5pw=?= =?utf-8?B?rOiqng==?=".to_owned(),
        _ => words(chance, 1, 4),
    };
    if chance.once_in(40) {
        let (_, _, octets) = *chance.of(&FOREIGN);
        return [b"raw ".as_slice(), octets].concat();
    }
    let before = chance.text(&[
        "",
        "",
        "",
        "Re: ",
        "RE: re: ",
        "Fwd: ",
        "fw: ",
        "[list] ",
        "Re: [list] ",
        "[a] [b] re: ",
        "Re[2]: ",
        "re [x]: ",
        "[fwd: ",
    ]);
    let behind = match before {
        "[fwd: " => "]",
        _ => chance.text(&["", "", "", "", " (fwd)", " (FWD) (fwd)", " "]),
    };
    format!("{before}{base}{behind}").into_bytes()
}

pub fn date(chance: &mut Chance) -> String {
    if chance.once_in(ODDLY) {
        return chance.text(&ODD_DATES).to_owned();
    }
    let day = chance.within(1, 28);
    let month = chance.text(&MONTHS);
    let year = chance.within(2018, 2026);
    let (hour, minute, second) = (chance.below(24), chance.below(60), chance.below(60));
    let zone = chance.text(&ZONES);
    let before = chance.text(&["Mon, ", "Tue, ", "", "Sun,", "Fri , "]);
    match chance.below(10) {
        0 => format!("{before}{day} {month} {year} {hour:02}:{minute:02} {zone}"),
        1 => format!("{before}{day:02} {month} {year} {hour:02}:{minute:02}:{second:02}"),
        _ => format!("{before}{day:2} {month} {year} {hour:02}:{minute:02}:{second:02} {zone}"),
    }
}

/// The id of the message with that number.
pub fn id(number: usize) -> String {
    match number % 17 {
        0 => format!("<\"q {number}\"@id.test>"),
        1 => format!("<{number}@[192.0.2.7]>"),
        _ => format!("<{number}.m@id.test>"),
    }
}

/// `Message-ID`, `In-Reply-To` and `References` of the message with that number: threads of several shapes.
pub fn threading(chance: &mut Chance, number: usize, out: &mut Vec<(&'static str, Vec<u8>)>) {
    let mut put = |name, value: String| out.push((name, value.into_bytes()));
    match chance.below(20) {
        0 => {}
        1 => put("Message-ID", format!(" {} (comment)", id(number))),
        2 if number > 3 => put("Message-Id", id(number - 3)),
        3 => put("message-id", format!("{number}.bare@id.test")),
        4 if chance.once_in(3) => put("Message-ID", format!("<{number} .m@ id.test>")),
        _ => put("Message-ID", id(number)),
    }
    if number < 20 || chance.once_in(3) {
        return;
    }
    let near = |chance: &mut Chance| number - chance.within(1, 19);
    match chance.below(9) {
        0 => put("In-Reply-To", id(near(chance))),
        1 => put(
            "In-Reply-To",
            format!("Your message of today. {}", id(near(chance))),
        ),
        2 => put("In-Reply-To", "no id in here".to_owned()),
        3 => {
            // A chain, folded.
            let count = chance.within(1, 12);
            let mut numbers: Vec<usize> = (0..count).map(|_| near(chance)).collect();
            numbers.sort_unstable();
            numbers.dedup();
            let ids: Vec<String> = numbers.into_iter().map(id).collect();
            put(
                "References",
                ids.join(chance.text(&[" ", "\n ", "\n\t", ""])),
            );
        }
        4 => {
            // To messages that nobody has.
            put(
                "References",
                format!("<gone{}@id.test> <gone{}@id.test>", number / 10, number / 5),
            );
        }
        5 => put("References", format!("{} {}", id(number), id(near(chance)))),
        6 => {
            put(
                "References",
                format!("{} <broken {}", id(near(chance)), id(near(chance))),
            );
            put("In-Reply-To", id(near(chance)));
        }
        7 => put(
            "References",
            format!("{} {}", id(near(chance)), id(near(chance))),
        ),
        _ => {
            let above = near(chance);
            put(
                "References",
                format!("<root{}@id.test> {}", number / 30, id(above)),
            );
            put("In-Reply-To", id(above));
        }
    }
}
