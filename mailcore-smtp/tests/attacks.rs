//! What is known to have gone wrong elsewhere, tried here.

#[allow(unreachable_pub)]
mod support;

use mailcore_base::{envelope::Text, reply::Reply, wire::Io};
use mailcore_smtp::server::{
    Ask, AuthOffer, Ended, Options, Refusal, Session, StartTls, Step, Welcome,
};
use proptest::prelude::*;
use std::{sync::Arc, time::Instant};
use support::{Rig, Travel, WHOLE, lmtp, smtp, text, trusted};

const EHLO: &str = "EHLO c.test\r\n";
const OPENED: &str = "MAIL FROM:<a@b.test>\r\nRCPT TO:<x@example.org>\r\n";

fn rig(options: Options) -> Rig {
    Rig::new(options, Welcome::default(), WHOLE)
}

/// A session that has got as far as 354.
fn in_data(travel: Travel) -> Rig {
    let mut rig = Rig::new(smtp(), Welcome::default(), travel);
    rig.send(EHLO.as_bytes());
    assert!(
        rig.send(format!("{OPENED}DATA\r\n").as_bytes())
            .ends_with("<CR><LF>.<CR><LF>\r\n")
    );
    rig
}

#[test]
fn a_session_and_its_steps_may_move_between_threads() {
    fn moves<T: Send>(_: &T) {}
    let mut session = Session::new(Arc::new(smtp()));
    moves(&session);
    moves(&session.step(Instant::now()));
}

#[test]
fn commands_behind_starttls_are_never_heard() {
    let mut options = smtp();
    options.starttls = StartTls::Offered;
    options.forbid_pipelining = false;
    let mut rig = rig(options);
    rig.send(EHLO.as_bytes());
    let said = rig.send(b"STARTTLS\r\nMAIL FROM:<evil@b.test>\r\nRCPT TO:<x@example.org>\r\nNOO");
    assert_eq!(said, "220 2.0.0 Ready to start TLS\r\n");
    assert_eq!(
        rig.send(b"P\r\nRCPT TO:<x@example.org>\r\n"),
        "500 5.5.2 Error: command not recognized\r\n503 5.5.1 Error: need MAIL command\r\n"
    );
    assert!(rig.session.facts().hello.is_none() && rig.session.facts().tls.is_some());
}

#[test]
fn who_sends_ahead_where_he_must_wait_is_put_off() {
    for ahead in [
        "EHLO c.test\r\nMAIL FROM:<a@b>\r\n",
        "HELO c.test\r\nMAIL FROM:<a@b>\r\n",
        "MAIL FROM:<a@b>\r\nRCPT TO:<x@example.org>\r\n",
        "NOOP\r\nNOOP\r\n",
    ] {
        let mut rig = rig(smtp());
        rig.send(b"");
        assert_eq!(
            rig.send(ahead.as_bytes()),
            "554 5.5.0 Error: SMTP protocol synchronization\r\n"
        );
        assert_eq!(
            (rig.closed, rig.session.ended()),
            (true, Some(Ended::Pipelining))
        );
        let mut welcome = Welcome::default();
        welcome.trust.pipelining = true;
        let mut friend = Rig::new(smtp(), welcome, WHOLE);
        friend.send(b"");
        assert!(friend.send(ahead.as_bytes()).starts_with("250"));
    }
    let mut rig = rig(smtp());
    rig.send(EHLO.as_bytes());
    let said = rig.send(format!("{OPENED}DATA\r\nRSET\r\n").as_bytes());
    assert!(said.ends_with("554 5.5.0 Error: SMTP protocol synchronization\r\n"));
}

#[test]
fn no_transaction_survives_a_refusal_of_its_content() {
    let mut options = smtp();
    options.starttls = StartTls::Offered;
    options.hard_errors = 1000;
    options.size_limit = Some(30);
    for (what, opens) in [
        ("DATA x\r\n", OPENED),
        (
            "DATA\r\n",
            "MAIL FROM:<nodata@b>\r\nRCPT TO:<x@example.org>\r\n",
        ),
        ("DATA\r\n", "MAIL FROM:<a@b.test>\r\n"),
        (
            "BDAT 3\r\nabc",
            "MAIL FROM:<nodata@b>\r\nRCPT TO:<x@example.org>\r\n",
        ),
        ("BDAT 3 LAST\r\nabc", "MAIL FROM:<a@b.test>\r\n"),
        ("BDAT 31\r\n0123456789012345678901234567890", OPENED),
        ("BDAT 15\r\nSubject: spam\r\n", OPENED),
        ("BDAT 0\r\n", OPENED),
        (
            "BDAT 3 LAST\r\nabc",
            "MAIL FROM:<a@b.test>\r\nRCPT TO:<full@example.org>\r\n",
        ),
        ("BDAT 1\r\na", OPENED),
        ("RSET\r\n", OPENED),
        ("EHLO again.test\r\n", OPENED),
        ("EHLO refused.test\r\n", OPENED),
        ("HELO again.test\r\n", OPENED),
        ("STARTTLS\r\n", OPENED),
    ] {
        let mut rig = rig(options.clone());
        rig.send(EHLO.as_bytes());
        rig.send(opens.as_bytes());
        assert!(rig.session.transaction().is_open());
        rig.send(what.as_bytes());
        match what {
            "BDAT 1\r\na" => assert!(rig.send(b"DATA\r\n").starts_with("503")),
            // What is refused here is known only at the end.
            "BDAT 15\r\nSubject: spam\r\n" => {
                assert!(rig.send(b"BDAT 2\r\n\r\n").starts_with("550 5.7.1 spam"))
            }
            _ => {}
        }
        assert!(
            !rig.session.transaction().is_open(),
            "{what:?} behind {opens:?}"
        );
        assert_eq!(
            rig.send(b"RCPT TO:<x@example.org>\r\n"),
            "503 5.5.1 Error: need MAIL command\r\n"
        );
        assert!(
            !rig.desk.seen.iter().any(|seen| seen.starts_with("message")) || opens.contains("full")
        );
    }
}

#[test]
fn three_hundred_thousand_empty_chunks_lead_nowhere() {
    let mut rig = rig(smtp());
    rig.send(EHLO.as_bytes());
    rig.send(OPENED.as_bytes());
    rig.send("BDAT 0\r\n".repeat(1000).as_bytes());
    assert_eq!(
        (rig.closed, rig.session.ended()),
        (true, Some(Ended::Errors))
    );
    // Where empty chunks are allowed, they cost nothing that stays.
    let mut rig = Rig::new(lmtp(), Welcome::default(), WHOLE);
    rig.send(OPENED.as_bytes());
    for _ in 0..300 {
        let said = rig.send("BDAT 0\r\n".repeat(1000).as_bytes());
        assert_eq!(said.lines().count(), 1000);
    }
    assert_eq!(
        rig.send(b"BDAT 0 LAST\r\n"),
        "250 2.0.0 <x@example.org> ID Saved\r\n"
    );
}

#[test]
fn strangers_cannot_speak_for_others() {
    for line in [
        "XCLIENT ADDR=127.0.0.1",
        "XFORWARD NAME=x",
        "PROXY TCP4 127.0.0.1 127.0.0.1 1 25",
    ] {
        for mut rig in [rig(smtp()), rig(lmtp())] {
            rig.send(b"");
            assert!(rig.send(format!("{line}\r\n").as_bytes()).starts_with('5'));
            assert!(
                rig.session.facts().peer.address.is_none()
                    && rig.session.facts().forwarded.is_none()
            );
        }
    }
}

#[test]
fn what_was_forwarded_of_one_message_is_not_said_of_the_next() {
    let mut rig = Rig::new(smtp(), trusted(), WHOLE);
    rig.send(format!("{EHLO}XFORWARD NAME=x\r\nXFORWARD ADDR=192.0.2.1\r\n").as_bytes());
    let forwarded = rig.session.facts().forwarded.clone().unwrap();
    assert_eq!(
        (forwarded.name, forwarded.address),
        (Some(text("x")), "192.0.2.1".parse().ok())
    );
    rig.send(format!("{OPENED}RSET\r\n").as_bytes());
    assert!(rig.session.facts().forwarded.is_none());
}

#[test]
fn a_client_that_does_not_read_is_not_read_from() {
    let mut options = lmtp();
    options.limits.output = 1000;
    options.limits.input = 1000;
    options.line_limit = 100;
    options.auth_line_limit = 100;
    let mut session = Session::new(Arc::new(options));
    let (mut fed, mut wrote) = (0, 0);
    for _ in 0..100_000 {
        match session.step(Instant::now()) {
            Step::Ask(Ask::Connect(question)) => question.answer(Ok(Welcome::default())),
            Step::Ask(Ask::Hello(question)) => question.answer(Ok(Default::default())),
            Step::Io(Io::Read(mut room)) => {
                let spare = room.spare();
                spare
                    .iter_mut()
                    .zip(b"LHLO x\r\n".iter().cycle())
                    .for_each(|(place, byte)| *place = *byte);
                fed += spare.len();
                let n = spare.len();
                room.filled(n);
            }
            // The greeting is read, and nothing after it.
            Step::Io(Io::Write(output)) if fed == 0 => output.sent(usize::MAX),
            Step::Io(Io::Write(output)) => wrote = wrote.max(output.bytes().len()),
            step => panic!("{step:?}"),
        }
    }
    assert!(
        fed <= 2000 && wrote <= 1000 + Reply::MAX_LINE,
        "{fed} {wrote}"
    );
}

#[test]
fn who_is_refused_at_the_greeting_gets_no_further() {
    let mut session = Session::new(Arc::new(smtp()));
    let (mut script, mut said) = (
        b"EHLO x\r\nMAIL FROM:<>\r\nFOO\r\nQUIT\r\n".split_inclusive(|&b| b == b'\n'),
        Vec::new(),
    );
    loop {
        match session.step(Instant::now()) {
            Step::Ask(Ask::Connect(question)) => {
                let reply: Reply = "554 5.7.1 <unknown[unknown]>: Client host rejected"
                    .parse()
                    .unwrap();
                question.answer(Err(Refusal::new(reply)));
            }
            Step::Io(Io::Read(mut room)) => {
                let line = script.next().unwrap();
                room.spare()[..line.len()].copy_from_slice(line);
                room.filled(line.len());
            }
            Step::Io(Io::Write(output)) => {
                said.extend_from_slice(output.bytes());
                let n = output.bytes().len();
                output.sent(n);
            }
            Step::Io(Io::Close) => break,
            step => panic!("{step:?}"),
        }
    }
    let denied = "503 5.7.0 Error: access denied for unknown[unknown]\r\n";
    let greeting = "554 5.7.1 <unknown[unknown]>: Client host rejected\r\n";
    assert_eq!(
        String::from_utf8(said).unwrap(),
        format!("{greeting}{denied}{denied}{denied}221 2.0.0 Bye\r\n")
    );
    assert_eq!(
        session.tally().to_string(),
        "ehlo=0/1 mail=0/1 quit=1 unknown=0/1 commands=1/4"
    );
}

#[test]
fn the_tally_is_what_postfix_logs() {
    let mut rig = in_data(WHOLE);
    rig.send(b"x\r\n.\r\n");
    assert_eq!(rig.session.last().name(), "END-OF-MESSAGE");
    rig.send(b"NOOP\r\n");
    rig.send(b"RCPT TO:<x@y>\r\n");
    rig.send(b"QUIT\r\n");
    let want = "ehlo=1 mail=1 rcpt=1/2 data=1 noop=1 quit=1 commands=6/7";
    assert_eq!(rig.session.tally().to_string(), want);
    let mut lost = in_data(WHOLE);
    lost.half_close();
    assert_eq!(
        lost.session.tally().to_string(),
        "ehlo=1 mail=1 rcpt=1 data=0/1 commands=3/4"
    );
    assert_eq!(lost.session.last().name(), "DATA");
    assert_eq!(lost.session.ended(), Some(Ended::Lost));
}

#[test]
fn everything_can_be_declined() {
    let mut options = smtp();
    options.auth = AuthOffer {
        clear: vec![text("PLAIN")],
        ..AuthOffer::default()
    };
    let mut session = Session::new(Arc::new(options));
    let mut lines = [
        "EHLO x",
        "AUTH PLAIN =",
        "MAIL FROM:<>",
        "VRFY x",
        "ETRN x",
        "FOO",
    ]
    .into_iter();
    let mut said = Vec::new();
    loop {
        match session.step(Instant::now()) {
            Step::Ask(Ask::Connect(question)) => question.answer(Ok(Welcome::default())),
            Step::Ask(ask) => ask.decline(),
            Step::Io(Io::Read(mut room)) => {
                let Some(line) = lines.next() else { break };
                let line = format!("{line}\r\n");
                room.spare()[..line.len()].copy_from_slice(line.as_bytes());
                room.filled(line.len());
            }
            Step::Io(Io::Write(output)) => {
                said.extend_from_slice(output.bytes());
                let n = output.bytes().len();
                output.sent(n);
            }
            step => panic!("{step:?}"),
        }
    }
    let codes: Vec<_> = said
        .split(|&b| b == b'\n')
        .filter_map(|line| line.get(..3))
        .collect();
    assert_eq!(
        codes,
        [b"220", b"451", b"454", b"451", b"451", b"459", b"500"]
    );
}

/// Everything that a client can make a session remember, as it would be logged.
fn remembered(session: &Session) -> String {
    let (facts, envelope) = (session.facts(), session.transaction().envelope());
    let parameters = &envelope.parameters;
    let mut all = format!("{} {}", facts.peer, envelope.sender);
    all.extend(facts.hello.as_ref().map(|hello| hello.name.to_string()));
    all.extend(facts.login.as_ref().map(|login| login.name.to_string()));
    all.extend(
        parameters
            .envelope_id
            .as_ref()
            .map(|id| id.as_str().to_owned()),
    );
    all.extend(parameters.auth.as_ref().map(ToString::to_string));
    for recipient in &envelope.recipients {
        all.extend(
            recipient
                .parameters
                .original
                .as_ref()
                .map(|original| original.address().to_owned()),
        );
        all.push_str(&recipient.path.to_string());
    }
    if let Some(claimed) = &facts.forwarded {
        let texts = [
            &claimed.name,
            &claimed.hello,
            &claimed.ident,
            &claimed.protocol,
        ];
        all.extend(texts.into_iter().flatten().map(Text::to_string));
    }
    all
}

proptest! {
    #[test]
    fn no_line_break_is_ever_remembered(
        lines in prop::collection::vec("(EHLO |MAIL FROM:<|RCPT TO:<|XFORWARD NAME=|XFORWARD HELO=|MAIL FROM:<a@b> ENVID=|RCPT TO:<a@b> ORCPT=rfc822;|MAIL FROM:<a@b> AUTH=)[ -~\\x00-\\x1f\u{85}\u{2028}+0ADx]{0,12}>?", 1..12),
    ) {
        let mut rig = Rig::new(smtp(), trusted(), WHOLE);
        for line in lines {
            let said = rig.send(format!("{}\r\n", line.replace('\n', "\r")).as_bytes());
            prop_assert!(said.lines().all(|line| line.len() > 3 && !line.chars().any(char::is_control)));
            let breaks = |c: char| c.is_control() || c == '\u{2028}';
            prop_assert!(!remembered(&rig.session).chars().any(breaks));
        }
    }

    #[test]
    fn lmtp_replies_once_for_each_accepted_recipient_in_order(
        recipients in prop::collection::vec(prop::sample::select(vec!["ok", "nobody", "full", "gone", "later"]), 1..20),
        chunked: bool,
        seed: u64,
        chunk in 1usize..40,
    ) {
        let mut rig = Rig::new(lmtp(), Welcome::default(), Travel { chunk, seed });
        rig.send(b"LHLO c\r\nMAIL FROM:<>\r\n");
        let accepted: Vec<_> = recipients.iter().enumerate().filter(|(n, name)| {
            rig.send(format!("RCPT TO:<{name}@h{n}.test>\r\n").as_bytes()).starts_with("250")
        }).collect();
        prop_assert_eq!(accepted.len(), recipients.iter().filter(|name| !["nobody", "later"].contains(name)).count());
        let said = match chunked {
            true => rig.send(b"BDAT 3 LAST\r\nabc"),
            false => rig.send(b"DATA\r\nabc\r\n.\r\n"),
        };
        let replies: Vec<_> = said.lines().filter(|line| !line.starts_with("354")).collect();
        if accepted.is_empty() {
            // Behind a refused DATA the content is read as commands, as the client must know.
            prop_assert!(replies[0].starts_with("503"));
            return Ok(());
        }
        let want: Vec<_> = accepted.iter().map(|(n, name)| match **name {
            "full" => "452 4.2.2 mailbox full".to_owned(),
            "gone" => "550 5.1.1 gone".to_owned(),
            name => format!("250 2.0.0 <{name}@h{n}.test> ID Saved"),
        }).collect();
        prop_assert_eq!(replies, want);
    }
}
