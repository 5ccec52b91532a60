//! The server side of every mechanism at every stage: nobody comes in whom the backend did not let in, an exchange
//! ends, and names are fit for a log.

use crate::sasl_parties::{NAME, answer, server_materials};
use crate::{Choices, safe};
use mailcore_sasl::server::{self, Step};
use mailcore_sasl::{Identity, Mechanism};

/// More challenges than any mechanism has.
const MOST_CHALLENGES: usize = 3;
/// Far more octets than any challenge may have.
const LONGEST_CHALLENGE: usize = 16 * 1024;

/// The input is a mechanism's name and the client's messages, one on each line (the first comes along with the command,
/// unless it is `-`); the last octet says which look-ups find the backend away.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let away = choices.octet();
    let name = String::from_utf8_lossy(choices.line().unwrap_or_default());
    let Some(mechanism) = Mechanism::parse(&name) else {
        return;
    };
    let initial = choices.line().filter(|line| *line != b"-");
    let mut vouched = mechanism.is_anonymous();
    let mut look_ups = 0;
    let mut challenges = 0;
    let mut step = server::start(mechanism, server_materials(), initial);
    loop {
        step = match step {
            Step::Need(need) => {
                look_ups += 1;
                assert_eq!(look_ups, 1, "a mechanism asks once");
                let (step, lets_in) = answer(need, away.is_multiple_of(7));
                vouched |= lets_in;
                step
            }
            Step::Challenge(challenge) => {
                challenges += 1;
                assert!(challenges <= MOST_CHALLENGES, "an exchange without end");
                assert!(challenge.octets().len() <= LONGEST_CHALLENGE);
                let Some(message) = choices.line() else {
                    return;
                };
                challenge.respond(message)
            }
            Step::Done(Ok(identity)) => {
                assert!(vouched, "{identity:?} came in unasked");
                return fit(&identity, mechanism);
            }
            Step::Done(Err(failure)) => {
                return safe::one_line(&failure.to_string());
            }
        }
    }
}

fn fit(identity: &Identity, mechanism: Mechanism) {
    assert_eq!(identity.mechanism, mechanism);
    let who = if mechanism.is_anonymous() {
        "anonymous"
    } else {
        NAME
    };
    assert_eq!(identity.authentication, who);
    assert!(!identity.acts_as().is_empty());
    assert!(!identity.acts_as().contains(char::is_control));
    let trace = identity.trace.as_deref().unwrap_or_default();
    assert!(!trace.contains(char::is_control));
}
