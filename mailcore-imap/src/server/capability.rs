//! The capability line, computed from what is on and where the session stands; never a stored string.

use super::{Facts, Mechanism, Options, state::State};

/// What is offered at every moment, in Dovecot's order.
const ALWAYS: [&str; 7] = [
    "IMAP4rev1",
    "SASL-IR",
    "LOGIN-REFERRALS",
    "ID",
    "ENABLE",
    "IDLE",
    "LITERAL+",
];
/// What is offered after login besides.
const AFTER_LOGIN: [&str; 26] = [
    "SORT",
    "SORT=DISPLAY",
    "THREAD=REFERENCES",
    "THREAD=REFS",
    "THREAD=ORDEREDSUBJECT",
    "MULTIAPPEND",
    "URL-PARTIAL",
    "CATENATE",
    "UNSELECT",
    "CHILDREN",
    "NAMESPACE",
    "UIDPLUS",
    "LIST-EXTENDED",
    "I18NLEVEL=1",
    "CONDSTORE",
    "QRESYNC",
    "ESEARCH",
    "ESORT",
    "SEARCHRES",
    "WITHIN",
    "CONTEXT=SEARCH",
    "LIST-STATUS",
    "BINARY",
    "MOVE",
    "SPECIAL-USE",
    "STATUS=SIZE",
];

/// Whether a password may be sent as it is.
pub(super) fn plaintext_allowed(state: &State, facts: &Facts, options: &Options) -> bool {
    options.plaintext_everywhere || facts.secured || facts.tls.is_some() || state.tls
}

/// Whether COMPRESS can be said. RFC 4978 §3: once.
pub(super) fn compress(state: &State, options: &Options) -> bool {
    options.compress && state.account.is_some() && !state.compressed
}

/// Whether STARTTLS can be said.
pub(super) fn starttls(state: &State, facts: &Facts, options: &Options) -> bool {
    options.starttls && facts.tls.is_none() && !state.tls
}

/// The words behind `CAPABILITY`, each with a space in front.
pub(super) fn write_to(out: &mut Vec<u8>, state: &State, facts: &Facts, options: &Options) {
    let mut say = |prefix: &str, word: &str| {
        out.push(b' ');
        out.extend_from_slice(prefix.as_bytes());
        out.extend_from_slice(word.as_bytes());
    };
    for word in ALWAYS {
        say("", word);
    }
    if state.account.is_some() {
        for word in AFTER_LOGIN {
            say("", word);
        }
        if compress(state, options) {
            say("", "COMPRESS=DEFLATE");
        }
        return;
    }
    if starttls(state, facts, options) {
        say("", "STARTTLS");
    }
    let plaintext = plaintext_allowed(state, facts, options);
    if !plaintext {
        // RFC 3501 §6.2.3
        say("", "LOGINDISABLED");
    }
    for mechanism in offered(state, facts, options) {
        say("AUTH=", &mechanism.name);
    }
}

/// The mechanisms that can be used as the connection stands.
pub(super) fn offered<'o>(
    state: &State,
    facts: &Facts,
    options: &'o Options,
) -> impl Iterator<Item = &'o Mechanism> {
    let plaintext = plaintext_allowed(state, facts, options);
    let tls = facts.tls.is_some() || state.tls;
    options
        .mechanisms
        .iter()
        .filter(move |m| (plaintext || !m.plaintext) && (tls || !m.binds_channel))
}
