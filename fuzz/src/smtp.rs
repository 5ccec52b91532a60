//! The SMTP server machine against any client: it answers with replies and nothing else, hands out whole messages or
//! says that they are abandoned, ends, and does the same in whatever pieces the octets come.

use crate::mail_desk::Desk;
use crate::peer::{Leave, Peer, Travel, WHOLE, scribble};
use crate::{Choices, safe};
use mailcore_base::envelope::Text;
use mailcore_base::reply::{Reader, Reply};
use mailcore_smtp::server::{AuthOffer, LineEnds, Options, Session, StartTls, Step};
use std::sync::Arc;

/// The input is what a client sends; its last octets are settings and verdicts.
pub fn body(input: &[u8]) {
    let host = "mail.example.test".parse().expect("a domain");
    session(input, Options::smtp(host));
}

/// A session under each way to travel.
pub(crate) fn session(input: &[u8], options: Options) {
    let mut choices = Choices::new(input);
    let piece = 1 + choices.below(32);
    let leave = choices.one_of(&Leave::ALL).unwrap_or(Leave::HalfClose);
    let (options, secures) = settings(options, &mut choices);
    let verdicts = [(); 4].map(|()| choices.octet());
    let script = choices.rest();
    let talk = |travel| {
        let peer = Peer::new(script, leave, travel);
        converse(
            Session::new(options.clone()),
            peer,
            Desk::new(verdicts, options.size_limit),
        )
    };
    let whole = talk(WHOLE);
    for (piece, drops) in [(piece, true), (1, false)] {
        let again = talk(Travel { piece, drops });
        // What was sent ahead of TLS is thrown away, so that the pieces matter.
        if !secures {
            assert_eq!(again, whole, "in pieces of {piece}, steps dropped: {drops}");
        }
    }
}

fn settings(mut options: Options, choices: &mut Choices<'_>) -> (Arc<Options>, bool) {
    let bits = choices.octet();
    let line_ends = [LineEnds::Normalise, LineEnds::Reject, LineEnds::Trust];
    options.line_ends = choices.one_of(&line_ends).unwrap_or_default();
    options.starttls = match bits % 4 {
        1 => StartTls::Offered,
        2 => StartTls::Required,
        _ => StartTls::Off,
    };
    let mechanisms = vec![Text::lossy(b"PLAIN"), Text::lossy(b"LOGIN")];
    options.auth = AuthOffer {
        clear: if bits & 4 == 0 {
            mechanisms.clone()
        } else {
            Vec::new()
        },
        secured: mechanisms,
        broken_clients: bits & 8 == 0,
    };
    options.size_limit = (bits & 16 == 0).then_some(600);
    options.hello_required = bits & 32 != 0;
    options.strict_smtputf8 = bits & 64 != 0;
    options.line_limit = 128;
    options.auth_line_limit = 256;
    options.header_limit = 200;
    options.recipient_limit = 5;
    options.limits.input = 256;
    options.limits.output = 512;
    options.junk_commands = 10;
    // It is decided by what has been read ahead, and so by the pieces.
    options.forbid_pipelining = false;
    (Arc::new(options), bits % 4 == 1 || bits % 4 == 2)
}

fn converse(mut session: Session, mut peer: Peer<'_>, mut desk: Desk) -> (String, Vec<String>) {
    while !peer.closed {
        let drops = peer.drops_this_turn();
        match session.step(peer.now) {
            Step::Io(io) if drops => scribble(io),
            _ if drops => {}
            Step::Io(io) => peer.io(io),
            Step::Ask(ask) => desk.answer(ask),
            Step::Content(content) => desk.take(content, peer.travel.piece),
            other => panic!("what is {other:?}?"),
        }
    }
    assert!(session.ended().is_some(), "it closed and did not end");
    assert!(!desk.keeps(), "content neither finished nor abandoned");
    replies(&peer.said);
    (
        String::from_utf8(peer.said).expect("replies are UTF-8"),
        desk.seen,
    )
}

/// What was said is whole replies, each line within its limit. A client that is gone may miss the end.
fn replies(said: &[u8]) {
    for line in said.split_inclusive(|b| *b == b'\n') {
        safe::one_wire_line(line);
        assert!(line.len() <= Reply::MAX_LINE);
    }
    let (mut reader, mut rest) = (Reader::new(), said);
    while !rest.is_empty() {
        let (used, reply) = reader.feed(rest).expect("a reply");
        assert!(reply.is_some(), "half a reply");
        rest = &rest[used..];
    }
}
