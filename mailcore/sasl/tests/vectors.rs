//! The examples of the RFCs, octet by octet.

mod pair;

use base64::{Engine, engine::general_purpose::STANDARD};
use mailcore_sasl::client::{self, Credentials};
use mailcore_sasl::server::{
    self, Decoy, Discovery, Found, Need, Step, TokenRefusal, TokenVerdict,
};
use mailcore_sasl::{Hash, Mechanism, Nonce, Offer, ScramCredential, Secret};

struct Scram {
    mechanism: Mechanism,
    salt: &'static str,
    nonces: [&'static str; 2],
    messages: [&'static str; 4],
}

/// RFC 5802 §5 and RFC 7677 §3: "user" with the password "pencil".
const SCRAM: [Scram; 2] = [
    Scram {
        mechanism: Mechanism::ScramSha1,
        salt: "QSXCR+Q6sek8bf92",
        nonces: ["fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j"],
        messages: [
            "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ],
    },
    Scram {
        mechanism: Mechanism::ScramSha256,
        salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
        nonces: ["rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"],
        messages: [
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ],
    },
];

fn credential(hash: Hash, salt: &str) -> ScramCredential {
    let salt = STANDARD.decode(salt).expect("base64");
    ScramCredential::derive(hash, &Secret::new("pencil"), &salt, 4_096).expect("ASCII")
}

#[test]
fn the_server_says_what_the_scram_rfcs_say() {
    for vector in &SCRAM {
        let hash = vector.mechanism.scram().unwrap();
        let nonce = Nonce::from_text(vector.nonces[1]).unwrap();
        let offer = Offer::NONE.with(vector.mechanism);
        let materials = server::Materials::new(offer, nonce, Decoy::new([0; 32]));
        let first = vector.messages[0].as_bytes();
        let Step::Need(Need::FetchKeys(need)) =
            server::start(vector.mechanism, materials, Some(first))
        else {
            panic!("{}", vector.mechanism)
        };
        assert_eq!((need.authentication(), need.hash()), ("user", hash));
        let Step::Challenge(challenge) = need.answer(Found::This(credential(hash, vector.salt)))
        else {
            panic!("{}", vector.mechanism)
        };
        assert_eq!(challenge.octets(), vector.messages[1].as_bytes());
        let Step::Challenge(challenge) = challenge.respond(vector.messages[2].as_bytes()) else {
            panic!("{}", vector.mechanism)
        };
        assert_eq!(challenge.octets(), vector.messages[3].as_bytes());
        let Step::Done(Ok(identity)) = challenge.respond(b"") else {
            panic!("{}", vector.mechanism)
        };
        assert_eq!(identity.authentication, "user");
    }
}

#[test]
fn the_client_says_what_the_scram_rfcs_say() {
    for vector in &SCRAM {
        let nonce = Nonce::from_text(vector.nonces[0]).unwrap();
        let materials = client::Materials::new(nonce, Offer::NONE.with(vector.mechanism));
        let credentials = Credentials::password("user", "pencil");
        let mut client =
            client::Exchange::start(vector.mechanism, &credentials, materials).unwrap();
        assert_eq!(
            client.initial().unwrap().as_slice(),
            vector.messages[0].as_bytes()
        );
        assert!(client.initial().is_none());
        let last = client.respond(vector.messages[1].as_bytes()).unwrap();
        assert_eq!(last.as_slice(), vector.messages[2].as_bytes());
        assert!(
            client
                .respond(vector.messages[3].as_bytes())
                .unwrap()
                .is_empty()
        );
        assert_eq!(client.accepted(), Ok(()));
    }
}

#[test]
fn the_client_answers_cram_md5_as_rfc_2195_does() {
    let materials = client::Materials::new(Nonce::from_text("x").unwrap(), Offer::all());
    let credentials = Credentials::password("tim", "tanstaaftanstaaf");
    let mut client = client::Exchange::start(Mechanism::CramMd5, &credentials, materials).unwrap();
    assert!(client.initial().is_none());
    let answer = client
        .respond(b"<1896.697170952@postoffice.reston.mci.net>")
        .unwrap();
    assert_eq!(answer.as_slice(), b"tim b913a602c7eda7a495b4e6e7334d3890");
}

fn materials() -> server::Materials {
    server::Materials::new(
        Offer::all(),
        Nonce::from_text("1896").expect("printable"),
        Decoy::new([0; 32]),
    )
}

#[test]
fn the_server_challenges_for_cram_md5_as_rfc_2195_does() {
    let mut materials = materials();
    materials.hostname = "postoffice.reston.mci.net".into();
    materials.timestamp = 697_170_952;
    let Step::Challenge(challenge) = server::start(Mechanism::CramMd5, materials, None) else {
        panic!()
    };
    assert_eq!(
        challenge.octets(),
        b"<1896.697170952@postoffice.reston.mci.net>"
    );
    let ends = pair::settle(challenge.respond(b"tim b913a602c7eda7a495b4e6e7334d3890"));
    assert!(matches!(ends, Step::Done(Ok(_))), "{ends:?}");
}

#[test]
fn plain_reads_the_examples_of_rfc_4616() {
    let ask = |message: &[u8]| match server::start(Mechanism::Plain, materials(), Some(message)) {
        Step::Need(Need::VerifyPassword(need)) => need,
        other => panic!("{other:?}"),
    };
    let need = ask(b"\0tim\0tanstaaftanstaaf");
    assert_eq!((need.authentication(), need.authorization()), ("tim", None));
    assert!(need.password().matches(b"tanstaaftanstaaf"));
    let need = ask(b"Ursel\0Kurt\0xipj3plmq");
    assert_eq!(
        (need.authentication(), need.authorization()),
        ("Kurt", Some("Ursel"))
    );
    assert!(need.password().matches(b"xipj3plmq"));
}

#[test]
fn oauthbearer_follows_the_examples_of_rfc_7628() {
    // §4.1: the client's message; §4.3: the error and the dummy answer.
    let message = "n,a=user@example.com,\u{1}host=server.example.com\u{1}port=143\u{1}\
                   auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\u{1}\u{1}";
    let mut terms = client::Materials::new(Nonce::from_text("x").unwrap(), Offer::all());
    terms.server = Some(("server.example.com".into(), 143));
    let credentials = Credentials::token("user@example.com", pair::TOKEN);
    let mut client = client::Exchange::start(Mechanism::OauthBearer, &credentials, terms).unwrap();
    assert_eq!(client.initial().unwrap().as_slice(), message.as_bytes());

    let mut materials = materials();
    materials.discovery = Discovery {
        scope: Some("example_scope".into()),
        openid_configuration: Some("https://example.com/.well-known/openid-configuration".into()),
    };
    let step = server::start(Mechanism::OauthBearer, materials, Some(message.as_bytes()));
    let Step::Need(Need::VerifyToken(need)) = step else {
        panic!()
    };
    assert_eq!(need.authorization(), Some("user@example.com"));
    assert!(need.token().matches(pair::TOKEN.as_bytes()));
    let step = need.answer(TokenVerdict::Refused(TokenRefusal::InvalidToken));
    let Step::Challenge(challenge) = step else {
        panic!()
    };
    let error = "{\"status\":\"invalid_token\",\"scope\":\"example_scope\",\
                 \"openid-configuration\":\"https://example.com/.well-known/openid-configuration\"}";
    assert_eq!(challenge.octets(), error.as_bytes());
    let answer = client.respond(challenge.octets()).unwrap();
    assert_eq!(answer.as_slice(), b"\x01");
    assert_eq!(client.token_error(), Some(error));
    assert!(matches!(challenge.respond(&answer), Step::Done(Err(_))));
}

#[test]
fn a_client_without_a_token_is_told_where_to_get_one() {
    let asking: [&[u8]; 2] = [b"n,a=user@example.com,\x01auth=\x01\x01", b"\x01"];
    for message in asking {
        let step = server::start(Mechanism::OauthBearer, materials(), Some(message));
        let Step::Challenge(challenge) = step else {
            panic!()
        };
        assert_eq!(challenge.octets(), b"{\"status\":\"invalid_token\"}");
    }
}

#[test]
fn xoauth2_has_its_own_form_of_message_and_error() {
    let message = b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01";
    let mut materials = materials();
    materials.discovery.scope = Some("mail \"all\"\n".into());
    let step = server::start(Mechanism::Xoauth2, materials, Some(message));
    let Step::Need(Need::VerifyToken(need)) = step else {
        panic!()
    };
    assert_eq!(need.authorization(), Some("someuser@example.com"));
    let step = need.answer(TokenVerdict::Refused(TokenRefusal::InvalidToken));
    let Step::Challenge(challenge) = step else {
        panic!()
    };
    let error = r#"{"status":"401","schemes":"bearer","scope":"mail \"all\"\u000a"}"#;
    assert_eq!(std::str::from_utf8(challenge.octets()), Ok(error));
    assert!(matches!(challenge.respond(b""), Step::Done(Err(_))));
}
