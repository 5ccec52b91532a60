//! The queues keep the promises of queues.
#![cfg(feature = "conform")]

use bytes::Bytes;
use mailcore_base::envelope::Envelope;
use mailcore_store::Kind;
use mailcore_store::conform;
use mailcore_store::queue::{Identity, Lane, MemoryQueue, Queue};
use std::time::SystemTime;

fn queue() -> MemoryQueue {
    MemoryQueue::new(Identity(7), 1_000_000)
}

macro_rules! conforms {
    ($($promise:ident)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $promise() {
                mailcore_store::conform::queue::$promise(&super::queue()).await;
            })*
        }

        #[cfg(feature = "files")]
        mod log {
            $(#[tokio::test]
            async fn $promise() {
                let folder = tempfile::tempdir().expect("a folder");
                let queue = mailcore_store::queue::SegmentQueue::open(folder.path()).expect("open");
                mailcore_store::conform::queue::$promise(&queue).await;
            })*
        }

        /// In segments and buffers so small that everything is spilled, and moved about.
        #[cfg(feature = "files")]
        mod narrow_log {
            $(#[tokio::test]
            async fn $promise() {
                mailcore_store::conform::queue::$promise(&super::narrow()).await;
            })*
        }
    };
}

#[cfg(feature = "files")]
fn narrow() -> mailcore_store::queue::SegmentQueue {
    use mailcore_store::disk::SimDisk;
    use mailcore_store::queue::log::{Options, SegmentQueue};
    let mut options = Options::new("queue");
    options.segment = 2048;
    options.buffer = 8;
    let disk = std::sync::Arc::new(SimDisk::new(SystemTime::UNIX_EPOCH));
    let clock = mailcore_store::mailbox::Clock::new(|| SystemTime::UNIX_EPOCH);
    SegmentQueue::on(disk, clock, options).expect("open")
}

conforms! {
    what_is_committed_is_kept_as_it_was
    a_draft_is_read_back_and_cut
    a_dropped_draft_leaves_nothing
    a_draft_knows_its_identity
    a_message_may_be_held_from_the_first
    a_message_is_claimed_by_one_at_a_time
    a_claim_that_runs_out_passes_on
    a_claim_is_renewed
    what_is_due_longest_comes_first
    a_deferred_message_waits_until_it_is_due
    what_is_done_stays_done
    a_recipient_that_is_not_there_is_refused
    a_warning_is_remembered
    a_long_reason_is_cut
    a_held_message_waits_to_be_released
    what_is_removed_is_gone
    content_being_read_never_turns_into_another
    pages_give_every_message_once_in_order
}

#[tokio::test]
async fn the_suite_as_a_whole_passes() {
    conform::queue::all(async || queue()).await;
    #[cfg(feature = "files")]
    conform::queue::all(async || narrow()).await;
}

/// Drafts, messages, headers, cuts and removals: what is given back can be used again.
#[tokio::test]
async fn the_queue_is_bounded_in_octets() {
    let queue = MemoryQueue::new(Identity(0), 10);
    let full = |result: mailcore_store::Result<()>| {
        assert_eq!(result.map_err(|error| error.kind()), Err(Kind::Full));
    };
    let now = SystemTime::UNIX_EPOCH;
    for _ in 0..3 {
        let mut draft = queue.create().await.expect("create");
        draft.write(b"12345678").await.expect("write");
        full(draft.write(b"901").await);
        draft.truncate(5).await.expect("truncate");
        draft.write(b"6").await.expect("write");
        let mut other = queue.create().await.expect("create");
        full(other.write(b"12345").await);
        other.write(b"1").await.expect("write");
        drop(other);
        let header = Bytes::from_static(b"head");
        let committed = draft
            .commit(header, Envelope::default(), now, Lane::Incoming)
            .await;
        let identity = committed.expect("commit");
        let mut third = queue.create().await.expect("create");
        full(third.write(b"1").await);
        assert!(queue.remove(identity).await.expect("remove"));
    }
    let mut draft = queue.create().await.expect("create");
    draft.write(b"123456").await.expect("write");
    let header = Bytes::from_static(b"header");
    let refused = draft
        .commit(header, Envelope::default(), now, Lane::Incoming)
        .await;
    full(refused.map(drop));
    let mut draft = queue.create().await.expect("create");
    draft.write(b"1234567890").await.expect("all is free again");
}

#[tokio::test]
async fn debug_shows_no_content() {
    let queue = queue();
    let mut draft = queue.create().await.expect("create");
    draft.write(b"secret").await.expect("write");
    assert!(!format!("{queue:?} {draft:?}").contains("secret"));
}
