//! What is put into a queue is kept as it is until it is removed.

use super::*;

/// What was committed is there as it was given: header, body, envelope, the time, and no outcome.
pub async fn what_is_committed_is_kept_as_it_was(queue: &dyn Queue) {
    let identity = queued(queue, 0, 2).await;
    let entry = queue
        .entry(identity)
        .await
        .expect("entry")
        .expect("it is there");
    assert_eq!(entry.identity, identity);
    assert_eq!(entry.lane, Lane::Incoming);
    assert_eq!((entry.arrived, entry.due, entry.attempts), (at(0), None, 0));
    assert_eq!(*entry.envelope, envelope(2));
    assert!(!entry.warned);
    assert_eq!(entry.outcomes, [None, None]);
    let whole = [HEADER, BODY].concat();
    assert_eq!(entry.size, u64::try_from(whole.len()).expect("a length"));
    for step in [1, 7, 1000] {
        assert_eq!(
            content(queue, identity, step).await,
            whole,
            "in runs of {step}"
        );
    }
}

/// A draft can be read back and cut before it is committed.
pub async fn a_draft_is_read_back_and_cut(queue: &dyn Queue) {
    let mut draft = queue.create().await.expect("create");
    for octet in BODY.chunks(3) {
        draft.write(octet).await.expect("write");
    }
    let mut back = Vec::new();
    while back.len() < BODY.len() {
        let place = u64::try_from(back.len()).expect("a length");
        let run = draft.read(place..place + 5).await.expect("read");
        assert!(!run.is_empty(), "a run within the draft is not empty");
        back.extend_from_slice(&run);
    }
    assert_eq!(back, BODY);
    draft.truncate(1_000_000).await.expect("truncate");
    draft.truncate(4).await.expect("truncate");
    draft.write(b"new\r\n").await.expect("write");
    let committed = draft
        .commit(Bytes::new(), envelope(1), at(0), Lane::Incoming)
        .await;
    let identity = committed.expect("commit");
    assert_eq!(
        content(queue, identity, 100).await,
        [&BODY[..4], b"new\r\n"].concat()
    );
}

/// A draft that is dropped leaves nothing behind, and identities are never given twice.
pub async fn a_dropped_draft_leaves_nothing(queue: &dyn Queue) {
    let mut draft = queue.create().await.expect("create");
    draft.write(BODY).await.expect("write");
    drop(draft);
    assert_eq!(queue.page(None, None, 10).await.expect("page"), []);
    assert_eq!(claimed(queue, 0, 10).await, []);
    let mut identities = Vec::new();
    for _ in 0..10 {
        let identity = queued(queue, 0, 1).await;
        assert!(
            !identities.contains(&identity),
            "{identity} was given twice"
        );
        identities.push(identity);
        assert!(queue.remove(identity).await.expect("remove"));
    }
}

/// What was removed is gone for everybody.
pub async fn what_is_removed_is_gone(queue: &dyn Queue) {
    let identity = queued(queue, 0, 1).await;
    let claim = one_claimed(queue, 0).await;
    assert!(queue.remove(identity).await.expect("remove"));
    assert!(!queue.remove(identity).await.expect("remove"));
    assert_eq!(queue.entry(identity).await.expect("entry"), None);
    assert!(queue.content(identity).await.expect("content").is_none());
    assert_eq!(queue.renew(&claim, at(9)).await.expect("renew"), None);
    let marked = queue.mark(&claim, &[(0, Outcome::Done)], None).await;
    assert_eq!(marked.map_err(|error| error.kind()), Err(Kind::NotFound));
    let assigned = queue.assign(identity, Lane::Hold).await;
    assert_eq!(assigned.map_err(|error| error.kind()), Err(Kind::NotFound));
    assert_eq!(claimed(queue, 1000, 10).await, []);
    assert_eq!(queue.page(None, None, 10).await.expect("page"), []);
}

/// Content that somebody reads stays readable when its message is removed meanwhile, or fails as a whole; it
/// never turns into something else.
pub async fn content_being_read_never_turns_into_another(queue: &dyn Queue) {
    let identity = queued(queue, 0, 1).await;
    let body = queue
        .content(identity)
        .await
        .expect("content")
        .expect("it is there");
    assert!(queue.remove(identity).await.expect("remove"));
    let other = queued(queue, 0, 1).await;
    if let Ok(run) = body.read(0..body.len()).await {
        assert!([HEADER, BODY].concat().starts_with(&run) && !run.is_empty());
    }
    assert_eq!(content(queue, other, 100).await, [HEADER, BODY].concat());
}

/// Pages of any size give every message once, in the order of identities, of one lane or of all.
pub async fn pages_give_every_message_once_in_order(queue: &dyn Queue) {
    let mut all = Vec::new();
    for n in 0..9 {
        let identity = queued(queue, n % 3, 1).await;
        if n % 3 == 0 {
            queue.assign(identity, Lane::Hold).await.expect("assign");
        }
        all.push((identity, n % 3 == 0));
    }
    all.sort_unstable();
    let ids = |held: Option<bool>| -> Vec<Identity> {
        let wanted = all
            .iter()
            .filter(|(_, is)| held.is_none_or(|held| held == *is));
        wanted.map(|(identity, _)| *identity).collect()
    };
    for (lane, expected) in [
        (None, ids(None)),
        (Some(Lane::Hold), ids(Some(true))),
        (Some(Lane::Incoming), ids(Some(false))),
        (Some(Lane::Corrupt), Vec::new()),
    ] {
        for size in [1, 2, 9, 100] {
            let mut seen: Vec<Identity> = Vec::new();
            loop {
                let page = queue
                    .page(lane, seen.last().copied(), size)
                    .await
                    .expect("page");
                assert!(page.len() <= size);
                if page.is_empty() {
                    break;
                }
                seen.extend(page.iter().map(|entry| entry.identity));
                assert!(seen.len() <= expected.len(), "pages come to an end");
            }
            assert_eq!(seen, expected, "{lane:?} by {size}");
        }
    }
}

/// A draft knows the identity that its message will have, and no two drafts have the same.
pub async fn a_draft_knows_its_identity(queue: &dyn Queue) {
    let mut known = Vec::new();
    let drafts = [
        queue.create().await.expect("create"),
        queue.create().await.expect("create"),
    ];
    for draft in drafts {
        let identity = draft.identity();
        assert!(!known.contains(&identity), "{identity} was given twice");
        let header = Bytes::from_static(HEADER);
        let committed = draft
            .commit(header, envelope(1), at(0), Lane::Incoming)
            .await;
        assert_eq!(committed.expect("commit"), identity);
        known.push(identity);
    }
}

/// A message may be committed into the hold lane and waits there; no other lane but incoming takes new ones.
pub async fn a_message_may_be_held_from_the_first(queue: &dyn Queue) {
    for lane in [Lane::Active, Lane::Deferred, Lane::Corrupt] {
        let draft = queue.create().await.expect("create");
        let refused = draft.commit(Bytes::new(), envelope(1), at(0), lane).await;
        let kind = refused.map_err(|error| error.kind());
        assert_eq!(kind, Err(Kind::Unsupported), "{lane:?}");
    }
    assert_eq!(queue.page(None, None, 10).await.expect("page"), []);
    let draft = queue.create().await.expect("create");
    let header = Bytes::from_static(HEADER);
    let committed = draft.commit(header, envelope(1), at(0), Lane::Hold).await;
    let identity = committed.expect("commit");
    assert_eq!(claimed(queue, 1000, 10).await, []);
    let held = queue.page(Some(Lane::Hold), None, 10).await.expect("page");
    assert_eq!(held.len(), 1);
    queue
        .assign(identity, Lane::Incoming)
        .await
        .expect("assign");
    assert_eq!(one_claimed(queue, 0).await.entry.identity, identity);
}
