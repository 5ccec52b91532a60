//! The promises of queues. Each function takes an empty queue and leaves it with whatever it made.

mod claims;
mod keeping;

pub use claims::*;
pub use keeping::*;

use crate::Kind;
use crate::queue::{Claim, Identity, Lane, Outcome, Queue};
use bytes::Bytes;
use mailcore_base::address::{Address, ForwardPath, Repertoire};
use mailcore_base::envelope::{Envelope, Recipient};
use std::time::{Duration, SystemTime};

/// All promises, each with an empty queue of its own.
pub async fn all<Q: Queue>(make: impl AsyncFn() -> Q) {
    what_is_committed_is_kept_as_it_was(&make().await).await;
    a_draft_is_read_back_and_cut(&make().await).await;
    a_dropped_draft_leaves_nothing(&make().await).await;
    a_draft_knows_its_identity(&make().await).await;
    a_message_may_be_held_from_the_first(&make().await).await;
    a_message_is_claimed_by_one_at_a_time(&make().await).await;
    a_claim_that_runs_out_passes_on(&make().await).await;
    a_claim_is_renewed(&make().await).await;
    what_is_due_longest_comes_first(&make().await).await;
    a_deferred_message_waits_until_it_is_due(&make().await).await;
    what_is_done_stays_done(&make().await).await;
    a_recipient_that_is_not_there_is_refused(&make().await).await;
    a_warning_is_remembered(&make().await).await;
    a_long_reason_is_cut(&make().await).await;
    a_held_message_waits_to_be_released(&make().await).await;
    what_is_removed_is_gone(&make().await).await;
    content_being_read_never_turns_into_another(&make().await).await;
    pages_give_every_message_once_in_order(&make().await).await;
}

const HEADER: &[u8] = b"Subject: conformance\r\n";
const BODY: &[u8] = b"\r\none line\r\n.\r\nand \0 another\r\n";
const MINUTE: Duration = Duration::from_secs(60);

/// So many minutes after a fixed moment.
fn at(minutes: u32) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + MINUTE * minutes
}

fn envelope(recipients: usize) -> Envelope {
    let address = |name: &str| {
        let text = format!("{name}@conform.example");
        Address::parse(&text, Repertoire::Ascii).expect("an address")
    };
    let mut envelope = Envelope::new(address("sender"));
    for n in 0..recipients {
        let path = ForwardPath::Address(address(&format!("recipient{n}")));
        envelope.recipients.push(Recipient::new(path));
    }
    envelope
}

async fn queued(queue: &dyn Queue, minute: u32, recipients: usize) -> Identity {
    let mut draft = queue.create().await.expect("create");
    draft.write(BODY).await.expect("write");
    let header = Bytes::from_static(HEADER);
    let committed = draft
        .commit(header, envelope(recipients), at(minute), Lane::Incoming)
        .await;
    committed.expect("commit")
}

async fn claimed(queue: &dyn Queue, minute: u32, limit: usize) -> Vec<Claim> {
    let claims = queue.claim(at(minute), MINUTE * 5, limit).await;
    claims.expect("claim")
}

async fn one_claimed(queue: &dyn Queue, minute: u32) -> Claim {
    let mut claims = claimed(queue, minute, 10).await;
    assert_eq!(claims.len(), 1, "{claims:?}");
    claims.remove(0)
}

async fn content(queue: &dyn Queue, identity: Identity, step: u64) -> Vec<u8> {
    let body = queue
        .content(identity)
        .await
        .expect("content")
        .expect("it is there");
    let mut octets = Vec::new();
    let mut place = 0;
    while place < body.len() {
        let run = body
            .read(place..(place + step).min(body.len()))
            .await
            .expect("read");
        assert!(!run.is_empty(), "a run within the content is not empty");
        place += u64::try_from(run.len()).expect("a length");
        octets.extend_from_slice(&run);
    }
    assert!(
        body.read(place..place + 1).await.expect("read").is_empty(),
        "behind the end is nothing"
    );
    octets
}
