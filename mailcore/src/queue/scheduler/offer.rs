//! Who stands where in the turns: each destination that can take a delivery offers one, its next. Begins nothing.

use super::job::{Offered, Peer, Stand};
use super::site::Site;
use super::slab::Key;
use super::transport::{Pool, Transport, Turn};
use super::{Alarm, Scheduler, later};

impl Scheduler {
    /// After anything has changed at a destination: its offer, its alarm, whether it is remembered.
    pub(super) fn refresh(&mut self, key: Key<Site>) {
        let site = &self.sites[key];
        let transport = site.transport;
        let open = site.is_open(self.now, &self.transports[transport].options);
        let wanted = site
            .offer
            .or_else(|| site.peers.values().next().copied())
            .filter(|_| open);
        let shared = site.peers.len() > 1;
        let pool = site.pool();
        let stands = site.offer.and_then(|peer| self.peers[peer].offered);
        let stands = stands.map(|o| (o.pool, matches!(o.stand, Stand::Site(_))));
        if stands != wanted.map(|_| (pool, shared)) {
            self.retract(key);
            if let Some(peer) = wanted {
                self.offer(key, peer, pool, shared);
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
        self.transports[site.transport].sites.remove(&site.name);
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

    /// Puts a destination's next delivery into the turns: under its own turn where several jobs wait for it, else under its
    /// job's.
    fn offer(&mut self, site: Key<Site>, peer: Key<Peer>, pool: Pool, shared: bool) {
        let transport = &mut self.transports[self.sites[site].transport];
        let stand = if shared {
            Stand::Site(transport.queue(pool, Turn::Site(site)))
        } else {
            let key = self.peers[peer].job;
            let job = &mut self.jobs[key];
            let ready = &mut job.ready[pool as usize];
            let end = ready.last_key_value().map_or(0, |(at, _)| at + 1);
            ready.insert(end, peer);
            let turn = &mut job.turn[pool as usize];
            *turn = turn.or_else(|| Some(transport.queue(pool, Turn::Job(key))));
            Stand::Job(end)
        };
        self.peers[peer].offered = Some(Offered { pool, stand });
        self.sites[site].offer = Some(peer);
    }

    /// Takes a destination's offer out of the turns, if it has one.
    pub(super) fn retract(&mut self, key: Key<Site>) {
        let site = &mut self.sites[key];
        let Some(peer) = site.offer.take() else {
            return;
        };
        let transport = &mut self.transports[site.transport];
        let peer = &mut self.peers[peer];
        let Some(Offered { pool, stand }) = peer.offered.take() else {
            return;
        };
        let turns = &mut transport.turns[pool as usize];
        match stand {
            Stand::Site(at) => _ = turns.remove(&at),
            Stand::Job(at) => {
                let job = &mut self.jobs[peer.job];
                job.ready[pool as usize].remove(&at);
                if job.ready[pool as usize].is_empty()
                    && let Some(at) = job.turn[pool as usize].take()
                {
                    turns.remove(&at);
                }
            }
        }
    }

    /// Takes recipients that wait out of everything; they are the caller's now.
    pub(super) fn remove_peer(&mut self, key: Key<Peer>) -> Option<Peer> {
        let site = self.peers[key].site;
        if self.sites[site].offer == Some(key) {
            self.retract(site);
        }
        let peer = self.peers.remove(key)?;
        self.sites[site].peers.remove(&peer.turn);
        let job = &mut self.jobs[peer.job];
        job.peers.remove(&key);
        if job.peers.is_empty() {
            let jobs = &mut self.messages[job.message].jobs;
            jobs.retain(|(_, of)| *of != peer.job);
            self.jobs.remove(peer.job);
        }
        Some(peer)
    }
}
