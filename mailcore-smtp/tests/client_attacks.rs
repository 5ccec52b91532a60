//! What a peer, or somebody between, may try with a client.

#![allow(clippy::unwrap_used)] // in a test a panic is the right end

#[allow(unreachable_pub)]
mod sender;
#[allow(unreachable_pub)]
mod support;

use mailcore_base::wire::{Io, Notice};
use mailcore_smtp::client::{
    Ask, Ended, LogIn, Options, Order, Response, Session, Stage, Step, Tls, Trouble,
};
use sender::{Client, Job, message, smtp};
use std::sync::Arc;
use std::time::{Duration, Instant};

const CONTENT: &[u8] = b"Subject: x\r\n\r\nbody\r\n";

fn plain() -> Options {
    let mut options = smtp();
    options.tls = Tls::Off;
    options
}

fn client(options: Options, jobs: Vec<Job>) -> Client {
    Client::new(options, jobs, usize::MAX, 0)
}

fn one() -> Vec<Job> {
    vec![Job::Send(
        message(&["x@example.org"], CONTENT),
        CONTENT.to_vec(),
    )]
}

fn trouble(session: &Session) -> Trouble {
    match session.ended() {
        Some(Ended::Trouble(trouble)) => trouble.clone(),
        ended => panic!("{ended:?}"),
    }
}

#[test]
fn what_is_put_in_front_of_tls_is_never_believed() {
    let early = "220 go\r\n250-mx.test\r\n250 AUTH PLAIN\r\n";
    let to_tls = |options: Options| {
        let mut client = client(options, one());
        client.hear(b"220 mx.test\r\n");
        client.hear(b"250-mx.test\r\n250 STARTTLS\r\n");
        client
    };
    // All at once: somebody has put it there.
    let mut options = smtp();
    options.tls = Tls::Required;
    let mut at_once = to_tls(options.clone());
    assert_eq!(at_once.hear(early.as_bytes()), "");
    assert_eq!(trouble(&at_once.session), Trouble::Injected);
    // Too late to be seen: thrown away with whatever came in the clear.
    let mut late = Client::new(options, one(), 8, 0);
    late.hear(b"220 mx.test\r\n");
    late.hear(b"250-mx.test\r\n250 STARTTLS\r\n");
    assert_eq!(late.hear(early.as_bytes()), "EHLO client.test\r\n");
    assert!(late.session.facts().offers.mechanisms.is_empty());
    assert_eq!(late.session.stage(), Stage::Ehlo);
}

#[test]
fn a_reply_without_end_is_not_read_for_ever() {
    let mut client = client(plain(), one());
    for _ in 0..10_000 {
        client.hear(b"220-welcome\r\n");
    }
    assert!(client.closed);
    let why = mailcore_base::reply::ReadError::TooLong;
    assert_eq!(
        trouble(&client.session),
        Trouble::Garbled(Stage::Greeting, Some(why))
    );
}

#[test]
fn challenges_without_end_are_not_answered_for_ever() {
    let mut options = plain();
    options.login = true;
    let mut client = client(options, one());
    let words = vec![Some("s3cr3t".to_owned()); 100];
    client.desk.login = Some(("PLAIN".to_owned(), words));
    client.hear(b"220 mx.test\r\n");
    client.hear(b"250-mx.test\r\n250 AUTH PLAIN\r\n");
    let mut answers = 0;
    while client.hear(b"334 \r\n") != "*\r\n" {
        answers += 1;
        assert!(answers < 50);
        assert!(!format!("{:?}", client.session).contains("s3cr3t"));
    }
    client.hear(b"501 stopped\r\n");
    assert!(matches!(trouble(&client.session), Trouble::LoginFailed(why) if why.contains("loop")));
}

/// The deadline of the read that a session wants, and a piece of a reply for it.
fn dribble(session: &mut Session, now: Instant, octet: u8) -> Instant {
    loop {
        match session.step(now) {
            Step::Io(Io::Read(mut room)) => {
                let deadline = room.deadline().unwrap();
                room.spare()[0] = octet;
                room.filled(1);
                return deadline;
            }
            Step::Io(Io::Write(output)) => {
                let n = output.bytes().len();
                output.sent(n);
            }
            step => panic!("{step:?}"),
        }
    }
}

#[test]
fn a_reply_that_dribbles_has_no_more_time_than_one_that_does_not() {
    let start = Instant::now();
    let mut session = Session::new(Arc::new(plain()));
    let hello = Duration::from_secs(300);
    for (n, octet) in b"220-a\r\n220 b\r\n".iter().enumerate() {
        let now = start + Duration::from_secs(n as u64);
        assert_eq!(dribble(&mut session, now, *octet), start + hello);
    }
    // The next reply has its own time.
    let later = start + Duration::from_secs(100);
    assert_eq!(dribble(&mut session, later, b'2'), later + hello);
}

#[test]
fn each_reply_has_its_own_time_though_all_are_due_at_once() {
    let mut client = client(plain(), one());
    client.hear(b"220 mx.test\r\n");
    client.hear(b"250-mx.test\r\n250 PIPELINING\r\n");
    let minutes = |n| Duration::from_secs(60 * n);
    let start = client.now;
    for (n, line) in ["250 a\r\n", "250 b\r\n"].into_iter().enumerate() {
        client.now = start + minutes(4 * (n as u64 + 1));
        client.hear(line.as_bytes());
    }
    // Two minutes for DATA, from the last reply on.
    client.expire();
    assert_eq!(trouble(&client.session), Trouble::TimedOut(Stage::Data));
    assert_eq!(client.now, start + minutes(8 + 2));
}

#[test]
fn a_chunk_waits_for_the_replies_to_those_before_it() {
    for (offer, ahead) in [("", 1), ("250-PIPELINING\r\n", 4)] {
        let mut options = plain();
        options.chunking = true;
        let mut client = Client::new(options, Vec::new(), 2, 0);
        let content = CONTENT.repeat(9);
        let message = message(&["x@example.org"], &content);
        client.desk.jobs.push_back(Job::Send(message, content));
        client.hear(b"220 mx.test\r\n");
        client.hear(format!("250-mx.test\r\n{offer}250 CHUNKING\r\n").as_bytes());
        client.hear(b"250 Ok\r\n");
        let said = client.hear(b"250 Ok\r\n");
        assert_eq!(said.matches("BDAT").count(), ahead, "{said}");
        assert_eq!(client.hear(b"250 Ok\r\n").matches("BDAT").count(), 1);
    }
}

#[test]
fn a_peer_that_takes_nothing_is_given_up() {
    let mut session = Session::new(Arc::new(plain()));
    let now = Instant::now();
    for octet in b"220 mx.test\r\n" {
        dribble(&mut session, now, *octet);
    }
    let Step::Io(Io::Write(output)) = session.step(now) else {
        panic!("EHLO is not written");
    };
    assert_eq!(output.deadline(), Some(now + Duration::from_secs(180)));
    output.expired();
    assert!(matches!(session.step(now), Step::Io(Io::Close)));
    assert_eq!(trouble(&session), Trouble::TimedOut(Stage::Ehlo));
}

#[test]
fn an_early_refusal_ends_the_message() {
    let mut session = Session::new(Arc::new(plain()));
    let now = Instant::now();
    let mut heard = b"220 a\r\n250 a\r\n250 a\r\n250 a\r\n354 a\r\n452 4.3.1 full\r\n".iter();
    let mut done = None;
    for _ in 0..1000 {
        match session.step(now) {
            Step::Ask(Ask::Ready(question)) => {
                question.answer(Order::Send(Box::new(message(&["x@example.org"], CONTENT))));
            }
            Step::Ask(Ask::Content(mut question)) => {
                // While the octets are fetched, the line is looked after, and the refusal comes.
                let mut line = question.line();
                match mailcore_base::wire::Meanwhile::io(&mut line, now) {
                    Io::Read(mut room) => match heard.next() {
                        Some(octet) => {
                            room.spare()[0] = *octet;
                            room.filled(1);
                        }
                        None => panic!("the refusal was not heard"),
                    },
                    Io::Write(output) => output.sent(1),
                    io => panic!("{io:?}"),
                }
            }
            Step::Ask(Ask::Done(question)) => {
                done = Some(question.asked().outcomes.clone());
                question.answer(());
            }
            Step::Io(Io::Read(_)) => {
                let octet = *heard.next().unwrap();
                dribble(&mut session, now, octet);
            }
            Step::Io(Io::Write(output)) => output.sent(1),
            Step::Io(Io::Close) => break,
            step => panic!("{step:?}"),
        }
    }
    let done = done.unwrap();
    assert!(
        matches!(&done[..], [Err(Trouble::Said { stage: Stage::Body, reply })] if reply.code().number() == 452),
        "{done:?}"
    );
}

#[test]
fn a_question_that_is_declined_ends_well() {
    let mut options = plain();
    options.login = true;
    let mut session = Session::new(Arc::new(options));
    let now = Instant::now();
    let mut heard = b"220 a\r\n250-a\r\n250 AUTH X\r\n".iter();
    let mut said = Vec::new();
    loop {
        match session.step(now) {
            Step::Ask(ask) => ask.decline(),
            Step::Io(Io::Read(_)) => {
                let octet = *heard.next().unwrap();
                dribble(&mut session, now, octet);
            }
            Step::Io(Io::Write(output)) => {
                let n = output.bytes().len();
                said.extend_from_slice(output.bytes());
                output.sent(n);
            }
            Step::Io(Io::Close) => break,
            step => panic!("{step:?}"),
        }
    }
    assert_eq!(
        said.escape_ascii().to_string(),
        "EHLO client.test\\r\\nQUIT\\r\\n"
    );
    assert_eq!(session.ended(), Some(&Ended::Quit));
}

#[test]
fn a_change_that_comes_before_the_rest_is_not_slept_through() {
    let mut session = Session::new(Arc::new(plain()));
    let now = Instant::now();
    let mut heard = b"220 a\r\n250 a\r\n".iter();
    let (mut asked, mut notices) = (0, 1);
    while asked < 3 {
        match session.step(now) {
            Step::Ask(Ask::Ready(question)) => {
                asked += 1;
                question.answer(Order::Rest(now + Duration::from_secs(9)));
            }
            Step::Io(Io::Read(_)) => match heard.next() {
                Some(octet) => {
                    dribble(&mut session, now, *octet);
                }
                None if notices > 0 => {
                    notices -= 1;
                    session.notice(Notice::Changed);
                    // It is asked; the notice comes again before the answer.
                    assert!(matches!(session.step(now), Step::Ask(Ask::Ready(_))));
                    session.notice(Notice::Changed);
                }
                None => panic!("it rests, though something has changed"),
            },
            Step::Io(Io::Write(output)) => output.sent(1),
            step => panic!("{step:?}"),
        }
    }
}

#[test]
fn a_login_that_is_cancelled_says_why() {
    let mut options = plain();
    options.login = true;
    let mut session = Session::new(Arc::new(options));
    let now = Instant::now();
    let mut heard = b"220 a\r\n250-a\r\n250 AUTH X\r\n334 Zm9v\r\n501 ok\r\n".iter();
    loop {
        match session.step(now) {
            Step::Ask(Ask::Authenticate(question)) => {
                let mechanism = question.facts().offers.mechanisms[0].clone();
                question.answer(LogIn::By(mechanism, None));
            }
            Step::Ask(Ask::Challenge(question)) => {
                assert!(question.asked().0.matches(b"foo"));
                question.answer(Response::Cancel(support::text("not this server")));
            }
            Step::Io(Io::Read(_)) => {
                let octet = *heard.next().unwrap();
                dribble(&mut session, now, octet);
            }
            Step::Io(Io::Write(output)) => output.sent(1),
            Step::Io(Io::Close) => break,
            step => panic!("{step:?}"),
        }
    }
    assert_eq!(
        trouble(&session),
        Trouble::LoginFailed(support::text("not this server"))
    );
}
