//! Our client against our server, for every mechanism.

mod pair;

use mailcore_sasl::client::{self, Credentials, Proof};
use mailcore_sasl::server::Reason;
use mailcore_sasl::{Bindings, Mechanism, Offer, Secret};
use pair::*;

const BY_PASSWORD: [Mechanism; 7] = [
    Mechanism::ScramSha256Plus,
    Mechanism::ScramSha1Plus,
    Mechanism::ScramSha256,
    Mechanism::ScramSha1,
    Mechanism::CramMd5,
    Mechanism::Plain,
    Mechanism::Login,
];

fn identity(ends: &Ends) -> &mailcore_sasl::Identity {
    ends.server
        .as_ref()
        .expect("the server ended")
        .as_ref()
        .expect("logged in")
}

#[test]
fn the_right_password_logs_in_with_and_without_an_initial_response() {
    for mechanism in BY_PASSWORD {
        for sasl_ir in [true, false] {
            let ends = pair(mechanism, &Credentials::password(NAME, PASSWORD), sasl_ir);
            assert!(ends.both_agree(), "{mechanism} {ends:?}");
            let identity = identity(&ends);
            assert_eq!(
                (identity.authentication.as_str(), identity.acts_as()),
                (NAME, NAME)
            );
            assert_eq!(
                (identity.mechanism, identity.authorization.as_ref()),
                (mechanism, None)
            );
        }
    }
}

#[test]
fn a_wrong_password_and_an_unknown_user_end_alike() {
    for mechanism in BY_PASSWORD {
        let wrong = pair(
            mechanism,
            &Credentials::password(NAME, "tanstaaftanstaag"),
            true,
        );
        let unknown = pair(mechanism, &Credentials::password("tom", PASSWORD), true);
        assert_eq!(wrong.reason(), Some(Reason::Refused), "{mechanism}");
        assert_eq!(unknown.reason(), Some(Reason::Refused), "{mechanism}");
        assert_eq!(wrong.challenges, unknown.challenges, "{mechanism}");
        let name = |ends: &Ends| ends.server.clone().unwrap().unwrap_err().name;
        assert_eq!(name(&wrong).as_deref(), Some(NAME));
        assert_eq!(name(&unknown).as_deref(), Some("tom"));
    }
}

#[test]
fn an_authorization_identity_is_reported_and_not_judged() {
    for mechanism in BY_PASSWORD {
        let credentials = Credentials {
            authorization: Some("to=m,".into()),
            ..Credentials::password(NAME, PASSWORD)
        };
        if matches!(mechanism, Mechanism::Login | Mechanism::CramMd5) {
            continue;
        }
        let ends = pair(mechanism, &credentials, true);
        assert!(ends.both_agree());
        assert_eq!(identity(&ends).authentication, NAME);
        assert_eq!(identity(&ends).authorization.as_deref(), Some("to=m,"));
        assert_eq!(identity(&ends).acts_as(), "to=m,");
    }
}

#[test]
fn tokens_log_in_and_a_bad_one_gets_an_error_first() {
    for mechanism in [Mechanism::OauthBearer, Mechanism::Xoauth2] {
        for sasl_ir in [true, false] {
            let good = pair(mechanism, &Credentials::token(NAME, TOKEN), sasl_ir);
            assert!(good.both_agree(), "{good:?}");
            assert_eq!(identity(&good).acts_as(), NAME);
            // It asked to act as itself, which is nothing to be judged.
            assert_eq!(identity(&good).authorization, None);
            let bad = pair(mechanism, &Credentials::token(NAME, "expired"), sasl_ir);
            assert_eq!(bad.reason(), Some(Reason::Refused));
            assert_eq!(bad.challenges, good.challenges + 1);
        }
        // The token is tim's; who else is named is only asked for.
        let other = pair(mechanism, &Credentials::token("tom", TOKEN), true);
        assert_eq!(identity(&other).authentication, NAME);
        assert_eq!(identity(&other).authorization.as_deref(), Some("tom"));
    }
}

#[test]
fn a_certificate_and_nobody_log_in_as_what_they_are() {
    let certificate = Credentials {
        name: String::new(),
        authorization: None,
        proof: Proof::Certificate,
    };
    for sasl_ir in [true, false] {
        let ends = pair(Mechanism::External, &certificate, sasl_ir);
        assert!(ends.both_agree());
        assert_eq!(identity(&ends).acts_as(), NAME);
    }
    let nobody = Credentials {
        name: "sirhc@example.test".into(),
        authorization: None,
        proof: Proof::Nobody,
    };
    for sasl_ir in [true, false] {
        let ends = pair(Mechanism::Anonymous, &nobody, sasl_ir);
        assert!(ends.both_agree());
        assert_eq!(identity(&ends).acts_as(), "anonymous");
        assert_eq!(identity(&ends).trace.as_deref(), Some("sirhc@example.test"));
    }
}

#[test]
fn names_and_passwords_spelled_differently_are_one() {
    for mechanism in BY_PASSWORD {
        if mechanism == Mechanism::CramMd5 {
            continue; // It keys with the octets of the password as they are.
        }
        // A soft hyphen, and letters of full width.
        let spelled = Credentials::password("ti\u{AD}m", "tanstaaf\u{FF54}anstaaf");
        assert!(pair(mechanism, &spelled, true).both_agree(), "{mechanism}");
    }
}

/// One SCRAM exchange where client and server see different things.
fn scram(mechanism: Mechanism, client: (Offer, Bindings), server: (Offer, Bindings)) -> Ends {
    let credentials = Credentials::password(NAME, PASSWORD);
    let client = client::Exchange::start(
        mechanism,
        &credentials,
        client_materials(client.0, client.1),
    )
    .expect("fit credentials");
    talk(
        mechanism,
        client,
        server_materials(server.0, server.1),
        true,
        |_, message| message,
    )
}

#[test]
fn a_binding_of_another_connection_is_refused() {
    let ends = scram(
        Mechanism::ScramSha256Plus,
        (Offer::all(), exporter(1)),
        (Offer::all(), exporter(2)),
    );
    assert!(
        matches!(ends.reason(), Some(Reason::Binding(_))),
        "{ends:?}"
    );
}

#[test]
fn a_binding_type_that_the_server_has_not_is_refused() {
    let mut certificate = Bindings::default();
    certificate.tls_server_end_point = Some(vec![1; 32]);
    let ends = scram(
        Mechanism::ScramSha256Plus,
        (Offer::all(), exporter(1)),
        (Offer::all(), certificate.clone()),
    );
    assert!(
        matches!(ends.reason(), Some(Reason::Binding(_))),
        "{ends:?}"
    );
    let both = (Offer::all(), certificate);
    assert!(scram(Mechanism::ScramSha256Plus, both.clone(), both).both_agree());
}

#[test]
fn an_offer_stripped_of_plus_is_found_out() {
    // RFC 5802 §6: the client could bind and saw no -PLUS, so it says "y"; the server did offer it.
    let stripped = Offer::parse("SCRAM-SHA-256 PLAIN");
    let ends = scram(
        Mechanism::ScramSha256,
        (stripped, exporter(1)),
        (Offer::all(), exporter(1)),
    );
    assert!(
        matches!(ends.reason(), Some(Reason::Binding(_))),
        "{ends:?}"
    );
    // A client that cannot bind says "n" and is welcome.
    let unable = scram(
        Mechanism::ScramSha256,
        (stripped, Bindings::default()),
        (Offer::all(), exporter(1)),
    );
    assert!(unable.both_agree());
    // With a server that never offered it, "y" is the truth.
    let honest = scram(
        Mechanism::ScramSha256,
        (stripped, exporter(1)),
        (stripped, exporter(1)),
    );
    assert!(honest.both_agree());
}

#[test]
fn no_plus_starts_without_a_binding() {
    let start = client::Exchange::start(
        Mechanism::ScramSha1Plus,
        &Credentials::password(NAME, PASSWORD),
        client_materials(Offer::all(), Bindings::default()),
    );
    assert_eq!(start.err(), Some(client::Failure::Unbound));
}

#[test]
fn what_was_not_offered_does_not_start() {
    for mechanism in Mechanism::ALL {
        let materials = server_materials(Offer::all().without(mechanism), exporter(1));
        let step = mailcore_sasl::server::start(mechanism, materials, Some(b"x"));
        let mailcore_sasl::server::Step::Done(Err(failure)) = step else {
            panic!("{mechanism}")
        };
        assert_eq!(failure.reason, Reason::NotOffered);
    }
}

#[test]
fn credentials_that_would_break_a_message_are_refused_before_it_is_made() {
    let start = |credentials: &Credentials, mechanism| {
        client::Exchange::start(
            mechanism,
            credentials,
            client_materials(Offer::all(), Bindings::default()),
        )
        .err()
    };
    let broken = [
        Credentials::password("a\0b", "x"),
        Credentials::password("", "x"),
        Credentials::password("a", "x\0y"),
        Credentials::password("a", ""),
        Credentials {
            authorization: Some("x\u{1}y".into()),
            ..Credentials::password("a", "b")
        },
    ];
    for credentials in &broken {
        assert!(
            matches!(
                start(credentials, Mechanism::Plain),
                Some(client::Failure::Unprepared(_))
            ),
            "{credentials:?}"
        );
    }
    let token = Credentials::token("a", "x\u{1}host=evil");
    assert!(start(&token, Mechanism::OauthBearer).is_some());
    let password = Credentials::password("a", "b");
    let unfit = start(&password, Mechanism::Xoauth2);
    assert_eq!(unfit, Some(client::Failure::Unfit(Mechanism::Xoauth2)));
}

#[test]
fn a_success_without_the_servers_proof_is_not_believed() {
    let credentials = Credentials::password(NAME, PASSWORD);
    let materials = client_materials(Offer::all(), exporter(1));
    let mut client =
        client::Exchange::start(Mechanism::ScramSha256, &credentials, materials).unwrap();
    client.initial().unwrap();
    assert_eq!(client.accepted(), Err(client::Failure::Impostor));
}

#[test]
fn no_secret_is_shown_by_debug() {
    let credentials = Credentials {
        proof: Proof::Password(Secret::new(PASSWORD)),
        ..Credentials::password(NAME, "")
    };
    for mechanism in BY_PASSWORD {
        let materials = client_materials(Offer::all(), exporter(1));
        let mut client = client::Exchange::start(mechanism, &credentials, materials).unwrap();
        let initial = client.initial();
        let step = mailcore_sasl::server::start(
            mechanism,
            server_materials(Offer::all(), exporter(1)),
            initial.as_deref().map(Vec::as_slice),
        );
        let shown = format!("{client:?} {step:?} {credentials:?}");
        assert!(
            !shown.contains(PASSWORD) && !shown.contains("116, 97, 110"),
            "{shown}"
        );
    }
}
