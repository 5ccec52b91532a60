//! AUTH: the machine carries the bytes, the gate decides.

use super::Answers;
use crate::auth::{Link, Reason, Refusal, Turn};
use crate::log::{self, Clean};
use crate::net::end::End;
use crate::net::stream::Transport;
use crate::reception::LoggedIn;
use mailcore_base::envelope::Text;
use mailcore_base::login::Service;
use mailcore_smtp::server::{Auth, AuthAnswer, AuthFailure, Question};

impl Answers<'_> {
    pub(super) async fn auth<S: Transport>(&mut self, mut q: Question<'_, Auth>, end: &mut End<S>) {
        let Some(gate) = &self.server.gate else {
            return q.decline();
        };
        let link = Link::new(
            Service::Smtp,
            self.route.peer.ip(),
            self.visit.local,
            self.visit.tls.clone(),
        )
        .tls_only();
        let dialogue = match q.asked() {
            Auth::Start { .. } => None,
            Auth::Response(_) => self.dialogue.take(),
        };
        if let Auth::Start { mechanism, .. } = q.asked() {
            self.tried = mechanism.as_str().to_owned();
        }
        let (asked, line) = q.parts();
        let turn = match (asked, dialogue) {
            (Auth::Start { mechanism, initial }, _) => {
                let initial = initial.as_ref().map(|secret| secret.expose());
                end.attend(line, gate.begin(&link, mechanism.as_str(), initial))
                    .await
            }
            (Auth::Response(response), Some(dialogue)) => {
                end.attend(line, dialogue.respond(response.expose())).await
            }
            (Auth::Response(_), None) => return q.decline(),
        };
        let Some(turn) = turn else { return };
        let answer = self.turned(turn);
        q.answer(answer);
    }

    fn turned(&mut self, turn: Turn) -> AuthAnswer {
        match turn {
            Turn::Challenge(octets, dialogue) => {
                self.dialogue = Some(dialogue);
                AuthAnswer::Challenge(octets)
            }
            Turn::Admitted(admitted) => {
                let name = Text::lossy(admitted.name.as_bytes());
                self.visit.login = Some(LoggedIn {
                    mechanism: admitted.mechanism,
                    name: admitted.name,
                });
                AuthAnswer::Succeeded(name)
            }
            Turn::Refused(refusal) => {
                self.note_failed_login(&refusal);
                AuthAnswer::Failed(match refusal.reason {
                    Reason::Unavailable => AuthFailure::Temporary(None),
                    Reason::Insecure => AuthFailure::EncryptionRequired,
                    _ => AuthFailure::Credentials(None),
                })
            }
        }
    }

    fn note_failed_login(&self, refusal: &Refusal) {
        log::postfix::warning(
            self.visit.program,
            format_args!(
                "{}: SASL {} authentication failed: (reason unavailable), sasl_username={}",
                self.visit.client,
                Clean(&self.tried),
                Clean(&refusal.name)
            ),
        );
    }
}
