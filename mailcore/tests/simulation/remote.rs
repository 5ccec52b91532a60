//! What the servers of others say, attempt by attempt, and who notes when attempts end.

use crate::chance::Chance;
use crate::power::{Power, Seen};
use async_trait::async_trait;
use mailcore::deliver::{Job, Report, Transport};
use mailcore::store::body::Body;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What they say of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
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
    met: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
}

impl Others {
    pub fn new(chance: &Chance) -> Self {
        Self {
            chance: chance.split("others"),
            asked: Arc::default(),
            met: Arc::default(),
            ended: Arc::default(),
        }
    }

    /// Whether nobody will ever take this letter for this recipient.
    pub fn refuse(&self, token: &str, recipient: &str) -> bool {
        let nobody = recipient.ends_with("@nowhere.test") || recipient.ends_with("@null.test");
        nobody || self.plan(token, recipient).contains(&Says::Never)
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

    pub fn answer(&self, token: &str, recipient: &str) -> Says {
        let mut asked = self.asked.lock().unwrap();
        let count = asked.entry((token.to_owned(), recipient.to_owned()));
        let count = count.or_default();
        let plan = self.plan(token, recipient);
        let at = usize::try_from(*count).unwrap().min(plan.len() - 1);
        *count += 1;
        plan[at]
    }

    /// Whether a server has no time for this connection.
    pub fn is_busy(&self) -> bool {
        self.now_and_then("busy", &self.met, 8)
    }

    /// Whether a server takes nothing after all, though it has taken the recipients.
    pub fn changes_its_mind(&self) -> bool {
        self.now_and_then("content", &self.ended, 8)
    }

    fn now_and_then(&self, what: &str, count: &AtomicU64, times: u64) -> bool {
        let count = count.fetch_add(1, Ordering::SeqCst);
        self.chance.split(&format!("{what} {count}")).once_in(times)
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
        let recipients: Vec<String> = job.recipients().map(|r| r.path.to_string()).collect();
        let moment = self.power.moment();
        let token = token(&content, job.envelope.sender.is_null());
        let fates: Vec<String> = report
            .fates
            .iter()
            .map(|fate| format!("{:?} {}", fate.action, fate.text))
            .collect();
        let line = format!("an attempt ends, {token:?} to {recipients:?}: {fates:?}");
        self.power.journal.note(moment, line);
        {
            let mut page = self.power.journal.page();
            page.ends.push(moment);
            for it in &mut page.accepted {
                let mine = it.token == token && recipients.contains(&it.recipient);
                if mine && it.at.0 == moment.0 && it.ended.is_none() {
                    it.ended = Some(moment);
                }
            }
        }
        self.power.saw(Seen::Attempt);
        report
    }
}

/// The letter that this is, or none for a report.
pub fn token(content: &[u8], null: bool) -> String {
    let text = String::from_utf8_lossy(content);
    if null && text.contains("Auto-Submitted: auto-replied") {
        return String::new();
    }
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
