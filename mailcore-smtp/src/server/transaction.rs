//! One message on its way in. It dies with its last reply, with RSET, EHLO, STARTTLS and every refusal of its
//! content; nothing of it is ever seen by the next.

use mailcore_base::envelope::Envelope;

/// What a client has said of the message it is sending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transaction {
    envelope: Envelope,
    open: bool,
    pub(super) chunked: bool,
}

impl Transaction {
    pub(super) fn begin(envelope: Envelope) -> Self {
        Self {
            envelope,
            open: true,
            chunked: false,
        }
    }

    pub(super) fn envelope_mut(&mut self) -> &mut Envelope {
        &mut self.envelope
    }

    /// Sender, recipients and parameters, as far as they were accepted.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Whether MAIL has been accepted. Without it the envelope is empty.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether the content comes, or came, by BDAT.
    #[must_use]
    pub fn is_chunked(&self) -> bool {
        self.chunked
    }
}
