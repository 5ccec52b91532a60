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
    let fit = written.len() <= MAX_STORED && written.chars().all(fits);
    assert!(fit, "no field of a file: {written:?}");
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
