//! The client side of every mechanism against any server: an exchange ends, and none goes on after an error.

use crate::Choices;
use crate::sasl_parties::{client_materials, credentials};
use mailcore_sasl::Mechanism;
use mailcore_sasl::client::Exchange;

/// More messages than any mechanism has.
const MOST_MESSAGES: usize = 4;

/// The input is a mechanism's name and the server's challenges, one on each line; the last octet says whether our first
/// message goes along with the command.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let along = choices.below(2) == 0;
    let name = String::from_utf8_lossy(choices.line().unwrap_or_default());
    let Some(mechanism) = Mechanism::parse(&name) else {
        return;
    };
    if stretches(choices.rest()) {
        return;
    }
    let mut client = Exchange::start(mechanism, &credentials(mechanism), client_materials())
        .expect("credentials that fit");
    let mut messages = 0;
    if along {
        messages += usize::from(client.initial().is_some());
        assert!(client.initial().is_none(), "the first message twice");
    }
    while let Some(challenge) = choices.line() {
        match client.respond(challenge) {
            Ok(message) => {
                messages += 1;
                assert!(messages <= MOST_MESSAGES, "an exchange without end");
                assert!(message.len() <= 2 * challenge.len() + 1024);
            }
            Err(_) => {
                assert!(client.respond(b"").is_err(), "it went on after an error");
                assert!(client.accepted().is_err(), "an error was accepted");
                return;
            }
        }
    }
    let _ = client.token_error();
    let _ = client.accepted();
}

/// Iterations of five digits and more are allowed, and cost the time of a thousand other inputs.
fn stretches(challenges: &[u8]) -> bool {
    challenges
        .windows(7)
        .any(|w| w.starts_with(b"i=") && w[2..].iter().all(u8::is_ascii_digit))
}
