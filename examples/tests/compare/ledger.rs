//! What was compared, and the differences: each belongs to one of the listed classes, or fails the test.

use crate::client::Value;
use crate::differences::CLASSES;
use crate::maildir::Mail;
use crate::manners::MANNERS;
use std::collections::BTreeMap;

/// Where the two said different things.
#[derive(Debug, Clone)]
pub struct Difference<'a> {
    /// The item, the search key or the order.
    pub what: &'a str,
    /// What was asked for, in full.
    pub asked: &'a str,
    pub mail: &'a Mail,
    /// The part that it is about, its MIME header in front.
    pub near: &'a [u8],
    pub theirs: Value,
    pub ours: Value,
}

/// A kind of difference that is right to be there.
pub struct Class {
    pub name: &'static str,
    /// Why, and by which words of which RFC.
    pub why: &'static str,
    pub holds: fn(&Difference<'_>) -> bool,
}

#[derive(Default)]
pub struct Ledger {
    compared: BTreeMap<String, usize>,
    listed: BTreeMap<&'static str, usize>,
    unlisted: BTreeMap<String, Vec<String>>,
}

impl Ledger {
    pub fn compared(&mut self, what: &str) {
        *self.compared.entry(what.to_owned()).or_default() += 1;
    }

    /// Something was left out of a comparison as being of that class.
    pub fn listed(&mut self, class: &'static str) {
        *self.listed.entry(class).or_default() += 1;
    }

    pub fn note(&mut self, difference: Difference<'_>) {
        match CLASSES.iter().find(|class| (class.holds)(&difference)) {
            Some(class) => *self.listed.entry(class.name).or_default() += 1,
            None => {
                let Difference {
                    what,
                    asked,
                    mail,
                    theirs,
                    ours,
                    ..
                } = &difference;
                let said = format!(
                    "{}: {asked}\n  theirs {}\n  ours   {}",
                    mail.name,
                    short(theirs, ours),
                    short(ours, theirs)
                );
                self.unlisted
                    .entry((*what).to_owned())
                    .or_default()
                    .push(said);
            }
        }
    }

    /// The figures.
    pub fn report(&self) -> String {
        let mut out = String::new();
        for (what, count) in &self.compared {
            out.push_str(&format!("{count:9} {what} compared\n"));
        }
        for (name, why) in all() {
            let count = self.listed.get(name).unwrap_or(&0);
            out.push_str(&format!("{count:9} {name}: {why}\n"));
        }
        for (what, all) in &self.unlisted {
            out.push_str(&format!("{:9} {what} DIFFERENT\n", all.len()));
        }
        out
    }

    /// Fails if there was a difference that is not listed; `whole`, if one is listed and was nowhere.
    pub fn close(self, whole: bool) {
        let report = self.report();
        eprintln!("{report}");
        for (what, all) in &self.unlisted {
            let most = std::env::var("MAILCORE_SHOW")
                .ok()
                .and_then(|n| n.parse().ok())
                .unwrap_or(5);
            for said in all.iter().take(most) {
                eprintln!("== {what}: {said}");
            }
        }
        assert!(
            self.unlisted.is_empty(),
            "Dovecot and we differ, and why is not listed"
        );
        let idle: Vec<&str> = all()
            .map(|(name, _)| name)
            .filter(|name| !self.listed.contains_key(name))
            .collect();
        assert!(
            !whole || idle.is_empty(),
            "listed, and nowhere to be seen: {idle:?}"
        );
    }
}

/// Names and reasons of all that is listed.
fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let manners = MANNERS.iter().map(|manner| (manner.name, manner.why));
    CLASSES
        .iter()
        .map(|class| (class.name, class.why))
        .chain(manners)
}

/// A value as text, from shortly before where it differs from the other.
fn short(value: &Value, other: &Value) -> String {
    let (value, other) = (format!("{value:?}"), format!("{other:?}"));
    let same = value
        .bytes()
        .zip(other.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let from = same.saturating_sub(60);
    let shown: String = value.chars().skip(from).take(260).collect();
    format!("[{} at {same}] {shown}", value.len())
}
