//! The log as administrators know it: what Postfix and Dovecot wrote for the same sessions.

use crate::heard::{Log, same};
use crate::world::{At, Calls, World};
use mailcore::sasl::Mechanism;
use mailcore::store::Kind;
use mailcore_base::wire::Notice;
use std::time::Duration;

/// Whoever has said goodbye is logged once the other end has heard it.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_by_smtp() {
    let log = Log::listen();
    let world = World::new();
    let mut smtp = world.call_at_home(Calls::Smtp);
    smtp.greet().await;
    smtp.deliver(&["alice+x@example.test"], 1).await;
    smtp.leave().await;
    settle().await;
    assert_eq!(
        log.mail(),
        [
            "postfix/smtpd: connect from localhost[127.0.0.1]",
            "postfix/smtpd: QUEUEID: client=localhost[127.0.0.1]",
            "postfix/cleanup: QUEUEID: message-id=<1@client.test>",
            "postfix/qmgr: QUEUEID: from=<sender@client.test>, size=57, nrcpt=1 (queue active)",
            "postfix/virtual: QUEUEID: to=<alice@example.test>, orig_to=<alice+x@example.test>, relay=virtual, \
             delay=…, dsn=2.0.0, status=sent (delivered to mailbox)",
            "postfix/qmgr: QUEUEID: removed",
            "postfix/smtpd: disconnect from localhost[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_submission_with_tls_and_a_login_and_one_that_fails() {
    let log = Log::listen();
    let world = World::new();
    let mut smtp = world.call_at_home(Calls::Submission);
    smtp.greet().await;
    let mut smtp = smtp.secured().await;
    smtp.authenticate(Mechanism::Plain, "alice", "x").await;
    smtp.authenticate(Mechanism::ScramSha256, "alice", "alice")
        .await;
    smtp.deliver(&["bob@example.test"], 1).await;
    smtp.leave().await;
    settle().await;
    let lines = log.mail();
    let program = "postfix/submission/smtpd";
    assert_eq!(
        lines[0],
        format!("{program}: connect from localhost[127.0.0.1]")
    );
    let tls = "Anonymous TLS connection established from localhost[127.0.0.1]: TLSv1.3 with cipher \
               TLS_AES_256_GCM_SHA384 (256/256 bits)";
    assert!(
        lines[1].starts_with(&format!("{program}: {tls}")),
        "{}",
        lines[1]
    );
    assert_eq!(
        lines[2],
        format!(
            "{program}: warning: localhost[127.0.0.1]: SASL PLAIN authentication failed: (reason unavailable), \
             sasl_username=alice"
        )
    );
    assert_eq!(
        lines[3],
        format!(
            "{program}: QUEUEID: client=localhost[127.0.0.1], sasl_method=SCRAM-SHA-256, \
             sasl_username=alice@example.test"
        )
    );
    assert_eq!(
        lines.last().unwrap(),
        &format!(
            "{program}: disconnect from localhost[127.0.0.1] ehlo=2 starttls=1 auth=1/2 mail=1 rcpt=1 data=1 quit=1 \
             commands=8/9"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn refusals_and_lost_connections() {
    let log = Log::listen();
    let world = World::new();
    let mut smtp = world.call_at_home(Calls::Smtp);
    smtp.greet().await;
    smtp.say("MAIL FROM:<s@client.test>").await;
    smtp.say("RCPT TO:<x@elsewhere.test>").await;
    smtp.leave().await;
    settle().await;
    assert_eq!(
        log.mail()[1..],
        [
            "postfix/smtpd: NOQUEUE: reject: RCPT from localhost[127.0.0.1]: 454 4.7.1 <x@elsewhere.test>: Relay access \
             denied; from=<s@client.test> to=<x@elsewhere.test> proto=ESMTP helo=<client.test>",
            "postfix/smtpd: disconnect from localhost[127.0.0.1] ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4",
        ]
    );
    let log = Log::listen();
    let mut smtp = world.call_at_home(Calls::Smtp);
    smtp.greet().await;
    smtp.say("MAIL FROM:<s@client.test>").await;
    drop(smtp);
    settle().await;
    assert_eq!(
        log.mail()[1..],
        [
            "postfix/smtpd: lost connection after MAIL from localhost[127.0.0.1]",
            "postfix/smtpd: disconnect from localhost[127.0.0.1] ehlo=1 mail=1 commands=2",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_delivery_by_lmtp_names_each_saved_copy_by_its_own_id() {
    let log = Log::listen();
    let world = World::new();
    world
        .mailboxes
        .fail("bob@example.test", At::Commit, Kind::Unavailable);
    let mut lmtp = world.call(Calls::Lmtp);
    lmtp.greet().await;
    let users = [
        "alice@example.test",
        "bob@example.test",
        "carol@example.test",
    ];
    let heard = lmtp.deliver(&users, 3).await;
    assert_eq!(
        same(&heard[0]),
        "250 2.0.0 <alice@example.test> SESSION Saved"
    );
    assert_eq!(
        same(&heard[2]),
        "250 2.0.0 <carol@example.test> SESSION:R3 Saved"
    );
    lmtp.leave().await;
    settle().await;
    assert_eq!(
        log.mail(),
        [
            "lmtp(PID): Connect from 192.0.2.7",
            "lmtp(alice@example.test)<PID><SESSION>: msgid=<1@client.test>: saved mail to INBOX",
            "lmtp(carol@example.test)<PID><SESSION:R3>: msgid=<1@client.test>: saved mail to INBOX",
            "lmtp(PID): Disconnect from 192.0.2.7: Logged out (state=READY)",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_lmtp_session_that_breaks_off_says_where() {
    let begun = [
        "LHLO client.test",
        "MAIL FROM:<>",
        "RCPT TO:<bob@example.test>",
    ];
    for (said, state) in ["GREETING", "READY", "MAIL FROM", "RCPT TO"]
        .iter()
        .enumerate()
    {
        let log = Log::listen();
        let world = World::new();
        let mut lmtp = world.call(Calls::Lmtp);
        lmtp.line().await;
        for line in &begun[..said] {
            lmtp.say(line).await;
        }
        drop(lmtp);
        settle().await;
        let line =
            format!("lmtp(PID): Disconnect from 192.0.2.7: Connection closed (state={state})");
        assert_eq!(log.mail().last(), Some(&line));
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_of_imap_and_pop3() {
    let log = Log::listen();
    let world = World::new();
    let mut imap = world.call(Calls::Imap);
    imap.greet().await;
    let mut imap = imap.secured().await;
    imap.authenticate(Mechanism::Plain, "alice", "alice").await;
    imap.leave().await;
    settle().await;
    let lines = log.mail();
    assert_eq!(
        lines[0],
        "imap-login: Login: user=<alice@example.test>, method=PLAIN, rip=192.0.2.7, lip=127.0.0.1, mpid=PID, TLS, \
         session=<SESSION>"
    );
    assert!(
        lines[1]
            .starts_with("imap(alice@example.test)<PID><SESSION>: Disconnected: Logged out in="),
        "{}",
        lines[1]
    );
    assert!(
        lines[1].ends_with(
            " deleted=0 expunged=0 trashed=0 hdr_count=0 hdr_bytes=0 body_count=0 body_bytes=0"
        ),
        "{}",
        lines[1]
    );

    let log = Log::listen();
    let mut pop3 = world.call_at_home(Calls::Pop3);
    pop3.greet().await;
    pop3.say("USER alice").await;
    pop3.say("PASS alice").await;
    pop3.leave().await;
    settle().await;
    assert_eq!(
        log.mail(),
        [
            "pop3-login: Login: user=<alice@example.test>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, mpid=PID, secured, \
             session=<SESSION>",
            "pop3(alice@example.test)<PID><SESSION>: Disconnected: Logged out top=0/0, retr=0/0, del=0/0, size=0",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn failed_logins_by_imap_and_pop3_count_attempts_and_seconds() {
    for calls in [Calls::Imap, Calls::Pop3] {
        let log = Log::listen();
        let world = World::new();
        let mut client = world.call(calls);
        client.greet().await;
        let mut client = client.secured().await;
        client
            .authenticate(Mechanism::Plain, "alice@example.test", "x")
            .await;
        drop(client);
        settle().await;
        let service = if calls == Calls::Imap { "imap" } else { "pop3" };
        assert_eq!(
            log.mail(),
            [format!(
                "{service}-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): \
                 user=<alice@example.test>, method=PLAIN, rip=192.0.2.7, lip=127.0.0.1, TLS: Connection closed, \
                 session=<SESSION>"
            )]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_that_a_shutdown_ends() {
    for (calls, login, words) in [
        (Calls::Imap, "a LOGIN alice alice", " in="),
        (Calls::Pop3, "PASS alice", " top="),
    ] {
        let service = if calls == Calls::Imap { "imap" } else { "pop3" };
        let log = Log::listen();
        let world = World::new();
        let mut client = world.call_at_home(calls);
        client.greet().await;
        world.ring(Notice::Shutdown);
        settle().await;
        let begin = format!(
            "{service}-login: Disconnected: Shutting down (no auth attempts in 0 secs): user=<>, "
        );
        assert!(log.text().starts_with(&begin), "{}", log.text());

        let log = Log::listen();
        let mut client = world.call_at_home(calls);
        client.greet().await;
        if calls == Calls::Pop3 {
            client.say("USER alice").await;
        }
        client.say(login).await;
        world.ring(Notice::Shutdown);
        settle().await;
        let last = log.mail().pop().unwrap();
        let begin = format!(
            "{service}(alice@example.test)<PID><SESSION>: Disconnected: Server shutting down.{words}"
        );
        assert!(last.starts_with(&begin), "{last}");
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_errors_come_after_what_was_said_last() {
    let log = Log::listen();
    let world = World::new();
    let mut smtp = world.call_at_home(Calls::Smtp);
    smtp.line().await;
    for _ in 0..20 {
        smtp.say("nonsense").await;
    }
    smtp.line().await;
    settle().await;
    let lines = log.mail();
    assert_eq!(
        lines[lines.len() - 2],
        "postfix/smtpd: too many errors after UNKNOWN from localhost[127.0.0.1]"
    );
}

#[tokio::test(start_paused = true)]
async fn handshakes_behind_starttls_that_come_to_nothing() {
    for (calls, word) in [
        (Calls::Smtp, "STARTTLS"),
        (Calls::Imap, "a STARTTLS"),
        (Calls::Pop3, "STLS"),
    ] {
        let log = Log::listen();
        let world = World::new();
        let mut client = world.call(calls);
        client.greet().await;
        client.say(word).await;
        client.send("this is no TLS at all\r\n").await;
        settle().await;
        let lines = log.mail();
        if calls == Calls::Smtp {
            assert_eq!(
                lines[1],
                "postfix/smtpd: SSL_accept error from unknown[192.0.2.7]: -1"
            );
            let why = "postfix/smtpd: warning: TLS library problem: ";
            assert!(lines[2].starts_with(why), "{}", lines[2]);
            assert_eq!(
                lines[3],
                "postfix/smtpd: lost connection after STARTTLS from unknown[192.0.2.7]"
            );
            continue;
        }
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].contains("-login: Disconnected: Connection closed: SSL_accept() failed: "),
            "{}",
            lines[0]
        );
        assert!(
            lines[0].contains(" (no auth attempts in 0 secs): user=<>, rip=192.0.2.7, lip=127.0.0.1, TLS handshaking: "),
            "{}",
            lines[0]
        );
    }
}
