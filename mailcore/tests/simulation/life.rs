//! One life: a server that takes mail and delivers it, loses power again and again, and comes back with what the disk has
//! kept, until all is settled.

use crate::chance::Chance;
use crate::journal::Journal;
use crate::letter::Letter;
use crate::power::{Cut, Power, Seen};
use crate::remote::Others;
use crate::world::World;
use crate::{client, turns, verdict};
use mailcore::store::disk::{Loss, SimDisk};
use mailcore::store::queue::Queue;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::{Instant, sleep};

/// Longer than any letter of ours takes.
const PATIENCE: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// What came of a life.
#[derive(Debug)]
pub struct Lived {
    /// What is wrong; nothing should be.
    pub wrong: Vec<String>,
    pub lines: Vec<String>,
    pub acknowledged: usize,
    pub cuts: usize,
    /// What another server or a sender has got again.
    pub again: usize,
}

#[derive(Debug)]
struct Life {
    seed: u64,
    chance: Chance,
    letters: Vec<Letter>,
    others: Others,
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
        others: Others::new(&chance),
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
        for start in 0..=cuts {
            let cut = match start < cuts {
                true => self.cut(),
                false => Cut::AtRest,
            };
            disk.honour_syncs(honest);
            wrong.extend(self.start(&disk, start, cut));
            let losses = [Loss::Lost, Loss::Kept, Loss::Torn, Loss::Torn, Loss::Torn];
            let loss = self.chance.pick(&losses);
            disk = match start < cuts {
                // It is the process that has ended, and not the power.
                true if self.chance.once_in(4) => disk.killed(),
                true => disk.restart(loss, self.chance.number()),
                false => disk.restart(Loss::Lost, 0),
            };
            // Locks without an owner's name have run out by then.
            disk.advance(Duration::from_secs(180) + self.chance.seconds(600));
        }
        let found = turns::run(|| (), verdict::found(&disk)).unwrap_or_else(|error| {
            wrong.push(format!("a mailbox: {error}"));
            Vec::new()
        });
        let page = self.journal.page();
        let judged = verdict::judge(&self.letters, &self.others, &page, &found);
        wrong.extend(judged.wrong);
        Lived {
            wrong,
            lines: page.lines.clone(),
            acknowledged: page
                .answers
                .values()
                .filter(|it| **it == Some(true))
                .count(),
            cuts: page.cuts.len(),
            again: judged.again,
        }
    }

    fn cut(&mut self) -> Cut {
        let chance = &mut self.chance;
        match chance.below(12) {
            // Early ones meet the start itself.
            0 => Cut::After(1 + chance.below(12)),
            1..4 => Cut::After(1 + chance.below(140)),
            4 => Cut::BehindAnswer(chance.below(2), chance.below(4)),
            5..8 => Cut::BehindAttempt(chance.below(4), chance.below(4)),
            8..11 => Cut::BeforeSync(chance.below(60)),
            _ => Cut::AtRest,
        }
    }

    /// Lets the server run until it loses power or all is settled; what went wrong.
    fn start(&self, disk: &SimDisk, start: u64, cut: Cut) -> Option<String> {
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
                wrong = self.serve(&power, start) => wrong,
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

    async fn serve(&self, power: &Power, start: u64) -> Option<String> {
        let world = match World::start(power, &self.others, self.seed << 8 | start) {
            Ok(world) => world,
            // Where there is no power, nothing is wrong with that.
            Err(error) => return Some(format!("no start: {error}")),
        };
        if !power.is_on() {
            return None;
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
}
