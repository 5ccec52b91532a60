//! What the log says of a reception's verdicts, in Postfix's form. LMTP's refusals are told to the server in front,
//! which logs them.

use super::{Role, Visit};
use crate::log::{self, Clean};
use mailcore_base::address::{ForwardPath, ReversePath};
use mailcore_base::reply::Reply;
use std::fmt::Write as _;

impl Visit {
    /// Logs that the client was refused at `stage` (`CONNECT`, `RCPT`, `END-OF-MESSAGE` …):
    /// `NOQUEUE: reject: RCPT from name[address]: 454 …; from=<…> to=<…> proto=ESMTP helo=<…>`.
    pub(crate) fn note_refusal(
        &self,
        stage: &str,
        reply: &Reply,
        sender: Option<&ReversePath>,
        recipient: Option<&ForwardPath>,
    ) {
        if self.role == Role::Lmtp {
            return;
        }
        let mut tail = String::new();
        // Writing to a String cannot fail.
        if let Some(sender) = sender {
            let _ = write!(tail, " from=<{}>", Clean(&sender.to_string()));
        }
        if let Some(recipient) = recipient {
            let _ = write!(tail, " to=<{}>", Clean(&recipient.to_string()));
        }
        tail.push_str(if self.extended {
            " proto=ESMTP"
        } else {
            " proto=SMTP"
        });
        if let Some(hello) = &self.hello {
            let _ = write!(tail, " helo=<{}>", Clean(hello));
        }
        log::postfix::info(
            self.program,
            format_args!(
                "NOQUEUE: reject: {stage} from {}: {};{tail}",
                self.client,
                Clean(&reply.to_string())
            ),
        );
    }

    /// Logs that a message was taken under `id`, and by what name it calls itself.
    pub(crate) fn note_acceptance(&self, id: &str, message_id: &str) {
        if self.role == Role::Lmtp {
            return;
        }
        let login = self.login.as_ref();
        let accepted = log::postfix::Accepted {
            id,
            client: &self.client,
            login: login.map(|l| (l.mechanism.as_str(), l.name.as_str())),
        };
        log::postfix::accepted(self.program, accepted);
        log::postfix::message_id(id, message_id);
    }
}
