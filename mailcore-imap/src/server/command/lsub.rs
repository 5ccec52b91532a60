//! LSUB (RFC 3501 §6.3.9).

use super::{Opened, list};
use crate::parse::Cursor;
use crate::server::question::{Answer, Subscriptions, Want};
use crate::server::turn::{Command, Next, Once, Reply, Turn};
use crate::types::Failed;
use mailcore_base::mailbox::{MailboxName, Pattern};
use std::vec;

#[derive(Debug)]
struct Run {
    pattern: Pattern,
    names: Option<Result<vec::IntoIter<MailboxName>, Failed>>,
    /// The parent that was said last, so that it is said once.
    said: Option<MailboxName>,
}

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    let (reference, pattern) = list::arguments(at)?;
    Ok(
        match list::joined(&reference, &pattern, turn.state.separator()) {
            Some(pattern) => Box::new(Run {
                pattern,
                names: None,
                said: None,
            }),
            None => Once::reply(Reply::ok("Lsub completed")),
        },
    )
}

impl Command for Run {
    fn next(&mut self, turn: &mut Turn<'_>) -> Next {
        let separator = turn.state.separator();
        let names = match &mut self.names {
            None => return Next::Ask(Want::Subscriptions(Subscriptions)),
            Some(Err(failed)) => return Next::Reply(Reply::failed(*failed)),
            Some(Ok(names)) => names,
        };
        while !turn.out.full() {
            let Some(name) = names.next() else {
                return Next::Reply(Reply::ok("Lsub completed"));
            };
            if self.pattern.matches(&name) {
                // Its children are not told by it: it is subscribed itself.
                self.said = Some(name.clone());
                if name.to_utf7(separator).is_some() {
                    turn.out.say("* LSUB (");
                    list::write_name(turn.out, &name, separator);
                }
            } else if let Some(parent) = parent(&self.pattern, &name)
                && self.said.as_ref() != Some(&parent)
                && parent.to_utf7(separator).is_some()
            {
                // RFC 3501 §6.3.9: % hides names below, and says so by their parent.
                turn.out.say("* LSUB (\\Noselect");
                list::write_name(turn.out, &parent, separator);
                self.said = Some(parent);
            }
        }
        Next::More
    }

    fn answered(&mut self, answer: Answer, _turn: &mut Turn<'_>) {
        if let Answer::Names(names) = answer {
            self.names = Some(names.map(|mut names| {
                // A parent stands in front of its children; one that is subscribed itself is said as such.
                names.sort();
                names.into_iter()
            }));
        }
    }
}

/// The nearest name above that matches, if the pattern has wildcards at all.
fn parent(pattern: &Pattern, name: &MailboxName) -> Option<MailboxName> {
    if !pattern.is_wild() {
        return None;
    }
    std::iter::successors(name.parent(), MailboxName::parent).find(|above| pattern.matches(above))
}
