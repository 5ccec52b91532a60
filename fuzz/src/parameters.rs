//! The values of MAIL's and RCPT's parameters: no line break hides in them, and they survive the next hop.

use crate::safe;
use mailcore_base::envelope::{EnvelopeId, Notify, OriginalRecipient, Submitter, Text};

/// The input is one value, read as each parameter's.
pub fn body(input: &[u8]) {
    let lossy = Text::lossy(input);
    safe::one_line(&lossy);
    assert_eq!(Text::new(&lossy).as_ref(), Ok(&lossy));

    let Ok(value) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(text) = Text::new(value) {
        assert_eq!(text.as_str(), value);
        safe::one_line(&text);
        assert!(text.len() <= Text::MAX);
    }
    if let Ok(id) = EnvelopeId::parse(value) {
        safe::one_line(id.as_str());
        assert!(id.to_string().len() <= EnvelopeId::MAX);
        assert_eq!(EnvelopeId::parse(&id.to_string()), Ok(id));
    }
    if let Ok(submitter) = Submitter::parse(value) {
        safe::one_line(&submitter.to_string());
        assert_eq!(Submitter::parse(&submitter.to_string()), Ok(submitter));
    }
    if let Some(notify) = Notify::parse(value) {
        assert_eq!(Notify::parse(&notify.to_string()), Some(notify));
    }
    original_recipient(value);
}

fn original_recipient(value: &str) {
    let Ok(original) = OriginalRecipient::parse(value) else {
        return;
    };
    safe::one_line(original.address());
    let written = original.to_string();
    safe::one_line(&written);
    assert!(!written.contains([' ', '=']));
    assert_eq!(OriginalRecipient::parse(&written), Ok(original));
}
