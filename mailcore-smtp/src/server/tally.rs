//! What a session has done, in numbers, for the line that is logged at its end.

use crate::parse::Verb;
use std::fmt;

/// How often something was asked for, and how often it was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Granted: the reply was neither 4xx nor 5xx.
    pub good: u32,
    /// All.
    pub all: u32,
}

impl Count {
    fn add(&mut self, good: bool) {
        self.all = self.all.saturating_add(1);
        self.good = self.good.saturating_add(u32::from(good));
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.good == self.all {
            true => self.all.fmt(f),
            false => write!(f, "{}/{}", self.good, self.all),
        }
    }
}

/// The commands of a session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    verbs: [Count; Verb::ALL.len()],
    unknown: Count,
}

impl Tally {
    pub(super) fn add(&mut self, verb: Option<Verb>, good: bool) {
        match verb.and_then(|verb| self.verbs.get_mut(verb as usize)) {
            Some(count) => count.add(good),
            None => self.unknown.add(good),
        }
    }

    /// One verb's count.
    #[must_use]
    pub fn of(&self, verb: Verb) -> Count {
        self.verbs.get(verb as usize).copied().unwrap_or_default()
    }

    /// Commands that are not known.
    #[must_use]
    pub fn unknown(&self) -> Count {
        self.unknown
    }

    /// All commands.
    #[must_use]
    pub fn commands(&self) -> Count {
        let counts = self.verbs.iter().chain([&self.unknown]);
        counts.fold(Count::default(), |sum, count| Count {
            good: sum.good.saturating_add(count.good),
            all: sum.all.saturating_add(count.all),
        })
    }
}

/// `ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4`: what Postfix logs behind `disconnect from`.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (verb, name) in Verb::ALL {
            let count = self.of(verb);
            if count.all > 0 {
                write!(f, "{}={count} ", name.to_ascii_lowercase())?;
            }
        }
        if self.unknown.all > 0 {
            write!(f, "unknown={} ", self.unknown)?;
        }
        let Count { good, all } = self.commands();
        match (good == all, all) {
            (false, _) => write!(f, "commands={good}/{all}"),
            (true, 0) => f.write_str("commands=0/0"),
            (true, _) => write!(f, "commands={all}"),
        }
    }
}

/// What a client said last, as logs have it behind `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Last {
    /// Nothing yet.
    Connect,
    /// A command that is known.
    Verb(Verb),
    /// The end of a message.
    Content,
    /// Something else.
    Unknown,
}

impl Last {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Verb(verb) => verb.name(),
            Self::Content => "END-OF-MESSAGE",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// The client said QUIT.
    Quit,
    /// The connection broke, or the client closed it.
    Lost,
    /// The client was silent too long.
    Timeout,
    /// The client took no output.
    Stalled,
    /// Too many errors.
    Errors,
    /// The answer to a question ended it.
    Refused,
    /// The client does not speak SMTP: it sent another protocol's words.
    Foreign,
    /// The client sent ahead where it had to wait for an answer.
    Pipelining,
    /// A chunk of unknown size was announced.
    BadChunk,
    /// A line of content had a forbidden line end.
    BareNewline,
    /// The server is going down, or an administrator ended the session.
    Shutdown,
}
