//! What the replies to a message's commands mean for its recipients.

use super::{Stage, Trouble, due::Due, sending::Cursor, session::Session};
use mailcore_base::reply::{Class, Reply};

impl Session {
    /// A reply to any of a message's commands.
    pub(super) fn answered_sending(&mut self, due: Due, reply: Reply) {
        let class = reply.code().class();
        match due {
            Due::Probe if class == Class::Completed => self.probe = false,
            Due::Probe => self.part_over(Stage::Probe, reply),
            Due::Mail | Due::Chunk if class == Class::Completed => {}
            Due::Data if class == Class::Intermediate => self.go_ahead(),
            Due::Mail | Due::Data | Due::Chunk => self.answered_no(due, reply),
            Due::Rcpt(n) => self.answered_rcpt(n, reply),
            Due::End | Due::EndFor(_) => self.answered_end(due, reply),
            // Whatever is said to a message for nobody.
            _ => {}
        }
    }

    /// MAIL, DATA or a chunk was refused: the message has come to nothing for all that are left.
    fn answered_no(&mut self, due: Due, reply: Reply) {
        let odd = !reply.code().is_refusal();
        let stage = due.stage();
        let trouble = Trouble::Said { stage, reply };
        // A peer that says yes where it cannot is not understood any more.
        if odd {
            return self.fail(trouble);
        }
        let Some(sending) = &mut self.sending else {
            return;
        };
        sending.refuse_all(&trouble);
        sending.cursor = Cursor::Over;
    }

    fn answered_rcpt(&mut self, n: usize, reply: Reply) {
        let Some(sending) = &mut self.sending else {
            return;
        };
        let stage = Stage::Rcpt;
        match reply.code().class() {
            Class::Completed if sending.outcomes.get(n).is_some_and(Option::is_none) => {
                sending.accepted.push(n);
            }
            Class::Completed => {}
            Class::Intermediate => self.fail(Trouble::Said { stage, reply }),
            _ => sending.refuse(n, &Trouble::Said { stage, reply }),
        }
    }

    /// 354.
    fn go_ahead(&mut self) {
        let lmtp = self.is_lmtp();
        let Some(sending) = &mut self.sending else {
            return;
        };
        if !sending.is_hopeless() {
            sending.cursor = Cursor::Body;
            return;
        }
        // RFC 2920 §3.1: DATA went ahead of refusals, and was accepted nonetheless: nothing is sent then.
        sending.cursor = Cursor::Over;
        sending.encoder.finish(self.wire.output());
        // RFC 2033 §4.2: where nobody was accepted, nobody is answered for.
        if !lmtp {
            self.dues.push(Due::Void, 0);
        }
    }

    fn answered_end(&mut self, due: Due, reply: Reply) {
        let Some(sending) = &mut self.sending else {
            return;
        };
        let stage = Stage::EndOfData;
        let yes = match reply.code().class() {
            Class::Completed => true,
            Class::Intermediate => return self.fail(Trouble::Said { stage, reply }),
            Class::Transient | Class::Permanent => false,
        };
        match (due, yes) {
            (Due::EndFor(n), true) => sending.accept(n, reply),
            (Due::EndFor(n), false) => sending.refuse(n, &Trouble::Said { stage, reply }),
            (_, true) => {
                let accepted = std::mem::take(&mut sending.accepted);
                for n in accepted {
                    sending.accept(n, reply.clone());
                }
            }
            (_, false) => sending.refuse_all(&Trouble::Said { stage, reply }),
        }
        // RFC 5321 §4.1.1.4: once the content was answered, nothing is left of the message.
        self.probe = false;
    }
}
