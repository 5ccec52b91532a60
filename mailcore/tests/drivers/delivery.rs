//! What is said of a message when mailboxes fail: nothing is acknowledged that is not safe, and what can be told of
//! each recipient is told of each.

use crate::heard::Log;
use crate::world::{At, Calls, World};
use mailcore::store::Kind;
use std::time::Duration;

const ALICE: &str = "alice@example.test";
const BOB: &str = "bob@example.test";
const CAROL: &str = "carol@example.test";
const STAGES: [At; 3] = [At::Open, At::Write, At::Commit];

#[tokio::test(start_paused = true)]
async fn lmtp_answers_for_each_recipient_by_itself() {
    for at in STAGES {
        let world = World::new();
        world.mailboxes.fail(BOB, at, Kind::Unavailable);
        world.mailboxes.fail(CAROL, at, Kind::OverQuota);
        let mut lmtp = world.call(Calls::Lmtp);
        lmtp.greet().await;
        let heard = lmtp.deliver(&[ALICE, BOB, CAROL], 3).await;
        assert!(
            heard[0].starts_with("250 2.0.0 <alice@example.test> "),
            "{at:?}: {heard:?}"
        );
        assert!(heard[0].ends_with(" Saved"), "{at:?}: {heard:?}");
        assert_eq!(
            heard[1], "451 4.2.0 <bob@example.test> Temporary internal error",
            "{at:?}"
        );
        assert_eq!(
            heard[2], "552 5.2.2 <carol@example.test> Quota exceeded (mailbox for user is full)",
            "{at:?}"
        );
        for (user, count) in [(ALICE, 1), (BOB, 0), (CAROL, 0)] {
            assert_eq!(world.mailboxes.count(user).await, count, "{at:?} {user}");
        }
        // The connection is as good as before.
        assert!(lmtp.deliver(&[ALICE], 1).await[0].starts_with("250 "));
        assert_eq!(lmtp.leave().await, "221 2.0.0 Bye\r\n");
    }
}

#[tokio::test(start_paused = true)]
async fn smtp_acknowledges_nothing_unless_every_copy_is_safe() {
    let cases = [
        (Kind::Unavailable, "451 4.3.0 "),
        (Kind::Full, "452 4.3.1 "),
        (Kind::OverQuota, "452 4.2.2 "),
        (Kind::Denied, "451 4.3.0 "),
        (Kind::Corrupt, "451 4.3.0 "),
    ];
    for at in STAGES {
        for (kind, expected) in cases {
            let log = Log::listen();
            let world = World::new();
            world.mailboxes.fail(BOB, at, kind);
            let mut smtp = world.call(Calls::Smtp);
            smtp.greet().await;
            let heard = smtp.deliver(&[ALICE, BOB], 1).await;
            assert!(heard[0].starts_with(expected), "{at:?} {kind:?}: {heard:?}");
            assert_eq!(world.mailboxes.count(BOB).await, 0);
            if at != At::Commit {
                assert_eq!(
                    world.mailboxes.count(ALICE).await,
                    0,
                    "{at:?}: nothing is left behind"
                );
            }
            assert!(!log.text().contains("status=sent"), "{}", log.text());
            assert!(!log.text().contains("queue active"), "{}", log.text());
            let stage = if at == At::Open {
                "DATA"
            } else {
                "END-OF-MESSAGE"
            };
            let noted = format!("NOQUEUE: reject: {stage} from unknown[192.0.2.7]: {expected}");
            assert!(log.text().contains(&noted), "{at:?}: {}", log.text());
            assert!(smtp.deliver(&[ALICE], 1).await[0].starts_with("250 2.0.0 Ok: queued as "));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn mail_for_a_user_who_cannot_be_looked_up_now_is_put_off() {
    let world = World::new();
    world
        .directory
        .lost
        .store(true, std::sync::atomic::Ordering::SeqCst);
    for (calls, expected) in [(Calls::Smtp, "451 4.3.0 "), (Calls::Lmtp, "451 4.3.0 ")] {
        let mut client = world.call(calls);
        client.greet().await;
        client.say("MAIL FROM:<>").await;
        for user in [ALICE, "nobody@example.test"] {
            let said = client.say(&format!("RCPT TO:<{user}>")).await;
            assert!(said.starts_with(expected), "{calls:?} {user}: {said}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_is_carried_through_when_the_client_hangs_up() {
    for (calls, line) in [
        (Calls::Smtp, "status=sent"),
        (Calls::Lmtp, "saved mail to INBOX"),
    ] {
        let log = Log::listen();
        let world = World::new();
        // Commits wait until they are let go.
        world.mailboxes.commits.forget_permits(usize::MAX);
        let mut client = world.call(calls);
        client.greet().await;
        client.say(&format!("MAIL FROM:<{BOB}>")).await;
        client.say(&format!("RCPT TO:<{ALICE}>")).await;
        client.say("DATA").await;
        client.send("Subject: hi\r\n\r\nFirst mail.\r\n.\r\n").await;
        // Time stands still while anybody has something to do: then the commit is what is waited for.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(world.mailboxes.count(ALICE).await, 0);
        drop(client);
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(world.mailboxes.count(ALICE).await, 0, "it still waits");
        world.mailboxes.commits.add_permits(1);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(world.mailboxes.count(ALICE).await, 1, "{calls:?}");
        assert!(log.text().contains(line), "{calls:?}:\n{}", log.text());
    }
}

#[tokio::test(start_paused = true)]
async fn content_that_stops_half_way_leaves_nothing() {
    for calls in [Calls::Smtp, Calls::Lmtp] {
        let world = World::new();
        let mut client = world.call(calls);
        client.greet().await;
        client.say("MAIL FROM:<>").await;
        client.say(&format!("RCPT TO:<{ALICE}>")).await;
        client.say("DATA").await;
        client.send("Subject: hi\r\n\r\nFirst mail.\r\n").await;
        drop(client);
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(world.mailboxes.count(ALICE).await, 0, "{calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_delivered_is_read_by_imap_and_pop3() {
    let world = World::new();
    let mut smtp = world.call(Calls::Smtp);
    smtp.greet().await;
    smtp.deliver(&["alice+lists@example.test", BOB], 1).await;

    let mut imap = world.call_at_home(Calls::Imap);
    imap.greet().await;
    imap.say("a LOGIN alice alice").await;
    assert!(imap.say("a SELECT INBOX").await.contains("* 1 EXISTS"));
    let said = imap
        .say("a FETCH 1 BODY[HEADER.FIELDS (DELIVERED-TO)]")
        .await;
    // Who else got it, and by which address it came, is not told where there was more than one.
    assert!(said.contains("Delivered-To: alice@example.test"), "{said}");
    assert!(imap.leave().await.contains("* BYE "));

    let mut pop3 = world.call_at_home(Calls::Pop3);
    pop3.greet().await;
    pop3.say("USER bob").await;
    pop3.say("PASS bob").await;
    assert!(pop3.say("STAT").await.starts_with("+OK 1 "));
    assert!(pop3.say("DELE 1").await.starts_with("+OK"));
    assert!(pop3.leave().await.starts_with("+OK"));
    assert_eq!(world.mailboxes.count(BOB).await, 0);
    assert_eq!(world.mailboxes.count(ALICE).await, 1);
}
