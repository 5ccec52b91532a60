//! DATA.

use crate::{
    parse::CommandLine,
    server::{session::Session, words::Say},
};
use std::time::Instant;

impl Session {
    pub(super) fn data(&mut self, now: Instant, line: &CommandLine<'_>) {
        let mistake = if !self.transaction.is_open() {
            Some(Say::NeedMailForData)
        } else if self.transaction.is_chunked() {
            // RFC 3030 §2: DATA and BDAT do not mix in one transaction.
            Some(Say::DataAfterBdat)
        } else if self.transaction.envelope().recipients.is_empty() {
            Some(Say::NoRecipients)
        } else if !line.arguments.is_empty() {
            Some(Say::DataSyntax)
        } else {
            None
        };
        match mistake {
            // Whatever a refusal leaves behind could be used by the message after it: nothing is left.
            Some(say) => {
                self.reset();
                self.say(now, say);
            }
            None => self.ask_begin(),
        }
    }
}
