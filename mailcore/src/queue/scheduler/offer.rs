//! Who stands where in the turns: each destination that can take a delivery offers one, its next. Begins nothing.

use super::job::{Job, Offered, Peer, Stand};
use super::line::Whose;
use super::options::Options;
use super::sender::{Errand, Sender};
use super::site::{Health, Site};
use super::slab::Key;
use super::transport::{Pool, Transport, Turn};
use super::{Alarm, Scheduler, later};

impl Scheduler {
    /// After anything has changed at a destination: its offer, its alarm, whether it is remembered.
    pub(super) fn refresh(&mut self, key: Key<Site>) {
        let site = &self.sites[key];
        let transport = site.transport;
        let open = site.is_open(self.now, &self.transports[transport].options);
        let wanted = site.line.whose().filter(|_| open);
        let wanted = wanted.map(|whose| (site.pool(), self.right(whose)));
        let stands = site.offered.map(|o| (o.pool, Right::of(o.stand)));
        if stands != wanted {
            self.retract(key);
            if let Some((pool, right)) = wanted {
                self.offer(key, pool, right);
            }
        }
        self.set_site_alarm(key);
        if self.sites[key].is_idle(self.now) {
            self.forget_site(key);
        }
        self.refresh_transport(transport);
    }

    /// After anything has changed in a transport.
    pub(super) fn refresh_transport(&mut self, key: Key<Transport>) {
        self.share_out(key);
        let transport = &self.transports[key];
        if transport.choose(self.now).is_some() {
            self.able.insert(key);
        } else {
            self.able.remove(&key);
        }
        let suspended = transport.suspended.as_ref().map(|(until, _)| *until);
        let rate = transport.not_before.filter(|at| *at > self.now);
        let oldest = transport.moving.first().filter(|_| transport.may_stall());
        let patience = oldest.and_then(|id| self.attempts.get(id));
        let patience = patience.map(|run| later(run.began, transport.options.patience));
        let at = [suspended, rate, patience].into_iter().flatten().min();

        let alarm = &mut self.transports[key].alarm;
        if *alarm != at {
            if let Some(old) = alarm.take() {
                self.alarms.remove(&(old, Alarm::Transport(key)));
            }
            *alarm = at;
            self.alarms.extend(at.map(|at| (at, Alarm::Transport(key))));
        }
        if self.transports[key].is_idle(self.now) {
            self.forget_transport(key);
        }
    }

    fn set_site_alarm(&mut self, key: Key<Site>) {
        let site = &mut self.sites[key];
        let at = site.next_alarm(self.now);
        if site.alarm != at {
            if let Some(old) = site.alarm.take() {
                self.alarms.remove(&(old, Alarm::Site(key)));
            }
            site.alarm = at;
            self.alarms.extend(at.map(|at| (at, Alarm::Site(key))));
        }
    }

    fn forget_site(&mut self, key: Key<Site>) {
        let Some(site) = self.sites.remove(key) else {
            return;
        };
        let transport = &mut self.transports[site.transport];
        transport.sites.remove(&site.name);
        if site.answers && site.health == Health::Alive {
            let who = (transport.name.clone(), site.name);
            let Options {
                remembered, memory, ..
            } = self.options;
            self.known.meet(who, self.now, remembered, memory);
        }
    }

    fn forget_transport(&mut self, key: Key<Transport>) {
        let Some(transport) = self.transports.remove(key) else {
            return;
        };
        self.by_name.remove(&transport.name);
        self.able.remove(&key);
        if let Some(at) = transport.alarm {
            self.alarms.remove(&(at, Alarm::Transport(key)));
        }
    }

    fn right(&self, whose: Whose) -> Right {
        match whose {
            Whose::One(peer) => Right::Job(self.peers[peer].job),
            Whose::Sender(sender) => Right::Sender(sender),
            Whose::Many => Right::Site,
        }
    }

    /// Puts a destination's next delivery into the turns of whoever has the right to it.
    fn offer(&mut self, site: Key<Site>, pool: Pool, right: Right) {
        let stand = match right {
            Right::Site => {
                let turns = &mut self.transports[self.sites[site].transport].turns;
                Stand::Site(turns[pool as usize].push(Turn::Site(site)))
            }
            Right::Sender(sender) => {
                let at = self.add_errand(sender, pool, Errand::Site(site));
                Stand::Sender(sender, at)
            }
            Right::Job(key) => {
                let job = &mut self.jobs[key];
                let at = job.ready[pool as usize].push(site);
                if job.turn[pool as usize].is_none() {
                    let sender = job.sender;
                    let turn = self.add_errand(sender, pool, Errand::Job(key));
                    self.jobs[key].turn[pool as usize] = Some(turn);
                }
                Stand::Job(key, at)
            }
        };
        self.sites[site].offered = Some(Offered { pool, stand });
    }

    /// Takes a destination's offer out of the turns, if it has one.
    pub(super) fn retract(&mut self, key: Key<Site>) {
        let site = &mut self.sites[key];
        let Some(Offered { pool, stand }) = site.offered.take() else {
            return;
        };
        match stand {
            Stand::Site(at) => self.transports[site.transport].turns[pool as usize].remove(at),
            Stand::Sender(sender, at) => self.remove_errand(sender, pool, at),
            Stand::Job(key, at) => {
                let job = &mut self.jobs[key];
                job.ready[pool as usize].remove(at);
                if job.ready[pool as usize].is_empty()
                    && let Some(at) = job.turn[pool as usize].take()
                {
                    let sender = job.sender;
                    self.remove_errand(sender, pool, at);
                }
            }
        }
    }

    /// Takes recipients that wait out of everything; they are the caller's now.
    pub(super) fn remove_peer(&mut self, key: Key<Peer>) -> Option<Peer> {
        let Peer { site, job, .. } = self.peers[key];
        let sender = self.jobs[job].sender;
        // Where it stands by the right of who goes now.
        let alone = self.sites[site].line.len() == 1;
        let offered = self.sites[site].offered;
        if alone || offered.is_some_and(|o| matches!(o.stand, Stand::Job(..))) {
            self.retract(site);
        }
        let peer = self.peers.remove(key)?;
        self.sites[site].line.remove(sender, peer.turn);
        let job = &mut self.jobs[peer.job];
        job.peers.remove(&key);
        if job.peers.is_empty() {
            let jobs = &mut self.messages[job.message].jobs;
            jobs.retain(|(_, of)| *of != peer.job);
            self.jobs.remove(peer.job);
            self.senders[sender].jobs -= 1;
            self.forget_sender(sender);
        }
        Some(peer)
    }
}

/// By whose right a destination's next delivery would take its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Job(Key<Job>),
    Sender(Key<Sender>),
    Site,
}

impl Right {
    fn of(stand: Stand) -> Self {
        match stand {
            Stand::Job(job, _) => Self::Job(job),
            Stand::Sender(sender, _) => Self::Sender(sender),
            Stand::Site(_) => Self::Site,
        }
    }
}
