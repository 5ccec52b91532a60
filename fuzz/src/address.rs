//! Addresses and paths: what is read is bounded, is one safe line, and reads back as it was written.

use crate::safe;
use mailcore_base::address::{
    Address, Domain, ForwardPath, Host, LocalPart, Repertoire, ReversePath,
};

/// The input is one text, read as everything that an address can be.
pub fn body(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    for repertoire in [Repertoire::Ascii, Repertoire::Utf8] {
        whole(text, repertoire);
        path(text, repertoire);
        domain(text, repertoire);
    }
    if let Ok(narrow) = Address::parse(text, Repertoire::Ascii) {
        assert!(narrow.to_string().is_ascii());
        assert_eq!(Address::parse(text, Repertoire::Utf8), Ok(narrow));
    }
}

fn whole(text: &str, repertoire: Repertoire) {
    let Ok(address) = Address::parse(text, repertoire) else {
        return;
    };
    let written = address.to_string();
    safe::one_line(&written);
    assert_eq!(Address::parse(&written, repertoire).as_ref(), Ok(&address));
    local(address.local());
}

fn local(local: &LocalPart) {
    assert!((1..=LocalPart::MAX).contains(&local.as_str().len()));
    let (user, extension) = local.split("+-");
    assert!(!user.is_empty());
    let behind = extension.map_or(0, |extension| extension.len() + 1);
    assert_eq!(user.len() + behind, local.as_str().len());
}

fn path(text: &str, repertoire: Repertoire) {
    let Ok((path, rest)) = ReversePath::parse_prefix(text, repertoire) else {
        assert!(ForwardPath::parse_prefix(text, repertoire).is_err());
        return;
    };
    assert!(text.ends_with(rest));
    assert!(rest.is_empty() || rest.starts_with([' ', '\t']), "{rest:?}");
    let written = format!("<{path}>{rest}");
    safe::one_line(&path.to_string());
    let again = ReversePath::parse_prefix(&written, repertoire);
    assert_eq!(again, Ok((path.clone(), rest)));
    assert_eq!(
        ForwardPath::parse_prefix(text, repertoire).is_err(),
        path.is_null()
    );
}

fn domain(text: &str, repertoire: Repertoire) {
    let _ = Host::parse(text, repertoire).map(|host| safe::one_line(&host.to_string()));
    let Ok(domain) = Domain::parse(text, repertoire) else {
        return;
    };
    let ascii = domain.as_ascii();
    assert!(ascii.is_ascii() && ascii.len() <= Domain::MAX && !ascii.is_empty());
    assert!(!ascii.bytes().any(|b| b.is_ascii_uppercase()));
    assert!(
        domain
            .labels()
            .all(|label| label.len() <= Domain::MAX_LABEL)
    );
    assert_eq!(
        Domain::parse(ascii, Repertoire::Ascii).as_ref(),
        Ok(&domain)
    );
    assert_eq!(
        Domain::parse(domain.as_given(), repertoire).as_ref(),
        Ok(&domain)
    );
    safe::one_line(domain.as_given());
    safe::one_line(&domain.to_unicode());
}
