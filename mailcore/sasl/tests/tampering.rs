//! Somebody between client and server who cuts or alters the messages of SCRAM.

mod pair;

use mailcore_sasl::client::{self, Credentials};
use mailcore_sasl::server::{self, Found, Need, Reason, Step};
use mailcore_sasl::{Mechanism, Offer, ScramCredential, Secret};
use pair::*;

/// One exchange in which the message of this number is altered; `None` where there was no such change.
fn altered(
    mechanism: Mechanism,
    number: usize,
    change: impl Fn(&mut Vec<u8>) -> bool,
) -> Option<Ends> {
    let client = client_unstarted(mechanism);
    let materials = server_materials(Offer::all(), exporter(1));
    let mut changed = false;
    let ends = talk(mechanism, client, materials, true, |count, mut message| {
        if count == number {
            changed = change(&mut message);
        }
        message
    });
    changed.then_some(ends)
}

/// The server alone against a recorded client whose final message is altered: since all nonces are fixed,
/// the record holds, and no password has to be stretched each time.
fn altered_proof(
    mechanism: Mechanism,
    record: &[Vec<u8>],
    change: impl Fn(&mut Vec<u8>) -> bool,
) -> Option<Ends> {
    let mut proof = record[2].clone();
    if !change(&mut proof) {
        return None;
    }
    let materials = server_materials(Offer::all(), exporter(1));
    let step = settle(server::start(mechanism, materials, Some(&record[0])));
    let Step::Challenge(challenge) = step else {
        panic!("{step:?}")
    };
    assert_eq!(challenge.octets(), record[1]);
    match settle(challenge.respond(&proof)) {
        Step::Done(outcome) => Some(Ends {
            server: Some(outcome),
            client: Ok(()),
            challenges: 1,
        }),
        other => panic!("the server goes on after an altered proof: {other:?}"),
    }
}

/// The four messages of an honest exchange.
fn record(mechanism: Mechanism) -> Vec<Vec<u8>> {
    let mut record = Vec::new();
    let materials = server_materials(Offer::all(), exporter(1));
    let ends = talk(
        mechanism,
        client_unstarted(mechanism),
        materials,
        true,
        |_, message| {
            record.push(message.clone());
            message
        },
    );
    assert!(ends.both_agree() && record.len() == 4);
    record
}

/// Neither believes the other. The server says yes only after the client's last, empty message.
fn assert_failed(ends: &Ends, what: &str) {
    assert!(!matches!(ends.server, Some(Ok(_))), "{what}: {ends:?}");
    let refused = matches!(ends.server, Some(Err(_)));
    assert!(refused || ends.client.is_err(), "{what}: {ends:?}");
}

/// Alters each message in each way that there is (`change` tells when there are no more).
fn assert_every_change_fails(mechanism: Mechanism, change: impl Fn(usize, &mut Vec<u8>) -> bool) {
    let record = record(mechanism);
    for number in 0..4 {
        let mut ways = 0;
        loop {
            let change = |message: &mut Vec<u8>| change(ways, message);
            let ends = match number {
                2 => altered_proof(mechanism, &record, change),
                _ => altered(mechanism, number, change),
            };
            let Some(ends) = ends else { break };
            assert_failed(
                &ends,
                &format!("{mechanism} message {number} altered, way {ways}"),
            );
            ways += 1;
        }
        assert!(
            ways >= record[number].len(),
            "message {number} of {mechanism} was not altered"
        );
    }
}

#[test]
fn every_truncated_scram_message_fails() {
    for mechanism in [Mechanism::ScramSha1, Mechanism::ScramSha256Plus] {
        assert_every_change_fails(mechanism, |length, message| {
            let shorter = length < message.len();
            message.truncate(length);
            shorter
        });
    }
}

#[test]
fn every_flipped_bit_in_a_scram_message_fails() {
    for mechanism in [Mechanism::ScramSha256, Mechanism::ScramSha1Plus] {
        assert_every_change_fails(mechanism, |bit, message| {
            message
                .get_mut(bit / 8)
                .map(|octet| *octet ^= 1 << (bit % 8))
                .is_some()
        });
    }
}

#[test]
fn an_unaltered_exchange_succeeds_and_has_four_messages() {
    let ends = altered(Mechanism::ScramSha256, 3, |message| {
        message.starts_with(b"v=")
    });
    assert!(ends.is_some_and(|ends| ends.both_agree()));
}

fn client_unstarted(mechanism: Mechanism) -> client::Exchange {
    client::Exchange::start(
        mechanism,
        &Credentials::password(NAME, PASSWORD),
        client_materials(Offer::all(), exporter(1)),
    )
    .expect("fit credentials")
}

fn client(mechanism: Mechanism) -> client::Exchange {
    let mut client = client_unstarted(mechanism);
    client.initial().expect("client first");
    client
}

#[test]
fn a_client_neither_spares_nor_slaves_for_a_hostile_server() {
    let first = |iterations: &str| {
        let nonce = "wcHBwcHBwcHBwcHBwcHBwcHB";
        client(Mechanism::ScramSha256)
            .respond(format!("r={nonce}x,s=c2FsdA==,i={iterations}").as_bytes())
            .err()
    };
    assert_eq!(first("4096"), None);
    assert_eq!(first("4095"), Some(client::Failure::Iterations(4_095)));
    assert_eq!(
        first("1000001"),
        Some(client::Failure::Iterations(1_000_001))
    );
    assert!(matches!(
        first("4294967296"),
        Some(client::Failure::Malformed(_))
    ));
}

#[test]
fn a_client_wants_its_own_nonce_lengthened() {
    let nonce = |nonce: &str| {
        client(Mechanism::ScramSha1)
            .respond(format!("r={nonce},s=c2FsdA==,i=4096").as_bytes())
            .err()
    };
    let malformed = Some(client::Failure::Malformed(
        "the nonce is not the one of this exchange",
    ));
    assert_eq!(nonce("wcHBwcHBwcHBwcHBwcHBwcHB"), malformed);
    assert_eq!(nonce("other"), malformed);
    assert_eq!(nonce("wcHBwcHBwcHBwcHBwcHBwcHB+"), None);
}

#[test]
fn a_server_that_does_not_know_the_keys_is_an_impostor() {
    let mut client = client(Mechanism::ScramSha256);
    client
        .respond(b"r=wcHBwcHBwcHBwcHBwcHBwcHBx,s=c2FsdA==,i=4096")
        .unwrap();
    let outcome = client.respond(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
    assert_eq!(outcome.err(), Some(client::Failure::Impostor));
    assert!(client.accepted().is_err());
}

#[test]
fn a_servers_error_ends_the_exchange() {
    let mut client = client(Mechanism::ScramSha256);
    client
        .respond(b"r=wcHBwcHBwcHBwcHBwcHBwcHBx,s=c2FsdA==,i=4096")
        .unwrap();
    let outcome = client.respond(b"e=invalid-proof");
    assert_eq!(
        outcome.err(),
        Some(client::Failure::Server("invalid-proof".into()))
    );
}

/// The first answer of the server to this name.
fn server_first(name: &str, answer: impl Fn(server::FetchKeys) -> Step) -> String {
    let message = format!("n,,n={name},r=abc");
    let materials = server_materials(Offer::all(), exporter(1));
    let step = server::start(Mechanism::ScramSha256, materials, Some(message.as_bytes()));
    let Step::Need(Need::FetchKeys(need)) = step else {
        panic!()
    };
    let Step::Challenge(challenge) = answer(need) else {
        panic!()
    };
    String::from_utf8(challenge.octets().to_vec()).expect("UTF-8")
}

#[test]
fn an_unknown_user_looks_like_a_known_one() {
    let known = server_first(NAME, |need| answer(Need::FetchKeys(need)));
    let unknown = server_first("tom", |need| need.answer(Found::Nothing));
    assert_eq!(
        unknown,
        server_first("tom", |need| need.answer(Found::Nothing))
    );
    assert_ne!(
        unknown,
        server_first("tam", |need| need.answer(Found::Nothing))
    );
    assert_eq!(known.len(), unknown.len());
    assert_eq!(
        known.rsplit_once(','),
        Some((&known[..known.len() - 7], "i=4096"))
    );
    assert!(unknown.ends_with(",i=4096"));
    // A user with a plain password has the salt that nobody of this name would have.
    let plain = server_first("tom", |need| {
        let keys = need.derive(&Secret::new("x")).unwrap();
        need.answer(Found::This(keys))
    });
    assert_eq!(plain, unknown);
    // Names that a backend holds to be one have one salt.
    let folded = |name| {
        server_first(name, |mut need| {
            let folded = need.authentication().to_lowercase();
            need.looked_up_as(&folded);
            need.answer(Found::Nothing)
        })
    };
    assert_eq!(folded("TOM"), folded("Tom"));
}

#[test]
fn keys_of_another_hash_or_length_let_nobody_in() {
    let keys = ScramCredential::derive(
        mailcore_sasl::Hash::Sha1,
        &Secret::new(PASSWORD),
        b"salt",
        4_096,
    )
    .unwrap();
    let unfit = server_first(NAME, |need| need.answer(Found::This(keys.clone())));
    assert_eq!(
        unfit,
        server_first(NAME, |need| need.answer(Found::Nothing))
    );
}

#[test]
fn a_backend_that_is_down_refuses_nobody() {
    for (mechanism, message) in [
        (Mechanism::Plain, &b"\0tim\0x"[..]),
        (Mechanism::ScramSha256, b"n,,n=tim,r=abc"),
        (Mechanism::External, b""),
        (Mechanism::OauthBearer, b"n,,\x01auth=Bearer x\x01\x01"),
    ] {
        let materials = server_materials(Offer::all(), exporter(1));
        let Step::Need(need) = server::start(mechanism, materials, Some(message)) else {
            panic!("{mechanism}")
        };
        let Step::Done(Err(failure)) = need.decline() else {
            panic!("{mechanism}")
        };
        assert_eq!(failure.reason, Reason::Unavailable);
    }
}
