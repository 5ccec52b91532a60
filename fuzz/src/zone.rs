//! Zone files: read whole or refused with the line that is wrong, and every question has its answer.

use crate::{safe, scratch};
use mailcore::dns::{Family, Resolve, Zone};

/// The input is a file; where it is text, its words are asked for as names.
pub fn body(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let zone: Zone = match text.parse() {
        Ok(zone) => zone,
        Err(error) => return safe::one_line(&format!("{error}")),
    };
    // A comment and an empty line change nothing, and a second reading reads the same.
    let commented = format!("; a comment\n\n{text}");
    let again: Zone = commented
        .parse()
        .expect("a comment in front spoils nothing");
    for name in text.split_whitespace().take(50) {
        let name = name.trim_end_matches('.');
        let said = answers(&zone, name);
        assert_eq!(said, answers(&again, name), "{name:?}");
        let dotted = format!("{}.", name.to_ascii_uppercase());
        assert_eq!(said, answers(&zone, &dotted), "{name:?}");
    }
}

/// All that a zone says of a name.
fn answers(zone: &Zone, name: &str) -> Vec<String> {
    use scratch::at_once;
    vec![
        format!("{:?}", at_once(zone.mx(name))),
        format!("{:?}", at_once(zone.addresses(name, Family::V4))),
        format!("{:?}", at_once(zone.addresses(name, Family::V6))),
        format!("{:?}", at_once(zone.txt(name))),
        format!("{:?}", at_once(zone.tlsa(name))),
        format!("{:?}", at_once(zone.ns(name))),
    ]
}
