//! Entries of a zone file into records.

use super::spelling::nearest;
use super::token::{Entry, Token, entries};
use super::{Data, Kind, Owner, Record, Zone};
use crate::dns::{DnsError, Exchange, Tlsa, can_be_asked, plain};
use std::str::FromStr;
use std::time::Duration;

/// Types, and the two words of ours that stand in their place.
const TYPES: &[&str] = &[
    "A", "AAAA", "CNAME", "MX", "NS", "PTR", "TLSA", "TXT", "FAIL", "PORT",
];
const DIRECTIVES: &[&str] = &["$ORIGIN", "$TTL", "$DNSSEC"];
const FAILURES: &[&str] = &["SERVFAIL", "TIMEOUT", "REFUSED", "BOGUS"];

/// What holds from one entry to the next.
struct Reading {
    zone: Zone,
    /// What relative names are relative to; empty for the root.
    origin: String,
    owner: Option<String>,
    ttl: Duration,
    vouched: bool,
}

/// Reads a zone; an error comes with the number of its line.
pub(super) fn parse(text: &str) -> Result<Zone, (usize, String)> {
    let mut reading = Reading {
        zone: Zone::default(),
        origin: String::new(),
        owner: None,
        ttl: Duration::from_secs(3600),
        vouched: false,
    };
    for entry in entries(text)? {
        reading.take(&entry).map_err(|what| (entry.line, what))?;
    }
    Ok(reading.zone)
}

impl Reading {
    fn take(&mut self, entry: &Entry) -> Result<(), String> {
        let mut words = Words(entry.tokens.iter());
        match entry.tokens.first().and_then(Token::text) {
            Some(first) if first.starts_with('$') => {
                words.next("a directive")?;
                self.directive(first, &mut words)?;
            }
            _ => self.record(entry.indented, &mut words)?,
        }
        match words.0.next() {
            Some(_) => Err("more words than belong here".to_owned()),
            None => Ok(()),
        }
    }

    fn directive(&mut self, word: &str, words: &mut Words<'_>) -> Result<(), String> {
        match word.to_ascii_uppercase().as_str() {
            "$ORIGIN" => self.origin = self.name(words.next("a name")?)?,
            "$TTL" => {
                let text = words.next("a time")?;
                self.ttl = time(text).ok_or_else(|| format!("not a time: {text}"))?;
            }
            "$DNSSEC" => {
                self.vouched = match words.next("on or off")? {
                    "on" => true,
                    "off" => false,
                    other => return Err(format!("neither on nor off: {other}")),
                }
            }
            _ => return Err(unknown("directive", word, DIRECTIVES)),
        }
        Ok(())
    }

    /// `[owner] [ttl] [class] type data`, ttl and class in any order (RFC 1035 §5.1).
    fn record(&mut self, indented: bool, words: &mut Words<'_>) -> Result<(), String> {
        if !indented {
            let name = self.name(words.next("a name")?)?;
            if name.split('.').any(|label| label == "*") {
                return Err("a fixed zone has no wildcards".to_owned());
            }
            self.owner = Some(name);
        }
        let owner = self.owner.clone();
        let owner = owner.ok_or("the first record has no name before it to go with")?;
        let mut ttl = self.ttl;
        let kind = loop {
            let word = words.next("a record type")?;
            match time(word) {
                Some(given) => ttl = given,
                None if word.eq_ignore_ascii_case("IN") => {}
                None => break word.to_ascii_uppercase(),
            }
        };
        let data = match kind.as_str() {
            "FAIL" => return self.fail(&owner, words),
            "PORT" => return self.port(&owner, words),
            "CNAME" => return self.alias(&owner, words),
            "A" => Data::A(value(words, "an IPv4 address")?),
            "AAAA" => Data::Aaaa(value(words, "an IPv6 address")?),
            "MX" => Data::Mx(Exchange {
                preference: value(words, "a preference of 0 to 65535")?,
                host: self.name(words.next("a host")?)?,
            }),
            "NS" => Data::Ns(self.name(words.next("a host")?)?),
            "PTR" => Data::Ptr(self.name(words.next("a name")?)?),
            "TLSA" => Data::Tlsa(tlsa(words)?),
            "TXT" => Data::Txt(txt(words)?),
            _ => return Err(unknown("record type", &kind, TYPES)),
        };
        let vouched = self.vouched;
        let place = self.place(&owner);
        if place.alias.is_some() {
            return Err(format!(
                "{owner} is an alias (CNAME) and can have no other record"
            ));
        }
        place.records.push(Record { data, ttl, vouched });
        Ok(())
    }

    /// `FAIL how [type]`: look-ups of the name, or only those of the type, fail.
    fn fail(&mut self, owner: &str, words: &mut Words<'_>) -> Result<(), String> {
        let how = words.next("a failure")?;
        let error = match how.to_ascii_uppercase().as_str() {
            "SERVFAIL" => DnsError::Failed("server failure".to_owned()),
            "REFUSED" => DnsError::Failed("query refused".to_owned()),
            "TIMEOUT" => DnsError::TimedOut,
            "BOGUS" => DnsError::Bogus,
            _ => return Err(unknown("failure", how, FAILURES)),
        };
        let only = match words.0.next().and_then(Token::text) {
            Some(kind) => {
                let known = Kind::parse(kind);
                Some(known.ok_or_else(|| unknown("record type", kind, TYPES))?)
            }
            None => None,
        };
        self.place(owner).failures.push((only, error));
        Ok(())
    }

    fn port(&mut self, owner: &str, words: &mut Words<'_>) -> Result<(), String> {
        let port: std::num::NonZeroU16 = value(words, "a port of 1 to 65535")?;
        self.place(owner).port = Some(port.get());
        Ok(())
    }

    fn alias(&mut self, owner: &str, words: &mut Words<'_>) -> Result<(), String> {
        let target = self.name(words.next("a name")?)?;
        let vouched = self.vouched;
        let place = self.place(owner);
        if place.alias.is_some() || !place.records.is_empty() {
            return Err(format!(
                "{owner} has a record already and cannot be an alias (CNAME)"
            ));
        }
        place.alias = Some((target, vouched));
        Ok(())
    }

    fn place(&mut self, owner: &str) -> &mut Owner {
        let mut above = owner;
        // The names above are there too, without records of their own (RFC 8020).
        while let Some((_, parent)) = above.split_once('.') {
            self.zone.owners.entry(parent.to_owned()).or_default();
            above = parent;
        }
        self.zone.owners.entry(owner.to_owned()).or_default()
    }

    /// A name made absolute: as it is with a dot at the end, under the origin without.
    fn name(&self, text: &str) -> Result<String, String> {
        let name = match (text, self.origin.as_str()) {
            ("@", origin) => origin.to_owned(),
            (".", _) => return Ok(String::new()),
            (absolute, _) if absolute.ends_with('.') => plain(absolute),
            (relative, "") => plain(relative),
            (relative, origin) => format!("{}.{origin}", plain(relative)),
        };
        match can_be_asked(&name) {
            true => Ok(name),
            false => Err(format!("not a name: {text}")),
        }
    }
}

/// The words of an entry that are still to be read.
struct Words<'e>(std::slice::Iter<'e, Token>);

impl<'e> Words<'e> {
    fn next(&mut self, wanted: &str) -> Result<&'e str, String> {
        let token = self
            .0
            .next()
            .ok_or_else(|| format!("{wanted} is missing"))?;
        token.text().ok_or_else(|| format!("not {wanted}"))
    }
}

fn value<T: FromStr>(words: &mut Words<'_>, wanted: &str) -> Result<T, String> {
    let text = words.next(wanted)?;
    text.parse().map_err(|_| format!("not {wanted}: {text}"))
}

fn txt(words: &mut Words<'_>) -> Result<Vec<u8>, String> {
    let strings: Vec<&Token> = words.0.by_ref().collect();
    if strings.is_empty() {
        return Err("a text is missing".to_owned());
    }
    Ok(strings
        .iter()
        .flat_map(|token| token.octets.iter().copied())
        .collect())
}

/// RFC 6698 §2.2: three numbers and hexadecimal digits, which may stand in several words.
fn tlsa(words: &mut Words<'_>) -> Result<Tlsa, String> {
    let usage = value(words, "a certificate usage")?;
    let selector = value(words, "a selector")?;
    let matching = value(words, "a matching type")?;
    let digits = txt(words)?;
    let nibble = |digit: &u8| {
        char::from(*digit)
            .to_digit(16)
            .and_then(|n| u8::try_from(n).ok())
    };
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(nibble(high)? << 4 | nibble(low)?),
        _ => None,
    };
    let data: Option<Vec<u8>> = digits.chunks(2).map(pair).collect();
    Ok(Tlsa {
        usage,
        selector,
        matching,
        data: data.ok_or("not pairs of hexadecimal digits")?,
    })
}

/// Seconds, or a number with `s`, `m`, `h`, `d` or `w` behind it.
fn time(text: &str) -> Option<Duration> {
    let (number, unit) = match text.to_ascii_lowercase().chars().last()? {
        's' => (text.get(..text.len() - 1)?, 1),
        'm' => (text.get(..text.len() - 1)?, 60),
        'h' => (text.get(..text.len() - 1)?, 3600),
        'd' => (text.get(..text.len() - 1)?, 86_400),
        'w' => (text.get(..text.len() - 1)?, 604_800),
        _ => (text, 1),
    };
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u32 = number.parse().ok()?;
    Some(Duration::from_secs(u64::from(number) * unit))
}

fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(meant) => format!("unknown {what}: {word} (is {meant} meant?)"),
        None => format!("unknown {what}: {word} (known are {})", known.join(", ")),
    }
}
