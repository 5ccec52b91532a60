//! XCLIENT: a trusted proxy says for whom it speaks.

use crate::{
    parse::{Attribute, AttributeError, CommandLine, Verb, attributes},
    server::{
        facts::Claimed,
        pending::Pending,
        question::{Connect, Open},
        session::Session,
        words::Say,
    },
};
use mailcore_base::envelope::Text;
use std::{net::IpAddr, time::Instant};

pub(super) const NAMES: [&str; 9] = [
    "NAME",
    "ADDR",
    "PROTO",
    "HELO",
    "REVERSE_NAME",
    "PORT",
    "LOGIN",
    "DESTADDR",
    "DESTPORT",
];

impl Session {
    pub(super) fn xclient(&mut self, now: Instant, line: &CommandLine<'_>) {
        if !self.facts.trust.xclient {
            return self.say(now, Say::Insufficient);
        }
        if self.transaction.is_open() {
            return self.say(now, Say::InTransaction);
        }
        match claimed(line.arguments, &NAMES) {
            Ok(claimed) => {
                self.reset();
                let claimed = Some(Box::new(claimed));
                // The session begins anew, at the greeting, for the client that was named.
                self.put(Pending::Connect(Open::new(Connect { claimed })));
            }
            Err(error) => self.bad_attribute(now, Verb::XClient, error),
        }
    }

    pub(super) fn bad_attribute(&mut self, now: Instant, verb: Verb, error: AttributeError) {
        match error {
            AttributeError::Missing => self.say_of(now, Say::AttributeSyntax, &[verb.name()]),
            AttributeError::NoValue => self.say(now, Say::AttributeWithoutValue),
            AttributeError::Unknown(name) => {
                self.say_of(now, Say::UnknownAttribute, &[verb.name(), &name]);
            }
            AttributeError::BadValue(name, value) => {
                self.say_of(now, Say::BadAttribute, &[name, &value]);
            }
        }
    }
}

/// Puts the attributes into their places.
pub(super) fn claimed(text: &str, names: &[&'static str]) -> Result<Claimed, AttributeError> {
    let mut claimed = Claimed::default();
    for Attribute { name, value } in attributes(text, names)? {
        let Some(value) = value else { continue };
        let shown = value.clone();
        let bad = || AttributeError::BadValue(name, shown);
        match name {
            "NAME" => claimed.name = Some(value),
            "REVERSE_NAME" => claimed.reverse_name = Some(value),
            "ADDR" => claimed.address = Some(address(&value).ok_or_else(bad)?),
            "PORT" => claimed.port = Some(value.parse().map_err(|_| bad())?),
            "PROTO" => claimed.protocol = Some(protocol(&value).ok_or_else(bad)?),
            "HELO" => claimed.hello = Some(value),
            "LOGIN" => claimed.login = Some(value),
            "DESTADDR" => claimed.local_address = Some(address(&value).ok_or_else(bad)?),
            "DESTPORT" => claimed.local_port = Some(value.parse().map_err(|_| bad())?),
            "IDENT" => claimed.ident = Some(value),
            "SOURCE" => claimed.source = Some(value),
            _ => {}
        }
    }
    Ok(claimed)
}

/// `192.0.2.1` or `IPV6:2001:db8::1`.
fn address(text: &str) -> Option<IpAddr> {
    let v6 = text
        .get(..5)
        .filter(|tag| tag.eq_ignore_ascii_case("ipv6:"));
    text.get(v6.map_or(0, str::len)..)?.parse().ok()
}

fn protocol(text: &str) -> Option<Text> {
    let upper = text.to_ascii_uppercase();
    matches!(upper.as_str(), "SMTP" | "ESMTP").then(|| Text::lossy(upper.as_bytes()))
}
