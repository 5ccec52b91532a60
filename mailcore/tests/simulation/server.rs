//! A server of others: it speaks SMTP line by line, knows nobody and nothing of us, and takes, refuses or puts off each
//! recipient as the seed has it. What it has taken it keeps, whatever becomes of us.

use crate::journal::Accepted;
use crate::net::Wire;
use crate::power::{Power, Seen};
use crate::remote::{Others, Says, token};
use std::io;
use std::time::Duration;
use tokio::time::sleep;

#[derive(Debug)]
pub struct Server {
    wire: Wire,
    others: Others,
    power: Power,
}

/// What was said of a message so far.
#[derive(Debug, Default)]
struct Envelope {
    /// The letter that it is, by its envelope's identifier; none for a report.
    token: String,
    taken: Vec<String>,
}

impl Server {
    pub fn new(wire: Wire, others: &Others, power: &Power) -> Self {
        Self {
            wire,
            others: others.clone(),
            power: power.clone(),
        }
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        self.power.check().await;
        self.wire.send(&format!("{text}\r\n")).await
    }

    async fn line(&mut self) -> io::Result<String> {
        let line = self.wire.line().await?;
        // What came when our power was off was never sent.
        self.power.check().await;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    pub async fn serve(mut self) -> io::Result<()> {
        if self.others.is_busy() {
            return self.say("421 4.3.2 not now").await;
        }
        self.say("220 others.test ESMTP").await?;
        let mut envelope = Envelope::default();
        loop {
            let line = self.line().await?;
            let command = line.trim_end();
            match command.get(..4).unwrap_or_default() {
                "EHLO" => {
                    let offers = "250-others.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN";
                    self.say(offers).await?;
                }
                "MAIL" => {
                    envelope = Envelope::default();
                    let words = &mut command.split(' ');
                    let id = words.find_map(|word| word.strip_prefix("ENVID="));
                    envelope.token = id.unwrap_or_default().to_owned();
                    self.say("250 2.1.0 Ok").await?;
                }
                "RCPT" => self.recipient(command, &mut envelope).await?,
                "DATA" if envelope.taken.is_empty() => self.say("554 5.5.1 for nobody").await?,
                "DATA" => {
                    self.say("354 go on").await?;
                    self.content(std::mem::take(&mut envelope)).await?;
                }
                "RSET" => {
                    envelope = Envelope::default();
                    self.say("250 2.0.0 Ok").await?;
                }
                "QUIT" => return self.say("221 2.0.0 bye").await,
                _ => self.say("500 5.5.2 what?").await?,
            }
        }
    }

    async fn recipient(&mut self, command: &str, envelope: &mut Envelope) -> io::Result<()> {
        let to = command
            .split_once('<')
            .and_then(|(_, rest)| rest.split_once('>'))
            .map(|(to, _)| to.to_owned())
            .unwrap_or_default();
        let says = self.others.answer(&envelope.token, &to);
        let line = format!("{:?} to {to}: {says:?}", envelope.token);
        self.power.journal.note(self.power.moment(), line);
        match says {
            Says::Ok => {
                envelope.taken.push(to);
                self.say("250 2.1.5 Ok").await
            }
            Says::Later => self.say("450 4.2.0 come again").await,
            Says::Never => self.say("550 5.1.1 no such user").await,
            Says::Nothing => {
                sleep(Duration::from_secs(1_000)).await;
                Err(io::ErrorKind::TimedOut.into())
            }
        }
    }

    async fn content(&mut self, envelope: Envelope) -> io::Result<()> {
        let mut content = Vec::new();
        loop {
            let line = self.wire.line().await?;
            self.power.check().await;
            if line == b".\r\n" {
                break;
            }
            // RFC 5321 §4.5.2.
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        if self.others.changes_its_mind() {
            return self.say("451 4.3.0 no room just now").await;
        }
        let mut places = Vec::new();
        {
            let moment = self.power.moment();
            let mut page = self.power.journal.page();
            for to in envelope.taken {
                places.push(page.accepted.len());
                page.accepted.push(Accepted {
                    token: token(&content, envelope.token.is_empty()),
                    recipient: to,
                    content: content.clone(),
                    at: moment,
                    ended: None,
                    unheard: false,
                });
            }
        }
        self.power.saw(Seen::Acceptance);
        let said = self.say("250 2.0.0 Ok: queued as X").await;
        if said.is_err() {
            let mut page = self.power.journal.page();
            for place in places {
                page.accepted[place].unheard = true;
            }
        }
        said
    }
}
