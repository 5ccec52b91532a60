//! Vectors of other programs: `openssl passwd`, libxcrypt's crypt(3), `doveadm pw`, and the RFCs.

use super::*;
use crate::auth::{Credential, Scheme};

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

fn written(stored: &Stored) -> String {
    let mut text = String::new();
    stored.write_to(&mut text);
    text
}

/// Stored form, its password, its scheme.
const VECTORS: &[(&str, &str, &str)] = &[
    // openssl passwd
    (
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        "Hello world!",
        "SHA512-CRYPT",
    ),
    (
        "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
        "Hello world!",
        "SHA256-CRYPT",
    ),
    // crypt(3)
    (
        "$6$$Z7WSO9A8tKGD2oGB9t2ViKdYTIHgnjMZIbdOJElGnO.QoZE5zDsfnF1WHM.IL2KPxhNG4/v/zU9LBcGhxg5Uy.",
        "pw",
        "SHA512-CRYPT",
    ),
    (
        "$6$rounds=1000$abc$yxe0KSjmoHd8rpohJgwvF5lnIQ/9t.klcz24a1cca3nWm.PLUmhXgcGgKWCoRFHRHYxXj4SVEtjCnCAwaFY0V0",
        "pw",
        "SHA512-CRYPT",
    ),
    (
        "$6$rounds=5000$abc$MtSdWSZbhct2oe.SOqOUM2M/GA/uj5.vyVtJgRHgKi9uqXuWuJqOYE7H/YlsYGVg/YYzDV0xt3fEIwYt580.5.",
        "pw",
        "SHA512-CRYPT",
    ),
    (
        "$5$1234567890123456$Bma8nmNb2PPq.FWyHIkOx3XIU03nFP7iVLg5pB7PUA9",
        "pw",
        "SHA256-CRYPT",
    ),
    (
        "$5$rounds=77777$salty$nam5TAZEasQKy.0WXQwYHJOfUzo28viHo4njzikpbIA",
        "päss",
        "SHA256-CRYPT",
    ),
    (
        "$2y$04$abcdefghijklmnopqrstuuyvPXIbu7xe6/CED2DzX8z6Si09MlzlW",
        "pw",
        "BLF-CRYPT",
    ),
    (
        "$2a$04$abcdefghijklmnopqrstuuyvPXIbu7xe6/CED2DzX8z6Si09MlzlW",
        "pw",
        "BLF-CRYPT",
    ),
    (
        "$2b$05$abcdefghijklmnopqrstuu0oImNDIy4flhldV9YqunRgBAePKmw7m",
        "",
        "BLF-CRYPT",
    ),
    // doveadm pw
    ("{PLAIN}pässword 1", "pässword 1", "PLAIN"),
    ("{CLEARTEXT}pässword 1", "pässword 1", "PLAIN"),
    ("{clear}pw", "pw", "PLAIN"),
    ("{PLAIN.B64}cHc=", "pw", "PLAIN"),
    ("{PLAIN.HEX}7077", "pw", "PLAIN"),
    ("{SSHA}gARfoaVR46ugFo0CXBX2MhW1KgY3zBLG", "pw", "SSHA"),
    (
        "{SSHA.HEX}7d0e58cc4add68336960f3b18550633d2d4afaad5ffa4482",
        "pw",
        "SSHA",
    ),
    (
        "{SSHA256}EmiQ/K7MccReFx4Q5yy7SHGZjlJyRJ8vU4KVBQ+bK6/y/WTi",
        "pw",
        "SSHA256",
    ),
    (
        "{SSHA512}PQAIkpK8hcIvQzdo3MLnkDHl9aukbNGK9kf62AhWhOM4hqs1d8yFLylf4NdtNTUCZUmUe/AZ89MyF8e7gc7/R9b0Xhs=",
        "pw",
        "SSHA512",
    ),
    (
        "{SSHA512.B64}glha0bmKKg8+Tg7SgTvzXH/Hk6qeef+wqX+R91Hg/xyADp/9Lgu0URF2DsPHcSuUpaFoDzLMD+TiX3d0qEqko+VWrJA=",
        "pw",
        "SSHA512",
    ),
    ("{SMD5}OCrh6CFcKFVw6uib48W0rAonFy8=", "pw", "SMD5"),
    ("{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=", "pw", "SHA"),
    ("{SHA1}GpHWL3ymc5liWkNopqtdSjuqYHM=", "pw", "SHA"),
    (
        "{SHA256}MMlS+rEiw/l1nwKm2Vw3WLJGtP7iOZV7LU/uRuJhcMQ=",
        "pw",
        "SHA256",
    ),
    (
        "{SHA256.HEX}30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4",
        "pw",
        "SHA256",
    ),
    (
        "{SHA256}30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4",
        "pw",
        "SHA256",
    ),
    (
        "{SHA512}vhloOHNt39AAfdiy6PRvItRA1MWVmSXLSRNavJzbAehJYapD3Q3bbuWZdetkkoDZ9ECIhArzdFGCimQSubV0/A==",
        "pw",
        "SHA512",
    ),
    (
        "{PLAIN-MD5}8fe4c11451281c094a6578e6ddbf5eed",
        "pw",
        "PLAIN-MD5",
    ),
    ("{LDAP-MD5}j+TBFFEoHAlKZXjm3b9e7Q==", "pw", "LDAP-MD5"),
    (
        "{BLF-CRYPT}$2y$04$AbjLgQzMlJFjPfc6z/FfA.XSuBdwK.1RQEe66kNF.g0AOYIofESK.",
        "pw",
        "BLF-CRYPT",
    ),
    (
        "{CRYPT}$2y$05$VXbLMwNyCENpDZxSiQWOXuQiLnp6vDURDpuG7NZVqApc5mzpFa9Q6",
        "pässword 1",
        "BLF-CRYPT",
    ),
    (
        "{SHA256-CRYPT}$5$RhVg6l1EQWIEvyIT$OrP3ReSpxUANVmhbyvdYSVBzNEd56Y8U61VqGRTi1nC",
        "pw",
        "SHA256-CRYPT",
    ),
    (
        "{SHA512-CRYPT}$6$rounds=10000$IfrnwiIAZDs1Twdk$dFnGkq.f225wZd4fnqnLiWV7LzHzpidltpBsN3wRj7kOHA4nFfA.c0L6qSdo7a0Ns1HxC09bhPbyWOKJlSJQj/",
        "pw",
        "SHA512-CRYPT",
    ),
    (
        "{SHA512-CRYPT.B64}JDYkbTBXUTVEUGxpd3ZXdndidiR0Y0JEYUkuMkxvV3kvaTJISE41MzNVWXl4aE9mL2NybHZPMnBTTGJOekZLMmlnL3VBVEp1Q1VVTUJiZEFlbjRoVFBQeFpZNW14OWhEVHZ3NTc5YjFQMQ==",
        "pw",
        "SHA512-CRYPT",
    ),
    (
        "{SHA512-CRYPT.HEX}2436246b554853457573636c63474567485545244d45724744552f306f67706444724b55385238424d7373422f622f6752342e425a534864456d41594d387a6e366e5a454938737071457347493338674e365575763844705939497176784b6e77704e5549377544412e",
        "pw",
        "SHA512-CRYPT",
    ),
    (
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$w7qwUnMJi6sogx+mT99NRQ$paY+u0rTZvjWOUZSduFSFGxQzvMPb7iR8FqnXqp/KTY",
        "pw",
        "ARGON2ID",
    ),
    (
        "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$W9JeLzZzGXOR+iiytUSx1w$XM1PKbpbQGnF5SAXI2xqCtQjy3tgIJ/UHlkSk/KAcHA",
        "pw",
        "ARGON2I",
    ),
    (
        "{SCRAM-SHA-1}4096,iwe/inE7beRnnNaU+Cr9aQ==,3mAnRFnG8mWjZA1136dAqYJm5dE=,cB5rI51a63RGvJxJfMb08e83/M0=",
        "pässword 1",
        "SCRAM-SHA-1",
    ),
    (
        "{SCRAM-SHA-256}4096,A3nRmVvfU+Rcol4eKQzUjQ==,UJtTErU9XVTUuoHj1+13WQYoVP70DPXKLNQrurk/sj8=,iK11pszihTxddDIWMvL7ncG5XZCP7GB+mqhC66tgoJc=",
        "pencil",
        "SCRAM-SHA-256",
    ),
    // The same tool does not prepare passwords: "I<soft hyphen>X" went in as it is.
    (
        "{SCRAM-SHA-256}4096,09AgQXFG6OcBfH9rhcPwCw==,OAPI4fgQcRKtJCPhz7SK3yAvHHbv8YDppntfkffTIuM=,x4pSFsYxNoXNAExv46S2A/rKSq9sSZwxSJhwShQVAfE=",
        "I\u{ad}X",
        "SCRAM-SHA-256",
    ),
];

#[test]
fn what_other_programs_stored_is_recognised() {
    for (text, password, scheme) in VECTORS {
        let stored = Stored::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(stored.scheme().name(), *scheme, "{text}");
        assert!(stored.verify(&secret(password)), "{text}");
        assert!(!stored.verify(&secret(&format!("{password}x"))), "{text}");
        assert!(!stored.verify(&secret("pW")), "{text}");
        assert_eq!(stored.verify(&secret("")), password.is_empty(), "{text}");
    }
}

#[test]
fn what_is_written_is_read_as_the_same() {
    for (text, password, scheme) in VECTORS {
        let first = written(&Stored::parse(text).expect("a vector"));
        assert!(!first.contains([':', ' ', '\n']), "{first}");
        let again = Stored::parse(&first).expect("what was written");
        assert_eq!(written(&again), first, "{text}");
        assert_eq!(again.scheme().name(), *scheme, "{text}");
        if !again.is_costly() {
            assert!(again.verify(&secret(password)), "{text}");
        }
    }
}

#[test]
fn what_is_made_is_recognised_and_a_salt_of_another_length_refused() {
    for scheme in PasswordScheme::all() {
        let cheap = match scheme {
            PasswordScheme::BlfCrypt => Some(4),
            PasswordScheme::Argon2i | PasswordScheme::Argon2id => Some(1),
            _ => None,
        };
        let salt: Vec<u8> = (1..).take(scheme.salt_len()).collect();
        let made = scheme.hash(&secret("päss:wörd"), &salt, cheap);
        let text = written(&made.unwrap_or_else(|error| panic!("{scheme:?}: {error}")));
        let read = Stored::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read.scheme(), scheme, "{text}");
        assert!(read.verify(&secret("päss:wörd")), "{text}");
        assert!(!read.verify(&secret("pass:word")), "{text}");
        let long = [&salt[..], &[1]].concat();
        let refused = scheme.hash(&secret("pw"), &long, cheap).err();
        assert_eq!(refused, Some(SchemeError::Salt(salt.len())), "{scheme:?}");
    }
}

/// The digits that crypt(3) makes of twelve octets are those of its own salts.
#[test]
fn sha_crypt_is_made_with_sixteen_digits_of_salt() {
    let made = PasswordScheme::Sha512Crypt.hash(&secret("pw"), &[0; 12], Some(1000));
    let text = written(&made.expect("within limits"));
    assert!(
        text.starts_with("{SHA512-CRYPT}$6$rounds=1000$................$"),
        "{text}"
    );
}

#[test]
fn an_entry_that_could_stall_a_check_is_refused() {
    let digest86 = "a".repeat(86);
    for text in [
        &format!("$6$rounds=1000001$salt${digest86}"),
        &format!("$6$rounds=999$salt${digest86}"),
        "$2y$17$abcdefghijklmnopqrstuuyvPXIbu7xe6/CED2DzX8z6Si09MlzlW",
        "$2y$03$abcdefghijklmnopqrstuuyvPXIbu7xe6/CED2DzX8z6Si09MlzlW",
        "$argon2id$v=19$m=262145,t=1,p=1$w7qwUnMJi6sogx+mT99NRQ$paY+u0rTZvjWOUZSduFSFGxQzvMPb7iR8FqnXqp/KTY",
        "$argon2id$v=19$m=65536,t=17,p=1$w7qwUnMJi6sogx+mT99NRQ$paY+u0rTZvjWOUZSduFSFGxQzvMPb7iR8FqnXqp/KTY",
        "$argon2id$v=19$m=65536,t=1,p=65$w7qwUnMJi6sogx+mT99NRQ$paY+u0rTZvjWOUZSduFSFGxQzvMPb7iR8FqnXqp/KTY",
        "$argon2id$v=19$m=8,t=1,p=2$w7qwUnMJi6sogx+mT99NRQ$paY+u0rTZvjWOUZSduFSFGxQzvMPb7iR8FqnXqp/KTY",
        "{SCRAM-SHA-256}1000001,A3nRmVvfU+Rcol4eKQzUjQ==,UJtTErU9XVTUuoHj1+13WQYoVP70DPXKLNQrurk/sj8=,iK11pszihTxddDIWMvL7ncG5XZCP7GB+mqhC66tgoJc=",
        "{SCRAM-SHA-256}0,A3nRmVvfU+Rcol4eKQzUjQ==,UJtTErU9XVTUuoHj1+13WQYoVP70DPXKLNQrurk/sj8=,iK11pszihTxddDIWMvL7ncG5XZCP7GB+mqhC66tgoJc=",
    ] {
        let refused = Stored::parse(text).err();
        assert!(
            matches!(refused, Some(SchemeError::Cost(_))),
            "{text}: {refused:?}"
        );
    }
}

#[test]
fn what_is_in_no_known_form_is_refused() {
    use SchemeError::{Malformed, TooLong, Unknown, Unnamed};
    let long = "x".repeat(MAX_STORED + 1);
    for (text, error) in [
        ("", Unnamed),
        ("pw", Unnamed),
        ("{PLAIN", Unnamed),
        ("{}pw", Unknown(String::new())),
        ("{NOSUCH}pw", Unknown("NOSUCH".into())),
        ("{SSHA.xyz}pw", Unknown("SSHA.xyz".into())),
        ("{SSHA}!!!!", Malformed("SSHA")),
        ("{SSHA}GpHWL3ymc5liWkNopqtdSjuqYHM=", Malformed("SSHA")),
        ("{SHA}gARfoaVR46ugFo0CXBX2MhW1KgY3zBLG", Malformed("SHA")),
        ("{SHA256.hex}30c", Malformed("SHA256")),
        ("{CRYPT}RfjTMoZOWZ2Ss", Malformed("CRYPT")),
        ("{SHA512-CRYPT}pw", Malformed("SHA512-CRYPT")),
        ("$6$rounds=x$abc$def", Malformed("SHA512-CRYPT")),
        ("$6$abc$def", Malformed("SHA512-CRYPT")),
        ("$2y$04$abc", Malformed("BLF-CRYPT")),
        (
            "$2x$04$abcdefghijklmnopqrstuuyvPXIbu7xe6/CED2DzX8z6Si09MlzlW",
            Unnamed,
        ),
        ("$argon2d$v=19$m=8,t=1,p=1$AAAA$AAAA", Malformed("ARGON2")),
        ("$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA", Malformed("ARGON2")),
        ("{SCRAM-SHA-1}4096,AA==", Malformed("SCRAM-SHA-1")),
        (&long, TooLong),
    ] {
        assert_eq!(Stored::parse(text).err(), Some(error), "{text}");
    }
}

/// bcrypt repeats its key, so that "pw\0pw" and "pw" would be one; crypt(3) would stop at the NUL.
#[test]
fn a_password_with_a_nul_or_of_great_length_is_wrong() {
    let stored = Stored::parse(VECTORS[7].0).expect("a vector");
    assert!(stored.verify(&secret("pw")));
    assert!(!stored.verify(&secret("pw\0pw")));
    let long = "x".repeat(MAX_PASSWORD + 1);
    assert!(
        !Stored::parse("{PLAIN}x")
            .expect("plain")
            .verify(&secret(&long))
    );
    let refused = PasswordScheme::Plain.hash(&secret(&long), &[], None);
    assert_eq!(refused.err(), Some(SchemeError::Password));
}

#[test]
fn bcrypt_heeds_72_octets_as_everywhere() {
    let text = "$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q";
    let stored = Stored::parse(text).expect("a vector");
    assert!(stored.verify(&secret(&"x".repeat(80))));
    assert!(stored.verify(&secret(&"x".repeat(72))));
    assert!(!stored.verify(&secret(&"x".repeat(71))));
}

#[test]
fn two_hundred_octets_are_no_trouble_to_sha_crypt() {
    let text = "$6$rounds=1234$0123456789abcdef$TLDLhXYRd7bhn8e8wnyW1g2OhZmBTzsYwmJv6ZrlMDuXMbc/zkbkv6gYzTudfWijI3AF.Cfiigsn8HsaVL4Ei0";
    let stored = Stored::parse(text).expect("a vector");
    assert!(stored.verify(&secret(&"a".repeat(200))));
    assert!(!stored.verify(&secret(&"a".repeat(199))));
}

#[test]
fn a_plain_password_serves_every_mechanism_and_keys_only_their_own() {
    let all = [Scheme::Plain, Scheme::ScramSha1, Scheme::ScramSha256];
    let serves = |text: &str| {
        let stored = Stored::parse(text).expect("a stored form");
        for scheme in all {
            let found = stored.credential(scheme, b"0123456789abcdef");
            assert_eq!(found.is_some(), stored.serves(scheme), "{text} {scheme:?}");
        }
        all.map(|scheme| stored.serves(scheme))
    };
    assert_eq!(serves("{PLAIN}pw"), [true, true, true]);
    assert_eq!(serves(VECTORS[VECTORS.len() - 3].0), [false, true, false]);
    assert_eq!(serves(VECTORS[VECTORS.len() - 2].0), [false, false, true]);
    assert_eq!(serves(VECTORS[0].0), [false, false, false]);
}

/// RFC 7677 §3 shows the exchange; its keys follow from the password, salt and iterations shown there.
#[test]
fn derived_keys_are_those_of_the_rfcs() {
    let from_text = |octets: &str| coding::from_base64(octets).expect("base64");
    for (scheme, salt, stored, server) in [
        // RFC 5802 §5, at this module's 4,096 iterations, which are the RFC's as well.
        (
            Scheme::ScramSha1,
            "QSXCR+Q6sek8bf92",
            "6dlGYMOdZcOPutkcNY8U2g7vK9Y=",
            "D+CSWLOshSulAsxiupA+qs2/fTE=",
        ),
        (
            Scheme::ScramSha256,
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=",
            "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
        ),
    ] {
        let plain = Stored::parse("{PLAIN}pencil").expect("plain");
        let found = plain.credential(scheme, &from_text(salt));
        let Some(Credential::Scram {
            iterations,
            stored_key,
            server_key,
            ..
        }) = found
        else {
            panic!("{scheme:?}: {found:?}");
        };
        assert_eq!(iterations, 4096);
        assert_eq!(stored_key.expose(), from_text(stored), "{scheme:?}");
        assert_eq!(server_key.expose(), from_text(server), "{scheme:?}");
    }
}

#[test]
fn no_secret_is_shown() {
    for (text, ..) in VECTORS {
        let stored = Stored::parse(text).expect("a vector");
        assert_eq!(
            format!("{stored:?}"),
            format!("Stored({})", stored.scheme().name())
        );
    }
    let quoted = Stored::parse("{SSHA}my secret")
        .err()
        .map(|e| e.to_string());
    assert!(quoted.is_some_and(|text| !text.contains("my secret")));
}

#[test]
fn a_salt_of_sha_crypt_cannot_break_a_line() {
    let digest = "b".repeat(43);
    for salt in ["sal:t", "sal\nt", "sal t", "*", "!", "s\u{e4}lt"] {
        for form in [
            format!("$5${salt}${digest}"),
            format!("$5$rounds=1000${salt}${digest}"),
        ] {
            assert_eq!(
                Stored::parse(&form).err(),
                Some(SchemeError::Malformed("SHA256-CRYPT")),
                "{form:?}"
            );
        }
    }
    assert!(Stored::parse(&format!("$5$./azAZ09${digest}")).is_ok());
}

#[test]
fn a_digest_of_bcrypt_has_all_its_digits() {
    let digits = "abcdefghijklmnopqrstuuyvPXIbu7xe6/CED2DzX8z6Si09Mlzl";
    assert!(Stored::parse(&format!("$2y$04${digits}W")).is_ok());
    assert!(Stored::parse(&format!("$2y$04${digits}=")).is_err());
}

#[test]
fn what_is_read_is_never_written_too_long_to_be_read() {
    for length in MAX_STORED - 12..=MAX_STORED {
        for name in ["{SSHA512}", "{PLAIN}:", "{PLAIN}"] {
            let text = format!("{name}{}", "a".repeat(length - name.len()));
            if let Ok(stored) = Stored::parse(&text) {
                assert!(
                    Stored::parse(&written(&stored)).is_ok(),
                    "{length} octets of {name}"
                );
            }
        }
    }
    assert!(Stored::parse(&format!("{{SSHA512}}{}", "a".repeat(MAX_STORED - 12))).is_ok());
}
