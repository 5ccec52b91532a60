//! CREATE (RFC 3501 §6.3.3).

use super::{Opened, first};
use crate::parse::{Cursor, modifiers};
use crate::server::question::{Answer, Create, Want};
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::types::Failed;
use mailcore_base::mailbox::MailboxName;

#[derive(Debug)]
struct Run {
    create: Create,
    outcome: Option<Result<(), Failed>>,
}

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    first(at)?;
    let text = at.astring()?;
    if !at.rest().is_empty() {
        at.space()?;
        modifiers::none(at, "CREATE")?;
        at.end()?;
    }
    // RFC 3501 §6.3.3: a separator at the end only says that children will follow.
    let mut separator = [0; 4];
    let separator = turn.state.separator().encode_utf8(&mut separator);
    let stripped = text.strip_suffix(separator.as_bytes()).unwrap_or(&text);
    match turn.name(stripped) {
        Ok(name) => Ok(Box::new(Run {
            create: Create {
                name,
                special: None,
            },
            outcome: None,
        })),
        Err(reply) => Ok(Once::reply(reply)),
    }
}

/// The store cannot keep a mailbox of this name, most likely for one of the reasons that a file name has.
pub(super) fn unsupported(name: &MailboxName, turn: &Turn<'_>) -> Reply {
    let name = turn.shown(name);
    Reply::no(if name.contains('/') && turn.state.separator() != '/' {
        "[CANNOT] Invalid mailbox name: Name must not have '/' characters"
    } else if name.starts_with('~') {
        "[CANNOT] Invalid mailbox name: Begins with '~'"
    } else {
        "[CANNOT] Invalid mailbox name"
    })
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        match self.outcome {
            None => Next::Ask(Want::Create(self.create.clone())),
            Some(Ok(())) => Next::Reply(Reply::ok("Create completed")),
            Some(Err(Failed::Unsupported)) => Next::Reply(unsupported(&self.create.name, turn)),
            Some(Err(failed)) => Next::Reply(Reply::failed(failed)),
        }
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        if let Answer::Done(outcome) = answer {
            self.outcome = Some(outcome);
        }
    }
}
