//! Base subjects (RFC 5256 §2.1): what is left of a subject without the marks of replies and lists. Each octet is
//! looked at a fixed number of times, however often the marks are repeated.

use super::first_field;
use mailcore_base::casemap::casemap;
use mailcore_base::message::decode_words;

/// A base subject, ready to be compared (i;unicode-casemap).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    base: String,
    answers: bool,
}

impl Subject {
    /// Of the message with this header; empty where it has no subject.
    pub fn of(header: &[u8]) -> Self {
        match first_field(header, "subject") {
            Some(value) => Self::read(&value),
            None => Self {
                base: String::new(),
                answers: false,
            },
        }
    }

    /// Of the value of a `Subject` field.
    pub fn read(value: &[u8]) -> Self {
        let text = one_line(&casemap(&decode_words(value)));
        let (base, answers) = strip(&text);
        Self {
            base: base.to_owned(),
            answers,
        }
    }

    /// The base subject.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The subject was that of a reply or of something passed on.
    pub fn answers(&self) -> bool {
        self.answers
    }
}

/// Runs of white space are single spaces (RFC 5256 §2.1 (1)).
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let blank = matches!(character, ' ' | '\t' | '\r' | '\n');
        match blank {
            true if out.ends_with(' ') => {}
            true => out.push(' '),
            false => out.push(character),
        }
    }
    out
}

/// The base of a text, and whether it was marked as a reply or as passed on. Letters are capital already.
fn strip(mut text: &str) -> (&str, bool) {
    let mut answers = false;
    loop {
        // (2) `subj-trailer`
        loop {
            if let Some(rest) = text.strip_suffix(' ') {
                text = rest;
            } else if let Some(rest) = text.strip_suffix("(FWD)") {
                (text, answers) = (rest, true);
            } else {
                break;
            }
        }
        // (3) `subj-leader`, (4) blobs, (5) again
        loop {
            text = text.trim_start_matches(' ');
            let (last, behind) = blobs(text);
            if let Some(rest) = reply(behind) {
                (text, answers) = (rest, true);
                continue;
            }
            // A blob goes only where something is left behind it.
            text = if behind.is_empty() { last } else { behind };
            break;
        }
        // (6) `subj-fwd-hdr`, `subj-fwd-trl`
        match text.strip_prefix("[FWD:").and_then(|t| t.strip_suffix(']')) {
            Some(inner) => (text, answers) = (inner, true),
            None => return (text, answers),
        }
    }
}

/// Steps over `*subj-blob`: where the last of them begins, and what is behind all.
fn blobs(text: &str) -> (&str, &str) {
    let (mut last, mut rest) = (text, text);
    while let Some(behind) = blob(rest) {
        (last, rest) = (rest, behind);
    }
    (last, rest)
}

/// What is behind `"[" *BLOBCHAR "]" *WSP`, if that is first.
fn blob(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let end = memchr::memchr2(b'[', b']', inner.as_bytes())?;
    let behind = inner.get(end..)?.strip_prefix(']')?;
    Some(behind.trim_start_matches(' '))
}

/// What is behind `("re" / ("fw" ["d"])) *WSP [subj-blob] ":"`, if that is first.
fn reply(text: &str) -> Option<&str> {
    let rest = match text.strip_prefix("RE") {
        Some(rest) => rest,
        None => {
            let rest = text.strip_prefix("FW")?;
            rest.strip_prefix('D').unwrap_or(rest)
        }
    };
    let rest = rest.trim_start_matches(' ');
    let rest = blob(rest).unwrap_or(rest);
    rest.strip_prefix(':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> (String, bool) {
        let subject = Subject::read(text.as_bytes());
        (subject.base, subject.answers)
    }

    #[test]
    fn marks_of_replies_and_lists_are_no_part_of_a_subject() {
        for (text, base, answers) in [
            ("", "", false),
            ("Hello  there", "HELLO THERE", false),
            ("Re: hello", "HELLO", true),
            ("re:RE : Fwd: fw[3]: hello", "HELLO", true),
            ("[list] hello", "HELLO", false),
            ("[list]", "[LIST]", false),
            ("[a] [b]", "[B]", false),
            ("[a] Re: [b] hello", "HELLO", true),
            ("hello (fwd) (FWD)  ", "HELLO", true),
            ("[Fwd: hello]", "HELLO", true),
            ("[Fwd: Re: [list] hello (fwd)]", "HELLO", true),
            ("[fwd: [fwd: x]]", "X", true),
            ("Re:", "", true),
            ("Reply", "REPLY", false),
            ("Re[2] hello", "RE[2] HELLO", false),
            ("[open hello", "[OPEN HELLO", false),
            ("hello [x]", "HELLO [X]", false),
            ("=?utf-8?q?Re=3A_caf=C3=A9?=", "CAFE\u{301}", true),
            (
                "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=",
                "\u{65e5}\u{672c}",
                false,
            ),
            ("\tRe:\t x\t\ty ", "X Y", true),
        ] {
            assert_eq!(read(text), (base.to_string(), answers), "{text:?}");
        }
    }

    #[test]
    fn what_is_repeated_without_end_is_read_once() {
        // Each of these would take time with the square of its length if a step looked again at what another had
        // seen.
        for text in [
            "Re: ".repeat(16_000),
            "[a]".repeat(20_000),
            format!("{}[", "[a]".repeat(20_000)),
            "[Fwd: ".repeat(10_000),
            format!("{}{}", "[Fwd: ".repeat(5_000), "]".repeat(5_000)),
            "(fwd)".repeat(12_000),
            "Re [".repeat(15_000),
            " ".repeat(60_000),
        ] {
            let subject = Subject::read(text.as_bytes());
            assert!(subject.base().len() <= text.len(), "{}", &text[..8]);
        }
    }

    proptest! {
        #[test]
        fn a_base_subject_is_its_own_base(text in "(Re: |fwd|\\[|\\]|:| |a|é|\\(fwd\\)|\\[Fwd: ){0,12}") {
            let (base, _) = read(&text);
            prop_assert_eq!(read(&base).0, base);
        }
    }
}
