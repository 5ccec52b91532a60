//! Who answers the SMTP machine's questions in the fuzz bodies: verdicts come from the input, and what is asked and
//! handed out is held to what the machine promises.

use mailcore_base::envelope::Text;
use mailcore_base::login::TlsFacts;
use mailcore_base::reply::Reply;
use mailcore_smtp::server::{
    Ask, AuthAnswer, AuthFailure, Content, Offer, Outcomes, Refusal, Verdict, Welcome,
};

/// The answers, and what was seen.
pub(crate) struct Desk {
    verdicts: [u8; 4],
    asked: usize,
    size_limit: Option<u64>,
    /// Each question, and each message.
    pub(crate) seen: Vec<String>,
    /// The content that has been begun and neither finished nor abandoned.
    content: Option<Vec<u8>>,
}

impl Desk {
    pub(crate) fn new(verdicts: [u8; 4], size_limit: Option<u64>) -> Self {
        Self {
            verdicts,
            asked: 0,
            size_limit,
            seen: Vec::new(),
            content: None,
        }
    }

    pub(crate) fn keeps(&self) -> bool {
        self.content.is_some()
    }

    /// The next two bits of the verdicts; mostly zero, which is consent.
    fn turn(&mut self) -> u8 {
        let octet = self.verdicts[self.asked / 4 % 4];
        let bits = octet >> (2 * (self.asked % 4)) & 3;
        self.asked += 1;
        bits
    }

    fn verdict(&mut self) -> Verdict {
        match self.turn() {
            0 | 1 => Ok(()),
            2 => Err(reply("550 5.7.1 no\nnot here").into()),
            _ if self.asked % 16 == 3 => Err(reply("421 4.3.2 go away").into()),
            _ => Err(Refusal::new(reply("250 2.0.0 this is no refusal"))),
        }
    }

    pub(crate) fn answer(&mut self, ask: Ask<'_>) {
        self.seen.push(format!("{ask:?}"));
        match ask {
            Ask::Connect(question) => {
                let mut welcome = Welcome::default();
                let bits = self.turn();
                welcome.trust.xclient = bits == 1;
                welcome.trust.xforward = bits == 1;
                question.answer(match bits {
                    3 => Err(Refusal::new(reply("554 5.7.1 no"))),
                    _ => Ok(welcome),
                });
            }
            Ask::Hello(question) => question.answer(self.verdict().map(|()| Offer::default())),
            Ask::Secured(question) => {
                assert!(question.facts().hello.is_none() && question.facts().login.is_none());
                question.answer(Ok(TlsFacts::default()));
            }
            Ask::Auth(question) => question.answer(match self.turn() {
                0 => AuthAnswer::Succeeded(Text::lossy(b"alice")),
                1 => AuthAnswer::Challenge(vec![b'c'; 100]),
                2 => AuthAnswer::Failed(AuthFailure::Credentials(None)),
                _ => AuthAnswer::Failed(AuthFailure::Temporary(None)),
            }),
            Ask::Mail(question) => question.answer(self.verdict()),
            Ask::Rcpt(question) => {
                assert!(question.transaction().envelope().recipients.len() < 5);
                question.answer(self.verdict());
            }
            Ask::Verify(question) => question.answer(self.verdict()),
            Ask::Etrn(question) => question.answer(Some(self.verdict())),
            Ask::Unknown(question) => {
                let known = (self.turn() == 1).then(|| reply("250 2.0.0 hello yourself"));
                question.answer(known);
            }
            Ask::Begin(question) => {
                assert!(!self.keeps() && question.transaction().is_open());
                let envelope = question.transaction().envelope();
                assert!(!envelope.recipients.is_empty(), "a message for nobody");
                let verdict = self.verdict();
                self.content = verdict.is_ok().then(Vec::new);
                question.answer(verdict);
            }
            Ask::Header(question) => {
                self.sized(question.asked().size);
                question.answer(self.verdict());
            }
            Ask::Finish(question) => {
                self.sized(question.asked().size);
                let count = question.transaction().envelope().recipients.len();
                assert!((1..=5).contains(&count));
                let outcomes = (0..count).map(|_| match self.turn() {
                    0 | 1 => Ok(Text::lossy(b"ID")),
                    2 => Err(reply("452 4.2.2 full")),
                    _ => Err(reply("550 5.1.1 gone")),
                });
                let outcomes = Outcomes::Each(outcomes.collect());
                self.finish();
                question.answer(outcomes);
            }
            Ask::Abandoned(question) => {
                assert!(
                    self.content.take().is_some(),
                    "only what was begun is abandoned"
                );
                question.answer(());
            }
            other => other.decline(),
        }
    }

    fn sized(&self, size: u64) {
        let content = self.content.as_ref().expect("content was begun");
        assert_eq!(size, content.len() as u64);
    }

    fn finish(&mut self) {
        let content = self.content.take().expect("content was begun");
        assert!(
            self.size_limit
                .is_none_or(|limit| content.len() as u64 <= limit)
        );
        let bare = content
            .windows(2)
            .any(|pair| pair[1] == b'\n' && pair[0] != b'\r');
        assert!(!bare, "a bare LF: {}", content.escape_ascii());
        self.seen.push(content.escape_ascii().to_string());
    }

    /// Takes content in part; a message may be refused at its first octet.
    pub(crate) fn take(&mut self, content: Content<'_>, most: usize) {
        let held = self.content.as_mut().expect("content was begun");
        assert!(!content.bytes().is_empty(), "content of nothing");
        if held.is_empty() && self.verdicts[3] == 0x77 {
            return content.refuse(reply("550 5.6.0 not this"));
        }
        let n = content.bytes().len().min(most);
        held.extend_from_slice(&content.bytes()[..n]);
        content.taken(n);
    }
}

fn reply(text: &str) -> Reply {
    text.parse().expect("a reply")
}
