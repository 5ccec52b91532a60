//! Clients that send letters, one after the other, and note what they were told.

use crate::journal::Told;
use crate::letter::{Letter, Way};
use crate::power::{Power, Seen};
use crate::world::World;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::time::sleep;

/// Sends what is left of these letters; each is tried once, whatever comes of it.
pub async fn send(world: World, power: Power, letters: Vec<Letter>) {
    for letter in letters {
        sleep(letter.pause).await;
        if power.journal.page().answers.contains_key(&letter.token) {
            continue;
        }
        power.check().await;
        let answer = Talk::new(&world, &power).letter(&letter).await;
        power.check().await;
        let line = format!("{} to {:?}: {answer:?}", letter.token, letter.given);
        power.journal.note(power.moment(), line);
        let start = power.moment().0;
        let mut page = power.journal.page();
        if answer.is_some_and(|told| told != Told::Nothing) {
            page.order.push((start, letter.token.clone()));
        }
        page.answers.insert(letter.token, answer);
        drop(page);
        power.saw(Seen::Answer);
    }
}

struct Talk<'p>(BufReader<DuplexStream>, &'p Power);

impl<'p> Talk<'p> {
    fn new(world: &World, power: &'p Power) -> Self {
        Self(BufReader::new(world.connect()), power)
    }

    /// What was told of the letter; nothing where its end was never sent.
    async fn letter(&mut self, letter: &Letter) -> Option<Told> {
        self.reply().await?;
        self.say("EHLO client.test").await?;
        // The servers of others know it by that.
        let mail = format!("MAIL FROM:<{}> ENVID={}", letter.sender, letter.token);
        self.say(&mail).await?;
        let mut taken = 0;
        for to in &letter.given {
            let said = self.say(&format!("RCPT TO:<{to}>")).await?;
            let nobody = *to == "nobody@here.test";
            assert_eq!(said, if nobody { 550 } else { 250 }, "RCPT {to}");
            taken += usize::from(said == 250);
        }
        if taken == 0 {
            return None;
        }
        let told = match letter.way {
            Way::Data => {
                if self.say("DATA").await? != 354 {
                    return Some(Told::Refused);
                }
                self.begun(letter);
                self.send(&stuffed(&letter.content)).await;
                self.say(".").await
            }
            Way::Chunks => {
                let (first, last) = letter.content.split_at(letter.content.len() / 2);
                if self.chunk(first, "").await? != 250 {
                    return Some(Told::Refused);
                }
                self.begun(letter);
                self.chunk(last, " LAST").await
            }
            Way::BreaksOff => {
                if self.say("DATA").await? == 354 {
                    let half = letter.content.len() / 2;
                    self.send(&letter.content[..half]).await;
                }
                return None;
            }
        };
        self.send(b"QUIT\r\n").await;
        Some(match told {
            Some(250) => Told::Taken,
            Some(_) => Told::Refused,
            None => Told::Nothing,
        })
    }

    /// From here on it may be taken, though nobody hears of it.
    fn begun(&self, letter: &Letter) {
        let mut page = self.1.journal.page();
        page.answers
            .insert(letter.token.clone(), Some(Told::Nothing));
    }

    async fn chunk(&mut self, octets: &[u8], last: &str) -> Option<u16> {
        self.send(format!("BDAT {}{last}\r\n", octets.len()).as_bytes())
            .await;
        self.send(octets).await;
        self.reply().await
    }

    async fn say(&mut self, command: &str) -> Option<u16> {
        self.send(format!("{command}\r\n").as_bytes()).await;
        self.reply().await
    }

    async fn send(&mut self, octets: &[u8]) {
        let _ = self.0.get_mut().write_all(octets).await;
    }

    /// What a reply says, if there is power to say it.
    async fn reply(&mut self) -> Option<u16> {
        loop {
            let mut line = String::new();
            let read = self.0.read_line(&mut line).await.ok()?;
            self.1.check().await;
            if read == 0 {
                return None;
            }
            if line.as_bytes().get(3) == Some(&b' ') {
                return line.get(..3)?.parse().ok();
            }
        }
    }
}

/// RFC 5321 §4.5.2: a line that begins with a dot gets another.
fn stuffed(content: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(content);
    let lines = text.split_inclusive('\n');
    let dot = |line: &&str| line.starts_with('.');
    lines
        .flat_map(|line| [if dot(&line) { "." } else { "" }, line])
        .collect::<String>()
        .into_bytes()
}
