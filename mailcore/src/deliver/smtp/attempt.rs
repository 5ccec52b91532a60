//! One job on its way from server to server: what has become of each recipient so far.

use super::words;
use crate::deliver::{Action, Fate, Feedback, Job, Pace, Report};
use crate::log;
use crate::net::connect::Target;
use crate::net::smtp_client::Sent;
use mailcore_base::envelope::Envelope;
use mailcore_smtp::client::Message;
use tokio::time::Instant;

/// A job, and what has become of its recipients.
///
/// ```text
///  (nothing) ─► deferred by a server ─► deferred by the next one …
///      └───────────────┴───────────────► taken, or refused for good
/// ```
#[derive(Debug)]
pub(super) struct Attempt<'j> {
    job: &'j Job,
    fates: Vec<Option<Fate>>,
    began: Instant,
    /// When the first connection stood.
    stood: Option<Instant>,
    /// Why the server that came last could not be talked to.
    dead: Option<String>,
}

impl<'j> Attempt<'j> {
    pub(super) fn new(job: &'j Job) -> Self {
        Self {
            job,
            fates: vec![None; job.positions.len()],
            began: Instant::now(),
            stood: None,
            dead: None,
        }
    }

    pub(super) fn job(&self) -> &'j Job {
        self.job
    }

    /// The places of the recipients that another server may take.
    fn open(&self) -> impl Iterator<Item = usize> {
        let open = |fate: &Option<Fate>| fate.as_ref().is_none_or(|fate| !fate.is_final());
        self.fates
            .iter()
            .enumerate()
            .filter_map(move |(n, fate)| open(fate).then_some(n))
    }

    /// Whether nobody is left.
    pub(super) fn is_over(&self) -> bool {
        self.open().next().is_none()
    }

    /// The message for those who are left, and their places.
    pub(super) fn message(&self) -> (Message, Vec<usize>) {
        let all = &self.job.envelope;
        let mut envelope = Envelope::new(all.sender.clone());
        envelope.parameters = all.parameters.clone();
        let mut places = Vec::new();
        for place in self.open() {
            let position = self.job.positions.get(place);
            let recipient = position.and_then(|it| all.recipients.get(*it as usize));
            if let Some(recipient) = recipient {
                envelope.recipients.push(recipient.clone());
                places.push(place);
            }
        }
        let size = self.job.content.len();
        (Message { envelope, size }, places)
    }

    /// A connection stands.
    pub(super) fn stands(&mut self) {
        self.stood.get_or_insert_with(Instant::now);
        self.dead = None;
    }

    /// The server cannot be talked to: so much for all who are left.
    pub(super) fn cannot(&mut self, fate: Fate) {
        if self.stood.is_none() {
            let passing = fate.action == Action::Deferred;
            self.dead = passing.then(|| fate.text.clone());
        }
        for fate_of in &mut self.fates {
            if fate_of.as_ref().is_none_or(|it| !it.is_final()) {
                *fate_of = Some(fate.clone());
            }
        }
    }

    /// A server has answered for those at these places.
    pub(super) fn answered(&mut self, sent: &Sent, places: &[usize], target: &Target, hop: &str) {
        for (place, outcome) in places.iter().zip(&sent.outcomes) {
            if let Some(fate) = self.fates.get_mut(*place) {
                *fate = Some(words::outcome(outcome, target, hop, sent.reports));
            }
        }
    }

    /// Tells the log why those who are left go on to another server.
    pub(super) fn go_on(&self, program: &str) {
        let mut said = None;
        for place in self.open() {
            let text = self.fates.get(place).and_then(Option::as_ref);
            let text = text.map(|fate| fate.text.as_str());
            if let Some(text) = text.filter(|text| said != Some(*text)) {
                log::postfix::info(
                    program,
                    format_args!("{}: {}", self.job.id, log::Clean(text)),
                );
                said = Some(text);
            }
        }
    }

    pub(super) fn report(self) -> Report {
        let now = Instant::now();
        let stood = self.stood.unwrap_or(now);
        // A position that is none of the envelope's must not be answered for.
        let none = || Fate::deferred((3, 0), "no such recipient");
        let fates = self.fates.into_iter();
        let mut report = Report::new(fates.map(|fate| fate.unwrap_or_else(none)).collect());
        report.pace = Pace {
            setup: stood.duration_since(self.began),
            transmission: now.duration_since(stood),
        };
        if let Some(why) = self.dead {
            report.feedback = Feedback::Dead(why);
        }
        report
    }
}
