//! The envelope: who sends a message to whom, and what was asked for it.
//!
//! Every value in here is bounded and free of CR, LF, NUL and other controls by construction, so an envelope
//! can be logged, stored by lines, and repeated to the next server without further care. The envelope knows
//! nothing of the message inside it and decides nothing.

mod parameters;
mod text;
mod xtext;

pub use parameters::{
    Body, EnvelopeId, MailParameters, Notify, OriginalRecipient, RcptParameters, Return, Submitter,
};
pub use text::breaks_line;
pub use text::{Text, TextError};
pub use xtext::{XtextError, decode as decode_xtext, encode as encode_xtext};

use crate::address::{ForwardPath, ReversePath};

/// One recipient and what its sender asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address, as RCPT gave it or as routing has since rewritten it.
    pub path: ForwardPath,
    /// The address as RCPT gave it, where an alias led from there to here (Postfix: original_recipient).
    pub original: Option<ForwardPath>,
    /// What RCPT asked besides.
    pub parameters: RcptParameters,
}

impl Recipient {
    /// A recipient with no parameters.
    #[must_use]
    pub fn new(path: impl Into<ForwardPath>) -> Self {
        Self {
            path: path.into(),
            original: None,
            parameters: RcptParameters::default(),
        }
    }

    /// Whether the recipient is at this domain, in whichever form and case it is written.
    #[must_use]
    pub fn is_at(&self, domain: &str) -> bool {
        self.path.domain().is_some_and(|it| it.is(domain))
    }
}

/// A sender, the recipients, and the parameters of both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// Where reports go.
    pub sender: ReversePath,
    /// What MAIL asked besides.
    pub parameters: MailParameters,
    /// In the order they were accepted. How many there may be is the protocol's limit.
    pub recipients: Vec<Recipient>,
}

impl Envelope {
    /// An envelope without recipients.
    #[must_use]
    pub fn new(sender: impl Into<ReversePath>) -> Self {
        Self {
            sender: sender.into(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests;
