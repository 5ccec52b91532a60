//! Arbitrary octets at any point of any exchange.

mod pair;

use mailcore_sasl::client::{self, Credentials, Proof};
use mailcore_sasl::server::{self, Reason, Step};
use mailcore_sasl::{LONGEST_MESSAGE, Mechanism, Offer, ScramCredential, Secret};
use pair::*;
use proptest::prelude::*;

fn mechanism() -> impl Strategy<Value = Mechanism> {
    proptest::sample::select(Mechanism::ALL.to_vec())
}

/// Noise, and noise that gets further: made of the pieces that the mechanisms look for.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "n,",
        "y,",
        "p=tls-exporter,",
        ",",
        "a=",
        "n=tim",
        "r=abc",
        "s=c2FsdA==",
        "i=4096",
        "c=biws",
        "p=",
        "v=",
        "e=",
        "m=",
        "=2C",
        "=3D",
        "=",
        "\0",
        "\u{1}",
        "user=",
        "auth=Bearer ",
        "auth=",
        " ",
        "QUFB",
        "\u{AD}",
        "\u{FDFA}",
        "\u{627}",
        "tim b913a602c7eda7a495b4e6e7334d3890",
        "wcHBwcHBwcHBwcHBwcHBwcHB",
    ];
    let piece =
        proptest::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec());
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
    ]
}

fn credentials(mechanism: Mechanism) -> Credentials {
    let proof = match mechanism {
        Mechanism::External => Proof::Certificate,
        Mechanism::Anonymous => Proof::Nobody,
        Mechanism::OauthBearer | Mechanism::Xoauth2 => Proof::Token(Secret::new(TOKEN)),
        _ => Proof::Password(Secret::new(PASSWORD)),
    };
    Credentials {
        name: NAME.into(),
        authorization: None,
        proof,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_server_survives_any_messages_and_lets_nobody_in_by_a_key(
        mechanism in mechanism(),
        initial in proptest::option::of(message()),
        messages in proptest::collection::vec(message(), 0..5),
    ) {
        let materials = server_materials(Offer::all(), exporter(1));
        let mut step = settle(server::start(mechanism, materials, initial.as_deref()));
        for message in &messages {
            step = match step {
                Step::Challenge(challenge) => settle(challenge.respond(message)),
                done => done,
            };
        }
        if mechanism.scram().is_some() {
            prop_assert!(!matches!(step, Step::Done(Ok(_))));
        }
    }

    #[test]
    fn a_client_survives_any_challenges(
        mechanism in mechanism(),
        sasl_ir in any::<bool>(),
        challenges in proptest::collection::vec(message(), 0..5),
    ) {
        let materials = client_materials(Offer::all(), exporter(1));
        let mut client = client::Exchange::start(mechanism, &credentials(mechanism), materials).unwrap();
        if sasl_ir {
            client.initial();
        }
        for challenge in &challenges {
            if client.respond(challenge).is_err() {
                prop_assert!(client.respond(b"").is_err(), "an exchange went on after an error");
            }
        }
        if mechanism.scram().is_some() {
            prop_assert!(client.accepted().is_err());
        }
    }

    #[test]
    fn credentials_and_names_are_read_without_panic(text in ".{0,200}", words in "[A-Za-z0-9 -]{0,60}") {
        let _ = ScramCredential::parse(mailcore_sasl::Hash::Sha256, &text);
        let _ = mailcore_sasl::prepare_stored(&text);
        let _ = Mechanism::parse(&text);
        let offer = Offer::parse(&words);
        prop_assert_eq!(Offer::parse(&offer.to_string()), offer);
    }

    #[test]
    fn what_is_prepared_stays_as_it_is(text in ".{0,40}") {
        if let Ok(once) = mailcore_sasl::prepare_query(&text) {
            let twice = mailcore_sasl::prepare_query(&once).unwrap();
            prop_assert_eq!(once.as_str(), twice.as_str());
        }
    }
}

#[test]
fn a_message_that_is_too_long_is_refused_unread() {
    let long = vec![b'a'; LONGEST_MESSAGE + 1];
    for mechanism in Mechanism::ALL {
        let materials = server_materials(Offer::all(), exporter(1));
        let Step::Challenge(challenge) = server::start(mechanism, materials, None) else {
            panic!("{mechanism}")
        };
        let Step::Done(Err(failure)) = challenge.respond(&long) else {
            panic!("{mechanism}")
        };
        assert_eq!(failure.reason, Reason::TooLong);
        let materials = client_materials(Offer::all(), exporter(1));
        let mut client =
            client::Exchange::start(mechanism, &credentials(mechanism), materials).unwrap();
        assert_eq!(client.respond(&long).err(), Some(client::Failure::TooLong));
    }
}

#[test]
fn messages_that_are_nearly_right_are_malformed() {
    let wrong: &[(Mechanism, &[u8])] = &[
        (Mechanism::Plain, b""),
        (Mechanism::Plain, b"tim\0secret"),
        (Mechanism::Plain, b"\0tim\0secret\0"),
        (Mechanism::Plain, b"\0tim\0\xFF"),
        (Mechanism::Login, b"\xFF"),
        (Mechanism::CramMd5, b"tim 00"),
        (Mechanism::External, b"\xFF"),
        (Mechanism::Anonymous, b"a\r\nb"),
        (
            Mechanism::OauthBearer,
            b"p=tls-exporter,,\x01auth=Bearer x\x01\x01",
        ),
        (Mechanism::OauthBearer, b"n,,\x01auth=Bearer x\x01"),
        (Mechanism::OauthBearer, b"n,,\x01auth=Basic x\x01\x01"),
        (Mechanism::OauthBearer, b"n,,\x01auth=Bearer x y\x01\x01"),
        (
            Mechanism::OauthBearer,
            b"n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01",
        ),
        (
            Mechanism::OauthBearer,
            b"n,,\x01auth=\x01auth=Bearer y\x01\x01",
        ),
        (Mechanism::Xoauth2, b"user=tim\x01auth=Bearer x"),
        (Mechanism::Xoauth2, b"tim\x01auth=Bearer x\x01\x01"),
        (Mechanism::ScramSha256, b"p=tls-exporter,,n=tim,r=abc"),
        (Mechanism::ScramSha256Plus, b"n,,n=tim,r=abc"),
        (Mechanism::ScramSha256Plus, b"y,,n=tim,r=abc"),
    ];
    for (mechanism, message) in wrong {
        let materials = server_materials(Offer::all(), exporter(1));
        let step = settle(server::start(*mechanism, materials, Some(message)));
        let shown = format!("{mechanism} {}", message.escape_ascii());
        let Step::Done(Err(failure)) = step else {
            panic!("{shown}: {step:?}")
        };
        assert!(
            matches!(failure.reason, Reason::Malformed(_)),
            "{shown}: {failure:?}"
        );
    }
}

#[test]
fn empty_names_and_passwords_are_refused() {
    for message in [&b"\0\0secret"[..], b"\0tim\0", b"\0\0", b"\0\xC2\xAD\0x"] {
        let materials = server_materials(Offer::all(), exporter(1));
        let step = server::start(Mechanism::Plain, materials, Some(message));
        let Step::Done(Err(failure)) = step else {
            panic!("{step:?}")
        };
        assert_eq!(failure.reason, Reason::Refused);
    }
}

#[test]
fn no_stand_in_password_opens_an_account_that_is_not_there() {
    use hmac::{Hmac, KeyInit, Mac};
    let materials = server_materials(Offer::all(), exporter(1));
    let Step::Challenge(challenge) = server::start(Mechanism::CramMd5, materials, None) else {
        panic!()
    };
    // Empty and all-zero keys are one to HMAC: what a careless stand-in would be.
    let mut mac = Hmac::<md5::Md5>::new_from_slice(b"").unwrap();
    mac.update(challenge.octets());
    let digest: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let step = settle(challenge.respond(format!("nobody {digest}").as_bytes()));
    let Step::Done(Err(failure)) = step else {
        panic!("{step:?}")
    };
    assert_eq!(failure.reason, Reason::Refused);
}

#[test]
fn cram_md5_takes_no_initial_response() {
    let materials = server_materials(Offer::all(), exporter(1));
    let step = server::start(Mechanism::CramMd5, materials, Some(b""));
    let Step::Done(Err(failure)) = step else {
        panic!("{step:?}")
    };
    assert!(matches!(failure.reason, Reason::Malformed(_)));
}

#[test]
fn login_takes_the_name_along_with_the_command() {
    let materials = server_materials(Offer::all(), exporter(1));
    let step = server::start(Mechanism::Login, materials, Some(NAME.as_bytes()));
    let Step::Challenge(challenge) = step else {
        panic!("{step:?}")
    };
    assert_eq!(challenge.octets(), b"Password:");
    let step = settle(challenge.respond(PASSWORD.as_bytes()));
    assert!(matches!(step, Step::Done(Ok(identity)) if identity.authentication == NAME));
}

#[test]
fn a_scram_client_acknowledges_with_nothing_at_all() {
    let credentials = credentials(Mechanism::ScramSha256);
    let materials = client_materials(Offer::all(), exporter(1));
    let mut client =
        client::Exchange::start(Mechanism::ScramSha256, &credentials, materials).unwrap();
    let materials = server_materials(Offer::all(), exporter(1));
    let initial = client.initial().unwrap();
    let mut step = settle(server::start(
        Mechanism::ScramSha256,
        materials,
        Some(&initial),
    ));
    let Step::Challenge(challenge) = step else {
        panic!("{step:?}")
    };
    let response = client.respond(challenge.octets()).unwrap();
    step = challenge.respond(&response);
    let Step::Challenge(challenge) = step else {
        panic!("{step:?}")
    };
    let Step::Done(Err(failure)) = challenge.respond(b"x") else {
        panic!()
    };
    assert!(matches!(failure.reason, Reason::Malformed(_)));
}
