//! Who is told of what: one settlement makes a report for each kind of news, and perhaps one for the postmaster.

use super::compose::{Letter, compose};
use super::{Addressee, Kind, Options, Report, Returned, Settled};
use crate::deliver::{Action, Fate};
use mailcore_base::address::{ForwardPath, ReversePath};
use mailcore_base::envelope::{Body, Notify, Recipient, Return};
use std::time::SystemTime;

/// A recipient that somebody is to be told of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) recipient: &'a Recipient,
    pub(super) fate: &'a Fate,
}

/// The reports that a settlement gives rise to, if any.
///
/// | news | the sender is told | the postmaster is told |
/// |---|---|---|
/// | failed | unless NOTIFY leaves out FAILURE | a copy: [`Notices::bounce`](super::Notices::bounce) |
/// | deferred, and late | unless NOTIFY leaves out DELAY | a copy: [`Notices::delay`](super::Notices::delay) |
/// | delivered, expanded, relayed to where nothing is reported | if NOTIFY has SUCCESS | – |
///
/// Mail from `<>` is itself a report, and none is made of it (RFC 5321 §4.5.5): its failures go to
/// [`Notices::double_bounce`](super::Notices::double_bounce), where there is one. Mail from [`Options::double_bounce`] is reported to nobody.
#[must_use]
pub fn reports(options: &Options, settled: &Settled<'_>, now: SystemTime) -> Vec<Report> {
    let sender = match ForwardPath::try_from(settled.envelope.sender.clone()) {
        Ok(sender) if is_double_bounce(options, &sender) => return Vec::new(),
        Ok(sender) => sender,
        Err(_) => return double_bounce(options, settled, now).into_iter().collect(),
    };
    let mut made = Vec::new();
    for kind in [Kind::Failure, Kind::Delay, Kind::Success] {
        let told = told(settled, kind);
        if told.is_empty() {
            continue;
        }
        let letter = |to, from, path, returned| Letter {
            kind,
            to,
            from,
            path,
            returned,
            told: &told,
        };
        let returned = returned(options, settled, kind);
        let from = ReversePath::Null;
        let report = letter(Addressee::Sender, from, sender.clone(), returned);
        made.push(compose(options, settled, report, now));
        let copy = match kind {
            Kind::Failure => &options.notices.bounce,
            Kind::Delay => &options.notices.delay,
            Kind::Success => &None,
        };
        if let Some(path) = copy.clone() {
            // What people write to each other is not the postmaster's business.
            let from = ReversePath::Address(options.double_bounce.clone());
            let copy = letter(Addressee::Postmaster, from, path, Returned::Header);
            made.push(compose(options, settled, copy, now));
        }
    }
    made
}

/// What could not be returned, for the postmaster.
fn double_bounce(options: &Options, settled: &Settled<'_>, now: SystemTime) -> Option<Report> {
    let path = options.notices.double_bounce.clone()?;
    let told = told(settled, Kind::Failure);
    if told.is_empty() {
        return None;
    }
    let letter = Letter {
        kind: Kind::Failure,
        to: Addressee::Postmaster,
        from: ReversePath::Address(options.double_bounce.clone()),
        path,
        returned: returned(options, settled, Kind::Failure),
        told: &told,
    };
    Some(compose(options, settled, letter, now))
}

fn is_double_bounce(options: &Options, sender: &ForwardPath) -> bool {
    let sender = sender.clone().complete(&options.origin);
    let double = &options.double_bounce;
    let (a, b) = (sender.local().as_str(), double.local().as_str());
    a.eq_ignore_ascii_case(b) && sender.host() == double.host()
}

/// The recipients that there is news of this kind of, for those who want to hear it.
fn told<'a>(settled: &Settled<'a>, kind: Kind) -> Vec<Told<'a>> {
    let tell = |(position, fate): &'a (u32, Fate)| {
        let recipient = settled.envelope.recipients.get(*position as usize)?;
        let news = news(fate.action, settled.late) == Some(kind);
        let told = Told { recipient, fate };
        (news && wanted(recipient.parameters.notify, kind)).then_some(told)
    };
    settled.fates.iter().filter_map(tell).collect()
}

fn news(action: Action, late: bool) -> Option<Kind> {
    match action {
        Action::Failed => Some(Kind::Failure),
        Action::Deferred => late.then_some(Kind::Delay),
        // RFC 3461 §6.2.7.3: a server that was told what is wanted reports itself.
        Action::Relayed { reports: true } => None,
        Action::Delivered | Action::Expanded | Action::Relayed { reports: false } => {
            Some(Kind::Success)
        }
    }
}

/// RFC 3461 §4.1: what was not said is failures, and delays where the server has it so.
fn wanted(notify: Option<Notify>, kind: Kind) -> bool {
    let occasion = match kind {
        Kind::Failure => Notify::FAILURE,
        Kind::Delay => Notify::DELAY,
        Kind::Success => Notify::SUCCESS,
    };
    notify.map_or(kind != Kind::Success, |notify| notify.contains(occasion))
}

/// RFC 3461 §4.3: RET is about failures; of other reports the header is enough. Content with no notion of lines cannot
/// stand in a part that has lines (RFC 3030).
fn returned(options: &Options, settled: &Settled<'_>, kind: Kind) -> Returned {
    let asked = &settled.envelope.parameters;
    let whole = kind == Kind::Failure
        && asked.ret != Some(Return::Headers)
        && asked.body != Some(Body::BinaryMime)
        && settled.size <= options.largest_return;
    if whole {
        Returned::Whole
    } else {
        Returned::Header
    }
}
