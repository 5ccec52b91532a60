//! What is going on, for those who look: nothing here changes anything.

use super::Scheduler;
use super::site::{Health, Name};
use std::sync::Arc;

/// How a destination stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// Its transport.
    pub transport: Arc<str>,
    /// The nexthop, or the group where destinations are grouped.
    pub name: Arc<str>,
    /// Recipients that wait.
    pub waiting: usize,
    /// Deliveries that run.
    pub running: u32,
    /// Those of them that have taken too long.
    pub stalled: u32,
    /// Deliveries that it may have at once; zero while it is dead.
    pub concurrency: u32,
    /// Why it is dead, if it is.
    pub dead: Option<Arc<str>>,
}

impl Scheduler {
    /// Every destination that is known here. Looks at all that waits.
    pub fn destinations(&self) -> impl Iterator<Item = Standing> {
        self.sites.iter().map(|site| {
            let transport = &self.transports[site.transport];
            let (Name::Nexthop(name) | Name::Group(name)) = &site.name;
            let (concurrency, dead) = match &site.health {
                Health::Alive => (site.window.size(&transport.options), None),
                Health::Probing { .. } => (1, None),
                Health::Dead { why, .. } => (0, Some(why.clone())),
            };
            let waiting = site.line.peers().map(|peer| self.peers[peer].waiting.len());
            Standing {
                transport: transport.name.clone(),
                name: name.clone(),
                waiting: waiting.sum(),
                running: site.running,
                stalled: site.stalled,
                concurrency,
                dead,
            }
        })
    }
}
