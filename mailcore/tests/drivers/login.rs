//! Logging in, by every protocol and every mechanism: right, wrong, unknown, and while nobody can tell.

use crate::heard::Log;
use crate::world::{Calls, World};
use mailcore::sasl::Mechanism;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

const BY: [Calls; 3] = [Calls::Submission, Calls::Imap, Calls::Pop3];
/// What passwords that are kept as they are can serve under TLS.
const MECHANISMS: [Mechanism; 7] = [
    Mechanism::ScramSha256Plus,
    Mechanism::ScramSha1Plus,
    Mechanism::ScramSha256,
    Mechanism::ScramSha1,
    Mechanism::CramMd5,
    Mechanism::Plain,
    Mechanism::Login,
];

/// What is said first to a login that succeeds, that is refused, and that cannot be decided now.
fn words(calls: Calls) -> [&'static str; 3] {
    match calls {
        Calls::Imap => [
            "a OK ",
            "a NO [AUTHENTICATIONFAILED] ",
            "a NO [UNAVAILABLE] ",
        ],
        Calls::Pop3 => ["+OK", "-ERR [AUTH] ", "-ERR [SYS/TEMP] "],
        _ => ["235 2.7.0 ", "535 5.7.8 ", "454 4.7.0 "],
    }
}

#[tokio::test(start_paused = true)]
async fn every_mechanism_lets_the_right_password_in_at_once() {
    let world = World::new();
    for calls in BY {
        for mechanism in MECHANISMS {
            let mut client = world.call(calls);
            client.greet().await;
            let mut client = client.secured().await;
            let began = Instant::now();
            let said = client.authenticate(mechanism, "alice", "alice").await;
            let last = said.lines().last().unwrap_or_default();
            assert!(
                last.starts_with(words(calls)[0]),
                "{calls:?} {mechanism}: {said}"
            );
            assert_eq!(began.elapsed(), Duration::ZERO, "{calls:?} {mechanism}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_and_an_unknown_user_are_refused_alike_after_two_seconds() {
    for calls in BY {
        for mechanism in MECHANISMS {
            let world = World::new();
            let mut heard = Vec::new();
            for (name, password) in [("alice", "bob"), ("nobody", "nobody")] {
                let mut client = world.call(calls);
                client.greet().await;
                let mut client = client.secured().await;
                let began = Instant::now();
                let said = client.authenticate(mechanism, name, password).await;
                assert!(
                    said.starts_with(words(calls)[1]),
                    "{calls:?} {mechanism}: {said}"
                );
                let waited = began.elapsed().as_millis();
                assert!(
                    (2000..2100).contains(&waited),
                    "{calls:?} {mechanism}: {waited} ms"
                );
                heard.push(said);
            }
            assert_eq!(
                heard[0], heard[1],
                "which of both it was is nobody's business"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_cannot_be_decided_is_put_off_at_once_and_never_refused() {
    let world = World::new();
    world.directory.mute.store(true, Ordering::SeqCst);
    for calls in BY {
        for mechanism in MECHANISMS {
            let mut client = world.call(calls);
            client.greet().await;
            let mut client = client.secured().await;
            let began = Instant::now();
            let said = client.authenticate(mechanism, "alice", "alice").await;
            assert!(
                said.starts_with(words(calls)[2]),
                "{calls:?} {mechanism}: {said}"
            );
            assert_eq!(began.elapsed(), Duration::ZERO, "nobody guessed");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn plain_passwords_of_imap_and_pop3_obey_the_same_gate() {
    let world = World::new();
    let mut imap = world.call_at_home(Calls::Imap);
    imap.greet().await;
    assert!(
        imap.say("a LOGIN alice bob")
            .await
            .starts_with("a NO [AUTHENTICATIONFAILED] ")
    );
    assert!(imap.say("a LOGIN alice alice").await.contains("a OK "));

    let mut pop3 = world.call_at_home(Calls::Pop3);
    pop3.greet().await;
    pop3.say("USER alice").await;
    assert!(pop3.say("PASS bob").await.starts_with("-ERR [AUTH] "));
    pop3.say("USER alice").await;
    assert!(pop3.say("PASS alice").await.starts_with("+OK"));

    world.directory.mute.store(true, Ordering::SeqCst);
    let mut imap = world.call_at_home(Calls::Imap);
    imap.greet().await;
    assert!(
        imap.say("a LOGIN alice alice")
            .await
            .starts_with("a NO [UNAVAILABLE] ")
    );
    let mut pop3 = world.call_at_home(Calls::Pop3);
    pop3.greet().await;
    pop3.say("USER alice").await;
    assert!(pop3.say("PASS alice").await.starts_with("-ERR [SYS/TEMP] "));
}

#[tokio::test(start_paused = true)]
async fn who_may_not_log_in_does_not_by_any_mechanism_wherever_his_mail_is() {
    let proxied = [("nologin", ""), ("proxy", ""), ("host", "b.test")];
    let moved = [("nologin", ""), ("host", "b.test")];
    for fields in [&moved[..1], &moved, &proxied, &proxied[..2]] {
        let world = World::new();
        world.enlist("dora", fields);
        for calls in BY {
            for mechanism in MECHANISMS {
                let mut client = world.call(calls);
                client.greet().await;
                let mut client = client.secured().await;
                let said = client.authenticate(mechanism, "dora", "dora").await;
                let refused = match calls {
                    Calls::Imap => "a NO [",
                    Calls::Pop3 => "-ERR ",
                    _ => "535 5.7.8 ",
                };
                assert!(
                    said.starts_with(refused),
                    "{fields:?} {calls:?} {mechanism}: {said}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_referral_is_told_to_whoever_knows_the_password_and_to_nobody_else() {
    let world = World::new();
    let moved = [
        ("nologin", ""),
        ("host", "b.test"),
        ("port", "1143"),
        ("reason", "Moved"),
    ];
    world.enlist("dora", &moved);
    world.enlist("emil", &moved[..2]);
    world.enlist("fred", &moved[1..2]);
    world.enlist("gina", &[("nologin", ""), ("host", "b.test\r\n* BYE")]);
    for (name, password, by_password, said) in [
        (
            "dora",
            "dora",
            true,
            "NO [REFERRAL imap://dora%40example.test;AUTH=*@b.test:1143/] Moved",
        ),
        (
            "emil",
            "emil",
            true,
            "NO [REFERRAL imap://emil%40example.test;AUTH=*@b.test/] Try this server instead.",
        ),
        (
            "fred",
            "fred",
            false,
            "OK [REFERRAL imap://fred%40example.test;AUTH=*@b.test/] Logged in, but you should use this server instead.",
        ),
        (
            "gina",
            "gina",
            true,
            "NO [CONTACTADMIN] Account is disabled.",
        ),
        (
            "dora",
            "emil",
            false,
            "NO [AUTHENTICATIONFAILED] Authentication failed.",
        ),
        (
            "fred",
            "emil",
            false,
            "NO [AUTHENTICATIONFAILED] Authentication failed.",
        ),
    ] {
        let mut imap = world.call_at_home(Calls::Imap);
        imap.greet().await;
        let heard = imap.say(&format!("a LOGIN {name} {password}")).await;
        assert_eq!(heard.lines().last(), Some(&*format!("a {said}")), "{name}");
        // Where a challenge is answered, who is barred cannot be told from who is unknown; the others are alike.
        let scrams = [Mechanism::ScramSha256, Mechanism::CramMd5];
        let proofs = scrams.into_iter().filter(|_| !by_password);
        for mechanism in [Mechanism::Plain, Mechanism::Login]
            .into_iter()
            .chain(proofs)
        {
            let mut imap = world.call(Calls::Imap);
            imap.greet().await;
            let mut imap = imap.secured().await;
            let heard = imap.authenticate(mechanism, name, password).await;
            assert_eq!(
                heard.lines().last(),
                Some(&*format!("a {said}")),
                "{mechanism}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_sends_no_password_in_the_clear() {
    let world = World::new();
    let mut imap = world.call(Calls::Imap);
    imap.greet().await;
    let said = imap.say("a LOGIN alice alice").await;
    assert!(said.contains("a NO [PRIVACYREQUIRED] "), "{said}");
    let mut pop3 = world.call(Calls::Pop3);
    pop3.greet().await;
    assert!(pop3.say("USER alice").await.starts_with("-ERR"));
    // Submission offers AUTH under TLS alone, also to whoever is at home.
    let mut smtp = world.call_at_home(Calls::Submission);
    smtp.greet().await;
    assert!(!smtp.say("EHLO client.test").await.contains("AUTH"));
    let said = smtp.say("AUTH PLAIN AGFsaWNlAGFsaWNl").await;
    assert!(said.starts_with('5'), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_user_whose_entry_cannot_be_found_now_does_not_come_in() {
    let world = World::new();
    world.directory.lost.store(true, Ordering::SeqCst);
    let mut imap = world.call_at_home(Calls::Imap);
    imap.greet().await;
    let said = imap.say("a LOGIN alice alice").await;
    assert!(
        said.contains("* BYE ") && said.contains("initialization failed"),
        "{said}"
    );
    let mut pop3 = world.call_at_home(Calls::Pop3);
    pop3.greet().await;
    pop3.say("USER alice").await;
    let said = pop3.say("PASS alice").await;
    assert!(said.starts_with("-ERR [SYS/TEMP] "), "{said}");
}

#[tokio::test(start_paused = true)]
async fn guessing_from_one_address_gets_slower_and_the_right_password_never_waits() {
    let world = World::new();
    let mut waits = Vec::new();
    for _ in 0..6 {
        let mut client = world.call(Calls::Imap);
        client.greet().await;
        let mut client = client.secured().await;
        let began = Instant::now();
        client.authenticate(Mechanism::Plain, "alice", "x").await;
        waits.push(began.elapsed().as_secs());
    }
    assert_eq!(waits, [2, 2, 4, 8, 15, 15]);
    let mut client = world.call(Calls::Pop3);
    client.greet().await;
    let mut client = client.secured().await;
    let began = Instant::now();
    assert!(
        client
            .authenticate(Mechanism::Plain, "alice", "alice")
            .await
            .starts_with("+OK")
    );
    assert_eq!(began.elapsed(), Duration::ZERO);
    // A webmail on this host logs in for everybody: its users do not wait for one another's mistakes.
    for _ in 0..4 {
        let mut client = world.call_at_home(Calls::Imap);
        client.greet().await;
        let began = Instant::now();
        client.say("a LOGIN alice x").await;
        assert_eq!(began.elapsed().as_secs(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_before_its_refusal_leaves_one_line() {
    let log = Log::listen();
    let world = World::new();
    let mut client = world.call_at_home(Calls::Imap);
    client.greet().await;
    client.send("a LOGIN alice bob\r\n").await;
    tokio::task::yield_now().await;
    drop(client);
    let began = Instant::now();
    while log.mail().is_empty() && began.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(log.mail().len(), 1, "{}", log.text());
    assert!(
        log.text().starts_with("imap-login: Disconnected: "),
        "{}",
        log.text()
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_guesser_does_not_wait_for_his_next_attempt_waits() {
    for mechanism in [Mechanism::Plain, Mechanism::ScramSha256] {
        let world = World::new();
        let mut guesser = world.call(Calls::Imap);
        guesser.greet().await;
        let mut guesser = guesser.secured().await;
        {
            let guess = guesser.authenticate(Mechanism::Plain, "alice", "bob");
            let heard = tokio::time::timeout(Duration::from_millis(500), guess).await;
            assert!(heard.is_err(), "it is refused after two seconds");
        }
        drop(guesser);
        let mut again = world.call(Calls::Submission);
        again.greet().await;
        let mut again = again.secured().await;
        let began = Instant::now();
        let said = again.authenticate(mechanism, "alice", "alice").await;
        assert!(said.contains("235 "), "{said}");
        let waited = began.elapsed().as_millis();
        assert!((1400..1600).contains(&waited), "{waited} ms");
        // The time has been waited: once for all.
        let mut third = world.call(Calls::Pop3);
        third.greet().await;
        let mut third = third.secured().await;
        let began = Instant::now();
        third.authenticate(mechanism, "alice", "alice").await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
