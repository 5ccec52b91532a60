//! The log of a message's way through the queue, in Postfix's form.

use super::hand::Hand;
use crate::deliver::{Action, Fate, Pace};
use crate::log::postfix::{self, Delays, Delivered};
use mailcore_base::envelope::Recipient;
use std::time::Duration;

/// The program that a transport's lines speak of: `postfix/smtp`.
pub(super) fn program(transport: &str) -> String {
    format!("postfix/{transport}")
}

/// What a fate is called in the log.
pub(super) fn status(action: Action) -> &'static str {
    match action {
        Action::Failed => "bounced",
        Action::Deferred => "deferred",
        _ => "sent",
    }
}

/// `ID: to=<…>, orig_to=<…>, relay=…, delay=…, dsn=…, status=… (…)`
pub(super) fn attempt(
    hand: &Hand,
    transport: &str,
    recipient: &Recipient,
    fate: &Fate,
    waited: Duration,
    pace: Pace,
) {
    let original = recipient.original.as_ref().map(ToString::to_string);
    postfix::delivered(
        &program(transport),
        Delivered {
            id: &hand.id,
            to: &recipient.path.to_string(),
            original: original.as_deref(),
            relay: &fate.relay,
            delays: Delays {
                incoming: hand.incoming,
                active: waited,
                setup: pace.setup,
                transmission: pace.transmission,
            },
            dsn: &fate.status.to_string(),
            status: status(fate.action),
            text: &fate.text,
        },
    );
}

/// `ID: from=<…>, size=…, nrcpt=… (queue active)`
pub(super) fn active(hand: &Hand) {
    let entry = &hand.claim.entry;
    postfix::active(
        &hand.id,
        &entry.envelope.sender.to_string(),
        entry.size,
        entry.envelope.recipients.len(),
    );
}

/// `ID: from=<…>, status=expired, returned to sender`
pub(super) fn expired(hand: &Hand) {
    let sender = hand.claim.entry.envelope.sender.to_string();
    postfix::info(
        "postfix/qmgr",
        format_args!(
            "{}: from=<{}>, status=expired, returned to sender",
            hand.id,
            crate::log::Clean(&sender)
        ),
    );
}

/// `ID: sender non-delivery notification: ID2`
pub(super) fn reported(hand: &Hand, what: &str, id: &str) {
    postfix::info("postfix/bounce", format_args!("{}: {what}: {id}", hand.id));
}
