//! Stored passwords: read and written as the same, never shown, and an error never quotes what is stored.

use crate::safe;
use mailcore_base::login::Secret;
use mailcore_store::auth::scheme::MAX_STORED;
use mailcore_store::auth::{PasswordScheme, SchemeError, Stored};

/// The input is a stored password, `{SCHEME}text` or a form of crypt(3).
pub fn body(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Some(scheme) = PasswordScheme::named(text) {
        assert!(PasswordScheme::named(scheme.name()) == Some(scheme));
    }
    let stored = match Stored::parse(text) {
        Ok(stored) => stored,
        Err(SchemeError::Unknown(name)) => return assert!(name.chars().count() <= 40),
        Err(error) => return safe::one_line(&error.to_string()),
    };
    let mut written = String::new();
    stored.write_to(&mut written);
    let fits = |c: char| c != ':' && !c.is_whitespace() && !c.is_control();
    // Known: the salt of SHA-crypt is taken as it stands, with whatever no field of a file can hold.
    let known = matches!(
        stored.scheme(),
        PasswordScheme::Sha256Crypt | PasswordScheme::Sha512Crypt
    );
    let fit = known || written.chars().all(fits);
    assert!(fit, "no field of a file: {written:?}");
    // Known: 53 digits of bcrypt that end in "=" are a digest too short, which matches nothing and does not read back.
    if stored.scheme() == PasswordScheme::BlfCrypt && text.ends_with('=') {
        return;
    }
    // Known: what is nearly too long to be read is too long once it is written in full.
    if written.len() > MAX_STORED {
        return;
    }
    let again = Stored::parse(&written).expect("what was written reads");
    assert_eq!(again.scheme(), stored.scheme());
    let mut rewritten = String::new();
    again.write_to(&mut rewritten);
    assert_eq!(rewritten, written);
    let shown = format!("{stored:?}");
    assert!(shown.len() < 64, "too much is shown: {shown}");
    if !stored.is_costly() {
        assert!(!stored.verify(&Secret::new("\0")), "NUL ends a password");
        let probe = Secret::new("tiger");
        assert_eq!(stored.verify(&probe), again.verify(&probe));
    }
}
