//! Who works on a message has it to himself, and what became of its recipients is remembered.

use super::*;

/// A message is claimed by one at a time; who claims has it as it stands, and it is active then.
pub async fn a_message_is_claimed_by_one_at_a_time(queue: &dyn Queue) {
    let identity = queued(queue, 0, 1).await;
    let claim = one_claimed(queue, 0).await;
    assert_eq!(claim.entry.identity, identity);
    assert_eq!(claim.entry.lane, Lane::Active);
    assert_eq!(claim.until, at(5));
    assert_eq!(claimed(queue, 4, 10).await, [], "while the claim holds");
    let entry = queue
        .entry(identity)
        .await
        .expect("entry")
        .expect("it is there");
    assert_eq!(entry, claim.entry);
}

/// A claim that runs out passes to somebody else; what the first one then says of his deliveries is recorded,
/// and the message stays with the second.
pub async fn a_claim_that_runs_out_passes_on(queue: &dyn Queue) {
    let identity = queued(queue, 0, 2).await;
    let first = one_claimed(queue, 0).await;
    let second = one_claimed(queue, 5).await;
    assert_eq!(second.entry.identity, identity);
    assert_ne!(first.turn, second.turn);
    let late = queue.mark(&first, &[(0, Outcome::Done)], Some(at(6))).await;
    assert!(!late.expect("mark"), "the first one holds it no longer");
    assert_eq!(queue.renew(&first, at(60)).await.expect("renew"), None);
    let entry = queue
        .entry(identity)
        .await
        .expect("entry")
        .expect("it is there");
    assert_eq!((entry.lane, entry.attempts), (Lane::Active, 0));
    assert_eq!(entry.outcomes, [Some(Outcome::Done), None]);
    assert_eq!(claimed(queue, 6, 10).await, [], "the second one holds it");
    assert!(queue.mark(&second, &[], Some(at(20))).await.expect("mark"));
}

/// A claim that is renewed holds until then.
pub async fn a_claim_is_renewed(queue: &dyn Queue) {
    queued(queue, 0, 1).await;
    let claim = one_claimed(queue, 0).await;
    let renewed = queue.renew(&claim, at(30)).await.expect("renew");
    let renewed = renewed.expect("it is held");
    assert_eq!(renewed.until, at(30));
    assert_eq!(claimed(queue, 29, 10).await, []);
    assert!(
        queue.mark(&renewed, &[], None).await.expect("mark"),
        "it is held"
    );
    assert_eq!(
        claimed(queue, 30, 10).await.len(),
        1,
        "the renewed claim has run out"
    );
}

/// What has been due the longest is claimed first, and no more than asked for.
pub async fn what_is_due_longest_comes_first(queue: &dyn Queue) {
    let deferred = queued(queue, 0, 1).await;
    let claim = one_claimed(queue, 0).await;
    assert!(queue.mark(&claim, &[], Some(at(3))).await.expect("mark"));
    let second = queued(queue, 4, 1).await;
    let first = queued(queue, 2, 1).await;
    assert_eq!(claimed(queue, 9, 0).await, []);
    let mut order = Vec::new();
    for _ in 0..3 {
        let claims = claimed(queue, 9, 1).await;
        assert_eq!(claims.len(), 1);
        order.extend(claims.iter().map(|claim| claim.entry.identity));
    }
    assert_eq!(order, [first, deferred, second]);
    assert_eq!(claimed(queue, 9, 1).await, []);
}

/// A message that is given back is due when it was said, not before; its attempts are counted.
pub async fn a_deferred_message_waits_until_it_is_due(queue: &dyn Queue) {
    let identity = queued(queue, 0, 2).await;
    let claim = one_claimed(queue, 0).await;
    let why = Outcome::Deferred("host is down".to_owned());
    let outcomes = [(1, why.clone())];
    assert!(
        queue
            .mark(&claim, &outcomes, Some(at(10)))
            .await
            .expect("mark")
    );
    let entry = queue
        .entry(identity)
        .await
        .expect("entry")
        .expect("it is there");
    assert_eq!(
        (entry.lane, entry.due, entry.attempts),
        (Lane::Deferred, Some(at(10)), 1)
    );
    assert_eq!(entry.outcomes, [None, Some(why.clone())]);
    assert_eq!(claimed(queue, 9, 10).await, []);
    let again = one_claimed(queue, 10).await;
    assert_eq!(again.entry.due, None);
    assert_eq!(again.entry.outcomes, [None, Some(why)]);
    assert!(queue.mark(&again, &[], Some(at(20))).await.expect("mark"));
    let entry = queue
        .entry(identity)
        .await
        .expect("entry")
        .expect("it is there");
    assert_eq!(entry.attempts, 2);
    assert!(
        !queue.mark(&again, &[], Some(at(30))).await.expect("mark"),
        "it was given back"
    );
}

/// A recipient that is done or has failed stays so, and outcomes can be recorded without giving back.
pub async fn what_is_done_stays_done(queue: &dyn Queue) {
    let identity = queued(queue, 0, 3).await;
    let claim = one_claimed(queue, 0).await;
    let failed = Outcome::Failed("no such user".to_owned());
    let deferred = Outcome::Deferred("later".to_owned());
    let facts = [
        (0, Outcome::Done),
        (1, failed.clone()),
        (2, deferred.clone()),
    ];
    assert!(queue.mark(&claim, &facts, None).await.expect("mark"));
    let entry = queue
        .entry(identity)
        .await
        .expect("entry")
        .expect("it is there");
    assert_eq!(
        (entry.lane, entry.attempts),
        (Lane::Active, 0),
        "it stays with its holder"
    );
    let changed = [
        (0, deferred.clone()),
        (1, Outcome::Done),
        (2, Outcome::Done),
    ];
    assert!(
        queue
            .mark(&claim, &changed, Some(at(9)))
            .await
            .expect("mark")
    );
    let entry = queue
        .entry(identity)
        .await
        .expect("entry")
        .expect("it is there");
    let done = Some(Outcome::Done);
    assert_eq!(entry.outcomes, [done.clone(), Some(failed), done]);
}

/// An outcome for a recipient that there is not is refused as a whole.
pub async fn a_recipient_that_is_not_there_is_refused(queue: &dyn Queue) {
    let identity = queued(queue, 0, 1).await;
    let claim = one_claimed(queue, 0).await;
    let facts = [(0, Outcome::Done), (1, Outcome::Done)];
    let refused = queue.mark(&claim, &facts, Some(at(9))).await;
    assert_eq!(refused.map_err(|error| error.kind()), Err(Kind::NotFound));
    let entry = queue
        .entry(identity)
        .await
        .expect("entry")
        .expect("it is there");
    assert_eq!((entry.lane, entry.outcomes), (Lane::Active, vec![None]));
}

/// A held message is claimed by nobody until it is released; to hold it ends the claim on it.
pub async fn a_held_message_waits_to_be_released(queue: &dyn Queue) {
    let identity = queued(queue, 0, 1).await;
    let claim = one_claimed(queue, 0).await;
    for lane in [Lane::Hold, Lane::Corrupt] {
        queue.assign(identity, lane).await.expect("assign");
        assert_eq!(claimed(queue, 1000, 10).await, [], "{lane:?}");
        assert!(
            !queue.mark(&claim, &[], Some(at(1))).await.expect("mark"),
            "{lane:?}"
        );
        let entry = queue
            .entry(identity)
            .await
            .expect("entry")
            .expect("it is there");
        assert_eq!(entry.lane, lane);
    }
    for lane in [Lane::Incoming, Lane::Deferred] {
        queue.assign(identity, lane).await.expect("assign");
        let again = one_claimed(queue, 1000).await;
        assert_eq!(again.entry.identity, identity, "{lane:?}");
    }
    let refused = queue.assign(identity, Lane::Active).await;
    assert_eq!(
        refused.map_err(|error| error.kind()),
        Err(Kind::Unsupported)
    );
}

/// That a sender was warned is remembered, whatever the message goes through, and changes nothing else.
pub async fn a_warning_is_remembered(queue: &dyn Queue) {
    let identity = queued(queue, 0, 1).await;
    let claim = one_claimed(queue, 0).await;
    queue.warned(identity).await.expect("warned");
    queue.warned(identity).await.expect("warned again");
    assert!(queue.mark(&claim, &[], Some(at(3))).await.expect("mark"));
    queue
        .assign(identity, Lane::Incoming)
        .await
        .expect("assign");
    let again = one_claimed(queue, 3).await;
    assert!(again.entry.warned);
    assert_eq!(again.entry.attempts, 1);
    assert!(queue.remove(identity).await.expect("remove"));
    let gone = queue.warned(identity).await;
    assert_eq!(gone.map_err(|error| error.kind()), Err(Kind::NotFound));
}

/// A text that a peer made long is kept in part, at a character's border.
pub async fn a_long_reason_is_cut(queue: &dyn Queue) {
    let identity = queued(queue, 0, 2).await;
    let claim = one_claimed(queue, 0).await;
    let long = format!("x{}", "é".repeat(Outcome::LONGEST));
    let outcomes = [
        (0, Outcome::Failed(long.clone())),
        (1, Outcome::Deferred(long)),
    ];
    assert!(queue.mark(&claim, &outcomes, None).await.expect("mark"));
    let entry = queue
        .entry(identity)
        .await
        .expect("entry")
        .expect("it is there");
    for outcome in entry.outcomes {
        let Some(Outcome::Failed(text) | Outcome::Deferred(text)) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(text.len(), Outcome::LONGEST - 1);
        assert!(text.starts_with('x') && text.ends_with('é'));
    }
}
