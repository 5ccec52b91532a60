//! The small texts of SASL: prepared names, stored keys, lists of mechanisms, digests of APOP.

use mailcore_sasl::{Hash, Mechanism, Offer, ScramCredential, Secret, apop};
use mailcore_sasl::{prepare_query, prepare_stored};

/// The input is one text, read as each of them.
pub fn body(input: &[u8]) {
    let secret = Secret::new("tanstaaf");
    let right = apop::digest("<1@x>", &secret);
    let same = right.as_bytes().eq_ignore_ascii_case(input);
    assert!(same || !apop::verify("<1@x>", &secret, input));

    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    prepared(text);
    for hash in [Hash::Sha1, Hash::Sha256] {
        if let Ok(keys) = ScramCredential::parse(hash, text) {
            let mut written = String::new();
            keys.write_to(&mut written);
            assert!(ScramCredential::parse(hash, &written).is_ok_and(|again| again == keys));
        }
    }
    let offer = Offer::parse(text);
    assert_eq!(Offer::parse(&offer.to_string()), offer);
    if let Some(mechanism) = Mechanism::parse(text) {
        assert!(mechanism.name().eq_ignore_ascii_case(text));
    }
}

fn prepared(text: &str) {
    let query = prepare_query(text);
    if let Ok(stored) = prepare_stored(text) {
        let query = query.as_ref().expect("what can be stored can be asked for");
        assert_eq!(stored.as_str(), query.as_str());
    }
    if let Ok(once) = query {
        assert!(!once.is_empty() && !once.contains(char::is_control));
        let again = prepare_query(&once);
        assert!(again.is_ok_and(|twice| twice.as_str() == once.as_str()));
    }
}
