//! Any octets at all: no panic, no endless turn, no growth, and nothing in a reply that is not a reply.

#[allow(unreachable_pub)]
mod support;

use mailcore_base::reply::Reader;
use mailcore_smtp::server::{AuthOffer, StartTls, Welcome};
use proptest::prelude::*;
use support::{Rig, Travel, lmtp, smtp, text, trusted};

/// Pieces that get further than noise does.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = vec![
        "EHLO a\r\n",
        "LHLO a\r\n",
        "HELO a\r\n",
        "MAIL FROM:<a@b>",
        "RCPT TO:<x@y>",
        "DATA\r\n",
        "BDAT 5\r\n",
        "BDAT 3 LAST\r\n",
        "BDAT 0\r\n",
        "RSET\r\n",
        "NOOP",
        "QUIT\r\n",
        "AUTH PLAIN ",
        "YWxpY2U=\r\n",
        "*\r\n",
        "STARTTLS\r\n",
        "XCLIENT ADDR=192.0.2.1\r\n",
        "XFORWARD NAME=x\r\n",
        "VRFY a\r\n",
        "ETRN a.b\r\n",
        "\r\n",
        "\n",
        "\r",
        ".",
        "\r\n.\r\n",
        "MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n",
        "REFUSE ME",
        "Subject: spam\r\n\r\n",
    ];
    prop_oneof![
        4 => prop::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (any::<u8>(), 1usize..20_000).prop_map(|(byte, n)| vec![byte; n]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_comes_is_answered_with_replies_and_ends(
        pieces in prop::collection::vec(piece(), 0..40),
        is_lmtp: bool,
        is_trusted: bool,
        ahead: bool,
        chunk in prop_oneof![Just(1usize), Just(2), 3usize..100, Just(usize::MAX)],
        seed: u64,
    ) {
        let mut options = if is_lmtp { lmtp() } else { smtp() };
        options.starttls = StartTls::Offered;
        options.forbid_pipelining = !ahead;
        options.auth = AuthOffer { clear: vec![text("PLAIN")], secured: vec![text("PLAIN")], broken_clients: false };
        options.size_limit = Some(30_000);
        let welcome = if is_trusted { trusted() } else { Welcome::default() };
        let mut rig = Rig::new(options, welcome, Travel { chunk, seed });
        let mut said = Vec::new();
        for piece in pieces {
            said.extend(rig.send(&piece).into_bytes());
        }
        said.extend(rig.half_close().into_bytes());
        prop_assert!(rig.closed && rig.session.ended().is_some());
        let (mut reader, mut rest) = (Reader::new(), &said[..]);
        while !rest.is_empty() {
            let (used, _) = reader.feed(rest).unwrap();
            rest = &rest[used..];
        }
        prop_assert!(!reader.is_midway());
        // Whatever was begun was finished or abandoned.
        let begun = rig.desk.seen.len();
        prop_assert!(begun < 10_000);
        prop_assert!(!rig.desk.keeps());
    }

    #[test]
    fn the_same_octets_give_the_same_replies_however_they_come(
        pieces in prop::collection::vec(piece(), 0..30),
        is_lmtp: bool,
        seed in 1u64..,
        chunk in 1usize..200,
    ) {
        // Of two refusals of one content, which is told depends on how much of it the desk has seen.
        let told_early = |piece: &Vec<u8>| piece.starts_with(b"REFUSE") || piece.len() > 1_000;
        let octets = pieces.into_iter().filter(|piece| !told_early(piece)).collect::<Vec<_>>().concat();
        let play = |travel| {
            let mut options = if is_lmtp { lmtp() } else { smtp() };
            options.forbid_pipelining = false;
            options.auth = AuthOffer { clear: vec![text("PLAIN")], ..AuthOffer::default() };
            let mut rig = Rig::new(options, trusted(), travel);
            let said = rig.send(&octets) + &rig.half_close();
            (said, std::mem::take(&mut rig.desk.seen), rig.session.tally().clone())
        };
        prop_assert_eq!(play(Travel { chunk, seed }), play(support::WHOLE));
    }
}
