//! One life: a server that takes mail and delivers it, loses power again and again, and comes back with what the disk has
//! kept, until all is settled.

use crate::chance::Chance;
use crate::faults::{self, Faulty, Plan};
use crate::journal::{Journal, Told};
use crate::letter::Letter;
use crate::power::{Cut, Power, Seen};
use crate::world::{Outside, World};
use crate::{client, turns, verdict};
use mailcore::store::disk::{Loss, SimDisk};
use mailcore::store::queue::Queue;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::{Instant, sleep};

/// Longer than any letter of ours takes.
const PATIENCE: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// How long a start goes on whose disk has failed.
const TROUBLE: Duration = Duration::from_secs(3 * 60 * 60);

/// What came of a life.
#[derive(Debug)]
pub struct Lived {
    /// What is wrong; nothing should be.
    pub wrong: Vec<String>,
    pub lines: Vec<String>,
    pub acknowledged: usize,
    pub cuts: usize,
    /// How often the disk has failed.
    pub faults: usize,
    /// What another server or a sender has got again.
    pub again: usize,
}

#[derive(Debug)]
struct Life {
    seed: u64,
    chance: Chance,
    letters: Vec<Letter>,
    outside: Outside,
    journal: Journal,
}

/// Lives the life of this seed. A disk that does not honour syncs makes it go wrong.
pub fn live(seed: u64, honest: bool) -> Lived {
    let mut chance = Chance::of(seed);
    let count = 2 + chance.below(7);
    let letters = (0..count)
        .map(|n| Letter::new(seed, n, &mut chance))
        .collect();
    let mut life = Life {
        seed,
        letters,
        outside: Outside::new(&chance),
        journal: Journal::default(),
        chance,
    };
    life.run(honest)
}

impl Life {
    fn run(&mut self, honest: bool) -> Lived {
        let mut disk = SimDisk::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let cuts = 1 + self.chance.below(5);
        let mut wrong = Vec::new();
        let mut killed = false;
        for start in 0..=cuts {
            let last = start == cuts;
            let (cut, plan) = match last {
                true => (Cut::AtRest, Plan::default()),
                false => (self.cut(killed), Plan::of(&mut self.chance)),
            };
            disk.honour_syncs(honest);
            wrong.extend(self.start(&disk, start, cut, plan));
            let losses = [Loss::Lost, Loss::Kept, Loss::Torn, Loss::Torn, Loss::Torn];
            let loss = match killed {
                // What the process before has left is gone now, unless it was seen to.
                true => Loss::Lost,
                false => self.chance.pick(&losses),
            };
            // It is the process that has ended, and not the power: mostly while something was to be saved.
            let rare = if matches!(cut, Cut::BeforeSync(_)) {
                2
            } else {
                4
            };
            killed = !last && self.chance.once_in(rare);
            disk = match last {
                false if killed => disk.killed(),
                false => disk.restart(loss, self.chance.number()),
                true => disk.restart(Loss::Lost, 0),
            };
            // Locks without an owner's name have run out by then.
            disk.advance(Duration::from_secs(180) + self.chance.seconds(600));
            if !last && self.chance.once_in(3) {
                faults::age(&disk, &mut self.chance).unwrap();
            }
        }
        let found = turns::run(|| (), verdict::found(&disk)).unwrap_or_else(|error| {
            wrong.push(format!("a mailbox: {error}"));
            Vec::new()
        });
        let page = self.journal.page();
        let judged = verdict::judge(&self.letters, &self.outside.others, &page, &found);
        wrong.extend(judged.wrong);
        Lived {
            wrong,
            lines: page.lines.clone(),
            acknowledged: page
                .answers
                .values()
                .filter(|it| **it == Some(Told::Taken))
                .count(),
            cuts: page.cuts.len(),
            faults: page.faults.len(),
            again: judged.again,
        }
    }

    /// When this start ends. One behind a kill mostly ends when some of what it has found has been acted on.
    fn cut(&mut self, killed: bool) -> Cut {
        let chance = &mut self.chance;
        if killed && !chance.once_in(4) {
            return Cut::BehindAttempt(chance.below(2), chance.below(3));
        }
        match chance.below(14) {
            // Early ones meet the start itself.
            0 => Cut::After(1 + chance.below(12)),
            1..4 => Cut::After(1 + chance.below(140)),
            4 => Cut::BehindAnswer(chance.below(2), chance.below(4)),
            5..8 => Cut::BehindAttempt(chance.below(4), chance.below(4)),
            8 => Cut::BehindAcceptance(chance.below(3), chance.below(4)),
            9..13 => Cut::BeforeSync(chance.below(60)),
            _ => Cut::AtRest,
        }
    }

    /// Lets the server run until it loses power or all is settled; what went wrong.
    fn start(&self, disk: &SimDisk, start: u64, cut: Cut, plan: Plan) -> Option<String> {
        let power = Power::on(disk.clone(), self.journal.clone(), start, cut);
        let saw = power.clone();
        disk.before_syncs(move || {
            saw.saw(Seen::Sync);
            turns::pause();
        });
        turns::run(power.watch(), async {
            let power = power.runs();
            let wrong = tokio::select! {
                biased;
                () = power.lost() => None,
                wrong = self.serve(&power, start, plan) => wrong,
            };
            let moment = power.moment();
            let line = format!("end after {} operations", power.disk.operations());
            self.journal.note(moment, line);
            if !power.is_on() {
                self.journal.page().cuts.push(moment);
            }
            wrong
                .filter(|_| power.is_on())
                .map(|why| format!("start {start}: {why}"))
        })
    }

    async fn serve(&self, power: &Power, start: u64, plan: Plan) -> Option<String> {
        let sound = plan.is_empty();
        let full = plan.full;
        let disk = Faulty::new(power, plan);
        let world = match World::start(power, &disk, &self.outside, self.seed << 8 | start) {
            Ok(world) => world,
            // Where there is no power, or no disk, nothing is wrong with that.
            Err(error) => return sound.then(|| format!("no start: {error}")),
        };
        if !power.is_on() {
            return None;
        }
        disk.is_started();
        if let Some((from, long)) = full {
            let disk = power.disk.clone();
            tokio::spawn(async move {
                sleep(from).await;
                disk.full_from(Some(disk.operations()));
                sleep(long).await;
                disk.full_from(None);
            });
        }
        let clients = self.letters.chunks(3).map(|letters| {
            let letters = letters.to_vec();
            tokio::spawn(client::send(world.clone(), power.clone(), letters))
        });
        for client in clients.collect::<Vec<_>>() {
            if let Err(error) = client.await {
                return Some(format!("a client: {error}"));
            }
        }
        match sound {
            true => settled(&world).await,
            false => {
                // Whatever has failed; the next start sees to the rest.
                sleep(TROUBLE).await;
                None
            }
        }
    }
}

/// Waits until nothing is left in the queue; what is wrong, if that never comes.
async fn settled(world: &World) -> Option<String> {
    let begun = Instant::now();
    loop {
        match world.queue.page(None, None, 1).await {
            Ok(left) if left.is_empty() => break,
            Ok(left) if begun.elapsed() > PATIENCE => {
                return Some(format!("it is never settled: {left:?}"));
            }
            Ok(_) => sleep(Duration::from_secs(100)).await,
            Err(error) => return Some(format!("the queue: {error}")),
        }
    }
    // What was begun after the last look comes to its end.
    sleep(Duration::from_secs(1)).await;
    None
}
