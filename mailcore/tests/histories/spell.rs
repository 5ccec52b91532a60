//! Commands as clients say them.

use crate::event::{Command, FLAGS, MAILBOXES, Unless};
use crate::memory::Kind;
use crate::world::{Meant, World, set, words};

impl World {
    /// The command as the client says it; NOOP where it has nothing to say it about.
    pub fn line(&mut self, who: usize, meant: &mut Meant) -> String {
        let line = self.spelled(who, meant);
        line.unwrap_or_else(|| {
            meant.command = Command::Noop;
            "NOOP".to_owned()
        })
    }

    fn spelled(&mut self, who: usize, meant: &mut Meant) -> Option<String> {
        match meant.command {
            Command::Append { .. } | Command::Catenate { .. } => return self.appended(who, meant),
            Command::Create(mailbox) => return Some(format!("CREATE {}", MAILBOXES[mailbox])),
            Command::Delete(mailbox) => return Some(format!("DELETE {}", MAILBOXES[mailbox])),
            Command::Rename(from, to) => {
                return Some(format!("RENAME {} {}", MAILBOXES[from], MAILBOXES[to]));
            }
            _ => {}
        }
        let client = &self.clients[who];
        client.belief.as_ref()?;
        let verb = |name: &str, by_uid| match by_uid {
            true => format!("UID {name}"),
            false => name.to_owned(),
        };
        let mut about = |which: &crate::event::Which, name: &str| {
            let (set, uids) = client.resolve(which)?;
            meant.uids = uids;
            Some(format!("{} {set}", verb(name, which.by_uid)))
        };
        Some(match &meant.command {
            Command::Unselect => "UNSELECT".into(),
            Command::Close => "CLOSE".into(),
            Command::Check => "CHECK".into(),
            Command::Idle => "IDLE".into(),
            Command::Expunge => "EXPUNGE".into(),
            Command::Store {
                which,
                op,
                silent,
                flags,
                unless,
            } => {
                let silent = if *silent { ".SILENT" } else { "" };
                let unless = match (client.kind, unless) {
                    (Kind::Plain, _) | (_, Unless::Never) => String::new(),
                    (_, Unless::Changed) => {
                        format!(" (UNCHANGEDSINCE {})", client.belief.as_ref()?.modseq)
                    }
                    (_, Unless::Since(modseq)) => format!(" (UNCHANGEDSINCE {modseq})"),
                };
                format!(
                    "{}{unless} {op}FLAGS{silent} ({})",
                    about(which, "STORE")?,
                    words(&set(*flags))
                )
            }
            Command::Changes => {
                let since = client.belief.as_ref()?.modseq;
                match client.kind {
                    Kind::Plain => return None,
                    Kind::Condstore => format!("UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since})"),
                    // From the beginning: what went before it came, it may hear again.
                    Kind::Qresync => "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)".into(),
                }
            }
            Command::Copy { which, to } => format!("{} {}", about(which, "COPY")?, MAILBOXES[*to]),
            Command::Move { which, to } => format!("{} {}", about(which, "MOVE")?, MAILBOXES[*to]),
            Command::UidExpunge(which) => {
                let mut which = which.clone();
                which.by_uid = true;
                about(&which, "EXPUNGE")?
            }
            Command::Fetch { which, body } => {
                let items = match (body, client.kind) {
                    (true, _) => "(UID FLAGS RFC822.SIZE BODY[])",
                    (false, Kind::Plain) => "(FLAGS RFC822.SIZE UID)",
                    (false, _) => "(FLAGS RFC822.SIZE MODSEQ UID)",
                };
                format!("{} {items}", about(which, "FETCH")?)
            }
            Command::Search {
                by_uid,
                flag,
                not,
                modseq,
            } => {
                let not = if *not { "NOT " } else { "" };
                let modseq = match *modseq && client.kind != Kind::Plain {
                    true => "MODSEQ 1 ",
                    false => "",
                };
                let key = match FLAGS[*flag].strip_prefix('\\') {
                    Some(system) => system.to_ascii_uppercase(),
                    None => format!("KEYWORD {}", FLAGS[*flag]),
                };
                format!("{} {modseq}{not}{key}", verb("SEARCH", *by_uid))
            }
            _ => return None,
        })
    }

    fn appended(&mut self, who: usize, meant: &mut Meant) -> Option<String> {
        match meant.command {
            Command::Append {
                mailbox,
                flags,
                another,
            } => {
                let mut line = format!("APPEND {}", MAILBOXES[mailbox]);
                for bits in [flags].into_iter().chain(another) {
                    let (mail, text) = self.mail(set(bits));
                    let (flags, octets) = (words(&mail.flags), text.len());
                    line += &format!(" ({flags}) {{{octets}+}}\r\n{text}");
                    meant.mails.push(mail);
                }
                Some(line)
            }
            Command::Catenate {
                mailbox,
                flags,
                part,
            } => {
                let belief = self.clients[who].belief.as_ref()?;
                let place = usize::from(part).checked_rem(belief.messages.len())?;
                let (uid, size) = (belief.messages[place].uid?, belief.messages[place].size?);
                let (of, validity) = (MAILBOXES[belief.mailbox], belief.validity);
                let (mut mail, text) = self.mail(set(flags));
                let (flags, octets) = (words(&mail.flags), text.len());
                mail.size += size;
                meant.uids = vec![uid];
                meant.mails.push(mail);
                Some(format!(
                    "APPEND {} ({flags}) CATENATE (TEXT {{{octets}+}}\r\n{text} \
                     URL \"/{of};UIDVALIDITY={validity}/;UID={uid}\")",
                    MAILBOXES[mailbox]
                ))
            }
            _ => None,
        }
    }
}
