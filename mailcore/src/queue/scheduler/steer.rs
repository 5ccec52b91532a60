//! What an administrator may do to what is going on. Touches no attempt that runs.

use super::event::Why;
use super::options::Options;
use super::{Scheduler, later};
use mailcore_store::queue::Identity;
use std::time::Instant;

impl Scheduler {
    /// Nobody else of a message is to be tried, for it is to be held, deleted or handed on. An attempt that runs cannot be called
    /// back: once the last has ended, [`super::Step::Settled`] says [`super::Next::Withdrawn`]. Says whether the message
    /// was here.
    pub fn withdraw(&mut self, message: Identity, now: Instant) -> bool {
        self.tick(now);
        let Some(key) = self.by_identity.get(&message).copied() else {
            return false;
        };
        self.messages[key].withdrawn = true;
        let jobs: Vec<_> = self.messages[key]
            .jobs
            .iter()
            .map(|(_, job)| *job)
            .collect();
        let peers = |job| self.jobs[job].peers.iter().copied();
        let peers: Vec<_> = jobs.into_iter().flat_map(peers).collect();
        for peer in peers {
            if let Some(peer) = self.take_out(peer) {
                self.refresh(peer.site);
            }
        }
        self.settle_if_done(key);
        true
    }

    /// Forgets that destinations are dead and transports do not work: each is tried anew, by one delivery first
    /// (Postfix: `postqueue -f`). The messages that were deferred for it arrive anew when the queue gives them.
    pub fn revive(&mut self, now: Instant) {
        self.tick(now);
        for key in self.transports.keys() {
            self.transports[key].suspended = None;
        }
        let forget = later(self.now, self.options.maximal_backoff);
        for key in self.sites.keys() {
            self.sites[key].revive(forget);
        }
        self.refresh_all();
    }

    /// Other options, from now on. What runs goes on; a limit that is now lower is reached as deliveries end. What waits for a transport that is
    /// now deferred is suspended.
    pub fn reload(&mut self, options: Options, now: Instant) {
        self.tick(now);
        self.options = options;
        for key in self.transports.keys() {
            let transport = &mut self.transports[key];
            transport.options = self.options.of(&transport.name).clone();
            if self.options.deferred_transports.contains(&transport.name) {
                for site in transport.sites.values().copied().collect::<Vec<_>>() {
                    self.suspend_site(site, &Why::Deferred, true);
                }
            }
        }
        self.refresh_all();
    }

    fn refresh_all(&mut self) {
        for key in self.sites.keys() {
            self.refresh(key);
        }
        for key in self.transports.keys() {
            self.refresh_transport(key);
        }
    }
}
