//! Questions: what a session cannot know by itself. One is open at a time; it borrows the session, its type
//! knows its only legal answers, and it is answered by value. Dropped unanswered, it is asked again.

use super::{Claimed, Facts, Peer, Transaction, Trust};
use crate::Keywords;
use mailcore_base::{
    address::{ForwardPath, ReversePath},
    envelope::{MailParameters, RcptParameters, Text},
    login::{Secret, TlsFacts},
    reply::{Code, EnhancedStatus, Reply},
    wire::{Line, Wire},
};

/// Something that can be asked, with its only legal kind of answer.
pub trait Topic: sealed::Sealed {
    /// What an answer is made of.
    type Answer;
    /// The answer that is always safe: no, or not now.
    fn refusal() -> Self::Answer;
}

mod sealed {
    pub trait Sealed {}
}

/// A topic and its answer, once it was given.
#[derive(Debug)]
pub(super) struct Open<T: Topic> {
    pub(super) asked: T,
    pub(super) answer: Option<T::Answer>,
}

impl<T: Topic> Open<T> {
    pub(super) fn new(asked: T) -> Self {
        Self {
            asked,
            answer: None,
        }
    }
}

/// An open question.
#[must_use = "a question dropped is asked again"]
pub struct Question<'s, T: Topic> {
    open: &'s mut Open<T>,
    facts: &'s Facts,
    transaction: &'s Transaction,
    line: Line<'s>,
}

impl<'s, T: Topic> Question<'s, T> {
    pub(super) fn new(
        open: &'s mut Open<T>,
        facts: &'s Facts,
        transaction: &'s Transaction,
        wire: &'s mut Wire,
    ) -> Self {
        Self {
            open,
            facts,
            transaction,
            line: Line::new(wire),
        }
    }

    /// What is asked.
    #[must_use]
    pub fn asked(&self) -> &T {
        &self.open.asked
    }

    /// What is known of the connection.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        self.facts
    }

    /// The message that is coming in; not open where there is none.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        self.transaction
    }

    /// What is asked, and the line to look after while the answer is sought.
    pub fn parts(&mut self) -> (&T, &mut Line<'s>) {
        (&self.open.asked, &mut self.line)
    }

    /// Gives the answer.
    pub fn answer(self, answer: T::Answer) {
        self.open.answer = Some(answer);
    }

    /// Gives the safe refusal.
    pub fn decline(self) {
        self.answer(T::refusal());
    }
}

impl<T: Topic + std::fmt::Debug> std::fmt::Debug for Question<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Question").field(&self.open.asked).finish()
    }
}

/// No, with what is said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    reply: Reply,
    disconnect: bool,
}

/// Yes, or no.
pub type Verdict = Result<(), Refusal>;

impl Refusal {
    /// A refusal with a reply of 4xx or 5xx; any other is replaced by a 451. The codes 421 and 521 end the
    /// connection (RFC 5321 §3.8, RFC 7504).
    #[must_use]
    pub fn new(reply: Reply) -> Self {
        let reply = if reply.code().is_refusal() {
            reply
        } else {
            temporary()
        };
        let disconnect = matches!(reply.code().number(), 421 | 521);
        Self { reply, disconnect }
    }

    /// The same, and the connection ends behind it.
    #[must_use]
    pub fn and_disconnect(self) -> Self {
        Self {
            disconnect: true,
            ..self
        }
    }

    /// What is said.
    #[must_use]
    pub fn reply(&self) -> &Reply {
        &self.reply
    }

    /// Whether the connection ends.
    #[must_use]
    pub fn disconnects(&self) -> bool {
        self.disconnect
    }

    pub(super) fn into_parts(self) -> (Reply, bool) {
        (self.reply, self.disconnect)
    }
}

impl From<Reply> for Refusal {
    fn from(reply: Reply) -> Self {
        Self::new(reply)
    }
}

/// A client has connected, or a trusted proxy has said for whom it speaks: who is it?
#[derive(Debug)]
pub struct Connect {
    /// What XCLIENT said, where it is asked for that reason. The peer among the facts is then the proxy, as it
    /// was known before.
    pub claimed: Option<Box<Claimed>>,
}

/// Who a client is, and what it may do.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Welcome {
    /// The client.
    pub peer: Peer,
    /// What it may do.
    pub trust: Trust,
    /// The TLS layer, where the connection has one from the start.
    pub tls: Option<TlsFacts>,
}

/// HELO, EHLO or LHLO.
#[derive(Debug)]
pub struct Hello {
    /// The name as it was sent, made one safe line. It need not be a host name.
    pub name: Text,
    /// Whether extensions are asked for.
    pub extended: bool,
}

/// What is announced to a client that is welcome, besides what options and state say.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Offer {
    /// Keywords that are kept from this client.
    pub discard: Keywords,
    /// Further lines, behind all others. The verbs they announce come as [`Unknown`].
    pub extra: Vec<Text>,
}

/// TLS stands; what the client said before it is forgotten.
#[derive(Debug)]
pub struct Secured;

/// A client wants to log in. A mechanism's bytes mean nothing here.
#[derive(Debug)]
pub enum Auth {
    /// AUTH, and what came with it. Whatever exchange was going on before is over.
    Start {
        /// The mechanism, upper case; one of those that are offered.
        mechanism: Text,
        /// The initial response, if there was one.
        initial: Option<Secret>,
    },
    /// The response to the last challenge.
    Response(Secret),
}

/// How a login goes on.
#[derive(Debug, Clone)]
pub enum AuthAnswer {
    /// The mechanism has more to ask, or to tell.
    Challenge(Vec<u8>),
    /// This user is in.
    Succeeded(Text),
    /// Nobody is in.
    Failed(AuthFailure),
}

/// Why nobody is in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthFailure {
    /// Wrong name or password or token; what the client may know of it.
    Credentials(Option<Text>),
    /// It cannot be told now; what the client may know of it.
    Temporary(Option<Text>),
    /// The mechanism needs TLS (RFC 4954 §6, 538).
    EncryptionRequired,
    /// The mechanism is too weak for this user (534).
    TooWeak,
}

/// MAIL: may this sender send?
#[derive(Debug)]
pub struct Mail {
    /// Where reports go.
    pub sender: ReversePath,
    /// What was asked besides.
    pub parameters: MailParameters,
}

/// RCPT: is this recipient taken?
#[derive(Debug)]
pub struct Rcpt {
    /// The recipient.
    pub path: ForwardPath,
    /// What was asked besides.
    pub parameters: RcptParameters,
}

/// VRFY: is there such a user? Accepted means no more than that mail for it would be tried.
#[derive(Debug)]
pub struct Verify {
    /// The argument as it was sent, made one safe line.
    pub said: Text,
    /// What it says.
    pub path: ForwardPath,
}

/// ETRN: may the queue for this domain be started? Accepted means that it was.
#[derive(Debug)]
pub struct Etrn {
    /// The domain, `@domain` or `#queue` without its first character.
    pub name: Text,
    /// `@` or `#`, if the argument began with one.
    pub kind: Option<char>,
}

/// A verb that is not known here.
#[derive(Debug)]
pub struct Unknown {
    /// The verb, made one safe line.
    pub word: Text,
    /// Its arguments, made one safe line of at most [`Text::MAX`] octets.
    pub arguments: Text,
}

/// Content is about to come, for the transaction's accepted recipients: is it welcome? A place for it must be
/// there from now on, until [`Finish`] or [`Abandoned`] is asked.
#[derive(Debug)]
pub struct Begin;

/// The header is complete, with its empty line: is the rest welcome? If not, it is swallowed, and the refusal
/// is the reply to the message.
#[derive(Debug)]
pub struct Header {
    /// Octets that were handed out so far.
    pub size: u64,
}

/// The content is complete: what becomes of the message?
#[derive(Debug)]
pub struct Finish {
    /// Octets that were handed out.
    pub size: u64,
}

/// What became of a message for one recipient: the name it goes by from now on (a queue id; in LMTP the id of
/// the session), or a refusal.
pub type Outcome = Result<Text, Reply>;

/// What became of a message.
#[derive(Debug, Clone)]
pub enum Outcomes {
    /// The same for all recipients.
    All(Outcome),
    /// One for each recipient, in the order of the envelope. Where one is missing the recipient is told to try
    /// again. SMTP can say only one: the first acceptance if there is any, else the first refusal.
    Each(Vec<Outcome>),
}

/// Content that had begun will never be complete; whatever was kept of it goes.
#[derive(Debug)]
pub struct Abandoned;

/// The safe refusal.
pub(super) fn temporary() -> Reply {
    Reply::new(
        Code::LOCAL_ERROR,
        EnhancedStatus::new(4, 3, 0),
        "Error: temporary failure",
    )
}

macro_rules! topics {
    ($($topic:ty => $answer:ty, $refusal:expr;)*) => {$(
        impl sealed::Sealed for $topic {}
        impl Topic for $topic {
            type Answer = $answer;
            fn refusal() -> $answer { $refusal }
        }
    )*};
}

topics! {
    Connect => Result<Welcome, Refusal>, Err(Refusal::new(temporary()).and_disconnect());
    Hello => Result<Offer, Refusal>, Err(temporary().into());
    Secured => Result<TlsFacts, Refusal>, Err(temporary().into());
    Auth => AuthAnswer, AuthAnswer::Failed(AuthFailure::Temporary(None));
    Mail => Verdict, Err(temporary().into());
    Rcpt => Verdict, Err(temporary().into());
    Verify => Verdict, Err(temporary().into());
    Etrn => Option<Verdict>, None;
    Unknown => Option<Reply>, None;
    Begin => Verdict, Err(temporary().into());
    Header => Verdict, Err(temporary().into());
    Finish => Outcomes, Outcomes::All(Err(temporary()));
    Abandoned => (), ();
}
