//! The servers of others, as a transport: they take mail, refuse it, put it off or hang, as the seed has it. What they
//! have taken they keep, whatever becomes of us.

use crate::chance::Chance;
use crate::journal::Accepted;
use crate::power::{Power, Seen};
use async_trait::async_trait;
use mailcore::deliver::{Fate, Feedback, Job, Report, Transport};
use mailcore::store::body::Body;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::sleep;

/// What they say at an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Ok,
    Later,
    Never,
    Nothing,
}

/// Other servers: they know how often they were asked. Clones are the same.
#[derive(Debug, Clone)]
pub struct Others {
    chance: Chance,
    asked: Arc<Mutex<BTreeMap<(String, String), u64>>>,
}

impl Others {
    pub fn new(chance: &Chance) -> Self {
        Self {
            chance: chance.split("others"),
            asked: Arc::default(),
        }
    }

    /// Whether they will never take this letter for this recipient.
    pub fn refuse(&self, token: &str, recipient: &str) -> bool {
        self.plan(token, recipient).contains(&Says::Never)
    }

    /// What they say from the first attempt on; the last holds for all that come.
    fn plan(&self, token: &str, recipient: &str) -> Vec<Says> {
        let mut chance = self.chance.split(&format!("{token} {recipient}"));
        let mut plan = Vec::new();
        for _ in 0..chance.pick(&[0, 0, 0, 1, 1, 2]) {
            plan.push(chance.pick(&[Says::Later, Says::Later, Says::Nothing]));
        }
        // Reports are never refused: nobody would hear of it.
        plan.push(match chance.once_in(3) && !token.is_empty() {
            true => Says::Never,
            false => Says::Ok,
        });
        plan
    }

    fn answer(&self, token: &str, recipient: &str) -> Says {
        let mut asked = self.asked.lock().unwrap();
        let count = asked.entry((token.to_owned(), recipient.to_owned()));
        let count = count.or_default();
        let plan = self.plan(token, recipient);
        let at = usize::try_from(*count).unwrap().min(plan.len() - 1);
        *count += 1;
        plan[at]
    }
}

/// The way to them.
#[derive(Debug)]
pub struct Remote {
    pub others: Others,
    pub power: Power,
}

#[async_trait]
impl Transport for Remote {
    async fn deliver(&self, job: &Job) -> Report {
        let Some(content) = whole(&*job.content).await else {
            self.power.check().await;
            return job.all(Fate::deferred((3, 0), "content cannot be read"));
        };
        let token = token(&content, job.envelope.sender.is_null());
        let recipients: Vec<String> = job.recipients().map(|r| r.path.to_string()).collect();
        let mut chance = self
            .others
            .chance
            .split(&format!("pace {token} {recipients:?}"));
        sleep(Duration::from_millis(100) + chance.seconds(20)).await;
        self.power.check().await;
        let answers: Vec<Says> = recipients
            .iter()
            .map(|to| self.others.answer(&token, to))
            .collect();
        if answers.contains(&Says::Nothing) {
            sleep(Duration::from_secs(300)).await;
            self.power.check().await;
            let mut report = job.all(Fate::deferred((4, 2), "timed out"));
            report.feedback = Feedback::Dead("timed out".to_owned());
            return report;
        }
        let fates = recipients.iter().zip(answers);
        let fates = fates.map(|(to, says)| {
            let moment = self.power.moment();
            let line = format!("{token:?} to {to}: {says:?}");
            self.power.journal.note(moment, line);
            match says {
                Says::Ok => {
                    self.power.journal.page().accepted.push(Accepted {
                        recipient: to.clone(),
                        content: content.clone(),
                    });
                    Fate::delivered(job.nexthop.to_string(), "250 ok")
                }
                Says::Never => Fate::failed((1, 1), "550 no such user"),
                _ => Fate::deferred((2, 0), "450 come again"),
            }
        });
        Report::new(fates.collect())
    }
}

/// Notes when attempts end, whatever their way.
#[derive(Debug)]
pub struct Watched {
    pub inner: Arc<dyn Transport>,
    pub power: Power,
}

#[async_trait]
impl Transport for Watched {
    async fn deliver(&self, job: &Job) -> Report {
        let content = whole(&*job.content).await.unwrap_or_default();
        let report = self.inner.deliver(job).await;
        self.power.check().await;
        let end = (token_of(&content), self.power.moment());
        self.power.journal.page().ends.push(end);
        self.power.saw(Seen::Attempt);
        report
    }
}

/// The letter that this is, or none for a report.
fn token(content: &[u8], null: bool) -> String {
    let token = token_of(content);
    let header = String::from_utf8_lossy(content);
    match null && header.contains("Auto-Submitted: auto-replied") {
        true => String::new(),
        false => token,
    }
}

/// The first token named in it.
fn token_of(content: &[u8]) -> String {
    let text = String::from_utf8_lossy(content);
    let named = text.lines().find_map(|line| {
        let id = line.strip_prefix("Message-ID: <")?;
        id.strip_suffix("@client.test>").map(str::to_owned)
    });
    named.unwrap_or_default()
}

pub async fn whole(body: &dyn Body) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    while (out.len() as u64) < body.len() {
        let run = body.read(out.len() as u64..body.len()).await.ok()?;
        out.extend_from_slice(&run);
    }
    Some(out)
}
