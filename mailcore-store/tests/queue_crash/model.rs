//! What the queue has told, and so what must still be true after a crash.

use crate::power::{Checked, ensure};
use bytes::Bytes;
use mailcore_base::address::{Address, ForwardPath, Repertoire};
use mailcore_base::envelope::{Envelope, Recipient};
use mailcore_store::queue::{Claim, Entry, Identity, Lane, Outcome, Queue, SegmentQueue};
use mailcore_store::{Error, Result};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One thing that is done. Messages are known by their text, which none shares with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Commit(&'static str, usize, Lane),
    /// More than waits in memory.
    Large(&'static str),
    /// Begun, in part in the log, and given up.
    Abandon,
    /// Several at once, which share a flush.
    Together(&'static [&'static str]),
    Claim,
    Done(&'static str, usize),
    /// Given back until that minute.
    Defer(&'static str, u32),
    Assign(&'static str, Lane),
    Warned(&'static str),
    Remove(&'static str),
    /// Others come and go, so that segments fill up with what nobody needs.
    Churn(u32),
}

/// What of a message changes. A claim is no part of it, for it is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    lane: Lane,
    due: Option<SystemTime>,
    attempts: u32,
    warned: bool,
    outcomes: Vec<Option<Outcome>>,
}

#[derive(Debug, Clone)]
struct Message {
    identity: Identity,
    recipients: usize,
    large: bool,
    /// How it may stand, first as it was told; `None` where it is not in the queue.
    may: Vec<Option<State>>,
    claim: Option<Claim>,
    /// It was claimed since it was last put anywhere: it is due at once after a crash.
    claimed: bool,
}

/// All that was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    messages: BTreeMap<String, Message>,
}

pub(crate) fn at(minute: u32) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + 60 * u64::from(minute))
}

/// Long after anything was due.
const LATER: u32 = 100_000;

fn header(text: &str) -> Bytes {
    Bytes::from(format!("Subject: {text}\r\n"))
}

fn body(text: &str, large: bool) -> Vec<u8> {
    let line = format!("\r\nthe text of {text}");
    line.repeat(if large { 200 } else { 3 }).into_bytes()
}

fn envelope(text: &str, recipients: usize) -> Envelope {
    let address = |local: String| {
        let text = format!("{local}@crash.example");
        Address::parse(&text, Repertoire::Ascii).unwrap()
    };
    let mut envelope = Envelope::new(address(text.replace(' ', "-")));
    for n in 0..recipients {
        let path = ForwardPath::Address(address(format!("r{n}")));
        envelope.recipients.push(Recipient::new(path));
    }
    envelope
}

impl Message {
    fn told(&self) -> Option<&State> {
        self.may.first().and_then(Option::as_ref)
    }
}

impl Op {
    /// Whether it brings something new, which may be tried again.
    pub(crate) fn is_commit(self) -> bool {
        matches!(self, Self::Commit(..) | Self::Large(_))
    }
}

impl Facts {
    /// Whether what this is to be done to is in the queue, as far as was told.
    pub(crate) fn knows(&self, op: Op) -> bool {
        match op {
            Op::Done(text, _)
            | Op::Defer(text, _)
            | Op::Assign(text, _)
            | Op::Warned(text)
            | Op::Remove(text) => {
                let message = self.messages.get(text);
                message.is_some_and(|message| message.told().is_some())
            }
            _ => true,
        }
    }

    /// It was answered: so it is, and what failed before it is not, for all are in one order.
    fn learn(&mut self) {
        for message in self.messages.values_mut() {
            message.may.truncate(1);
        }
    }

    /// Something may happen to a message, whatever else may have happened to it.
    fn doubt(&mut self, text: &str, change: impl Fn(&mut Option<State>)) {
        let message = self.messages.get_mut(text).unwrap();
        for n in 0..message.may.len() {
            let mut changed = message.may[n].clone();
            change(&mut changed);
            message.may.push(changed);
        }
    }

    /// It has happened.
    fn certain(&mut self, text: &str, change: impl Fn(&mut Option<State>)) {
        let message = self.messages.get_mut(text).unwrap();
        message.may.truncate(1);
        change(&mut message.may[0]);
    }
}

/// One life of a queue.
pub(crate) struct Life(pub(crate) SegmentQueue);

impl Life {
    /// Does something, and notes what is true now, or what may be.
    pub(crate) async fn perform(&self, facts: &mut Facts, op: Op) -> Result<()> {
        let done = self.act(facts, op).await;
        self.0.quiet().await;
        done
    }

    async fn act(&self, facts: &mut Facts, op: Op) -> Result<()> {
        match op {
            Op::Commit(text, recipients, lane) => {
                self.commit(facts, text, recipients, lane, false).await
            }
            Op::Large(text) => self.commit(facts, text, 1, Lane::Incoming, true).await,
            Op::Abandon => {
                let mut draft = self.0.create().await?;
                draft.write(&body("nothing", true)).await
            }
            Op::Together(texts) => self.together(facts, texts).await,
            Op::Claim => self.claim(facts).await,
            Op::Done(text, at) => {
                let outcomes = [(at, Outcome::Done)];
                self.mark(facts, text, &outcomes, None).await
            }
            Op::Defer(text, minute) => {
                let outcomes = [(0, Outcome::Deferred("not now".to_owned()))];
                self.mark(facts, text, &outcomes, Some(at(minute))).await
            }
            Op::Assign(text, lane) => {
                let change = move |state: &mut Option<State>| {
                    if let Some(state) = state {
                        state.lane = lane;
                        state.due = None;
                    }
                };
                let identity = facts.messages[text].identity;
                let done = self.0.assign(identity, lane).await;
                self.note(facts, text, change, done)?;
                let message = facts.messages.get_mut(text).unwrap();
                message.claimed = false;
                message.claim = None;
                Ok(())
            }
            Op::Warned(text) => {
                let change = |state: &mut Option<State>| {
                    if let Some(state) = state {
                        state.warned = true;
                    }
                };
                let done = self.0.warned(facts.messages[text].identity).await;
                self.note(facts, text, change, done)
            }
            Op::Remove(text) => {
                let done = self.0.remove(facts.messages[text].identity).await;
                self.note(facts, text, |state| *state = None, done.map(drop))
            }
            Op::Churn(count) => {
                for n in 0..count {
                    let text = format!("filler {n} of {count}");
                    self.commit(facts, &text, 1, Lane::Incoming, n % 5 == 4)
                        .await?;
                    let done = self.0.remove(facts.messages[&text].identity).await;
                    self.note(facts, &text, |state| *state = None, done.map(drop))?;
                }
                Ok(())
            }
        }
    }

    fn note<T>(
        &self,
        facts: &mut Facts,
        text: &str,
        change: impl Fn(&mut Option<State>),
        done: Result<T>,
    ) -> Result<()> {
        match done {
            Ok(_) => facts.certain(text, change),
            Err(_) => facts.doubt(text, change),
        }
        done.map(drop)
    }

    async fn commit(
        &self,
        facts: &mut Facts,
        text: &str,
        recipients: usize,
        lane: Lane,
        large: bool,
    ) -> Result<()> {
        let mut draft = self.0.create().await?;
        let fresh = State {
            lane,
            due: None,
            attempts: 0,
            warned: false,
            outcomes: vec![None; recipients],
        };
        let message = Message {
            identity: draft.identity(),
            recipients,
            large,
            may: vec![None],
            claim: None,
            claimed: false,
        };
        // One that failed before is another message of the same text.
        facts
            .messages
            .entry(text.to_owned())
            .and_modify(|old| {
                old.identity = message.identity;
                old.may = vec![None];
            })
            .or_insert(message);
        for piece in body(text, large).chunks(777) {
            draft.write(piece).await?;
        }
        let envelope = envelope(text, recipients);
        let done = draft.commit(header(text), envelope, at(0), lane).await;
        self.note(facts, text, |state| *state = Some(fresh.clone()), done)?;
        facts.learn();
        Ok(())
    }

    async fn together(&self, facts: &mut Facts, texts: &[&str]) -> Result<()> {
        let mut tasks = Vec::new();
        for text in texts {
            let mut one = Facts::default();
            let (life, text) = (Self(self.0.clone()), (*text).to_owned());
            tasks.push(tokio::spawn(async move {
                let done = life.commit(&mut one, &text, 1, Lane::Incoming, false).await;
                (one, done)
            }));
        }
        let mut outcome = Ok(());
        for task in tasks {
            let (one, done) = task.await.unwrap();
            facts.messages.extend(one.messages);
            outcome = outcome.and(done);
        }
        outcome
    }

    async fn claim(&self, facts: &mut Facts) -> Result<()> {
        let claims = self.0.claim(at(10), Duration::from_secs(60), 100).await?;
        for claim in claims {
            let mut all = facts.messages.values_mut();
            let found = all.find(|message| message.identity == claim.entry.identity);
            let message = found.expect("a message that was committed");
            message.claim = Some(claim);
            message.claimed = true;
        }
        Ok(())
    }

    async fn mark(
        &self,
        facts: &mut Facts,
        text: &str,
        outcomes: &[(usize, Outcome)],
        due: Option<SystemTime>,
    ) -> Result<()> {
        let Some(claim) = facts.messages[text].claim.clone() else {
            return Ok(());
        };
        let change = |state: &mut Option<State>| {
            let Some(state) = state else { return };
            for (at, outcome) in outcomes {
                if !matches!(state.outcomes[*at], Some(Outcome::Done)) {
                    state.outcomes[*at] = Some(outcome.clone());
                }
            }
            if let Some(due) = due {
                state.lane = Lane::Deferred;
                state.due = Some(due);
                state.attempts += 1;
            }
        };
        let done = self.0.mark(&claim, outcomes, due).await;
        self.note(facts, text, change, done)?;
        if due.is_some() {
            let message = facts.messages.get_mut(text).unwrap();
            message.claim = None;
            message.claimed = false;
        }
        Ok(())
    }

    /// Whether everything that was told is still true, in a life that has claimed nothing yet.
    pub(crate) async fn check(&self, facts: &Facts) -> Checked {
        let failed = |e: Error| format!("the queue failed: {e} ({e:?})");
        let entries = self.0.page(None, None, usize::MAX).await.map_err(failed)?;
        let mut there: BTreeMap<Identity, Entry> = entries
            .into_iter()
            .map(|entry| (entry.identity, entry))
            .collect();
        let mut ready = Vec::new();
        for (text, message) in &facts.messages {
            let entry = there.remove(&message.identity);
            let fits = |may: &&Option<State>| is(message, may.as_ref(), entry.as_ref());
            let fits = message.may.iter().find(fits);
            ensure!(fits.is_some(), "{text}: told {message:?}, is {entry:?}");
            let Some(entry) = entry else { continue };
            self.content(text, message, &entry).await?;
            if matches!(entry.lane, Lane::Incoming | Lane::Deferred) {
                ready.push(entry.identity);
            }
        }
        ensure!(there.is_empty(), "nobody committed {there:?}");
        let lease = Duration::from_secs(1);
        let claims = self.0.claim(at(LATER), lease, usize::MAX).await;
        let mut claimed: Vec<_> = claims
            .map_err(failed)?
            .into_iter()
            .map(|claim| claim.entry.identity)
            .collect();
        claimed.sort_unstable();
        ready.sort_unstable();
        ensure!(
            claimed == ready,
            "claimed {claimed:?}, ready were {ready:?}"
        );
        Ok(())
    }

    async fn content(&self, text: &str, message: &Message, entry: &Entry) -> Checked {
        let whole = [&header(text)[..], &body(text, message.large)].concat();
        ensure!(
            *entry.envelope == envelope(text, message.recipients),
            "{text}: {entry:?}"
        );
        ensure!(
            entry.size == whole.len() as u64,
            "{text}: {} octets",
            entry.size
        );
        let found = self.0.content(entry.identity).await;
        let found = found
            .map_err(|e| format!("{text}: {e:?}"))?
            .ok_or("no content")?;
        let mut octets = Vec::new();
        while (octets.len() as u64) < found.len() {
            let run = found.read(octets.len() as u64..found.len()).await;
            octets.extend_from_slice(&run.map_err(|e| format!("{text}: {e:?}"))?);
        }
        ensure!(
            octets == whole,
            "{text}: content is {}",
            octets.escape_ascii()
        );
        Ok(())
    }

    /// The server works again: what is there can be worked on, and all of it goes in the end.
    pub(crate) async fn go_on(&self, facts: &mut Facts) -> Checked {
        let failed = |e: Error| format!("the queue failed: {e} ({e:?})");
        // What a crash has made certain.
        for message in facts.messages.values_mut() {
            let entry = self.0.entry(message.identity).await.map_err(failed)?;
            // All that was ready is claimed by now.
            let lane = |state: &State| match state.lane {
                Lane::Incoming | Lane::Deferred => Lane::Active,
                lane => lane,
            };
            let fits = |may: &&Option<State>| {
                let stands = may.as_ref().map(lane) == entry.as_ref().map(|entry| entry.lane);
                stands && is_less_strict(may.as_ref(), entry.as_ref())
            };
            let may = message.may.iter().find(fits);
            message.may = vec![may.cloned().flatten()];
            message.claim = None;
            message.claimed = true;
        }
        for op in [
            Op::Commit("after the crash", 2, Lane::Incoming),
            Op::Large("large after the crash"),
            Op::Churn(3),
        ] {
            self.perform(facts, op).await.map_err(failed)?;
        }
        let all = facts.messages.iter();
        let odd = all
            .filter(|(_, message)| message.told().is_some())
            .step_by(2);
        let odd: Vec<String> = odd.map(|(text, _)| text.clone()).collect();
        for text in odd {
            let done = self.0.remove(facts.messages[&text].identity).await;
            ensure!(done.map_err(failed)?, "{text} was there");
            facts.certain(&text, |state| *state = None);
        }
        self.0.quiet().await;
        Ok(())
    }
}

fn is(message: &Message, may: Option<&State>, entry: Option<&Entry>) -> bool {
    let (Some(may), Some(entry)) = (may, entry) else {
        return may.is_none() && entry.is_none();
    };
    // What is claimed while its segment is emptied is written down as due at once.
    let stands = match message.claimed {
        true => match may.lane {
            Lane::Incoming | Lane::Deferred => {
                matches!(entry.lane, Lane::Incoming | Lane::Deferred)
                    && (entry.due.is_none() || entry.due == may.due)
            }
            lane => entry.lane == lane,
        },
        false => (entry.lane, entry.due) == (may.lane, may.due),
    };
    stands && is_less_strict(Some(may), Some(entry))
}

/// Whether all but its lane is so.
fn is_less_strict(may: Option<&State>, entry: Option<&Entry>) -> bool {
    match (may, entry) {
        (Some(may), Some(entry)) => {
            (entry.attempts, entry.warned) == (may.attempts, may.warned)
                && entry.outcomes == may.outcomes
                && entry.arrived == at(0)
        }
        (may, entry) => may.is_none() && entry.is_none(),
    }
}
