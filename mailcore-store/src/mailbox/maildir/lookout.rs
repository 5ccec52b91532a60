//! Hearing of what other programs do: the directories of mailboxes that sessions have before them are watched, all by one
//! listener of the disk, by one thread.
//!
//! It only spares looking. What it says is that something has happened that we have not done ourselves, and then the mailbox
//! is looked at as ever; where it cannot be had, or for more mailboxes than it serves, the patrol looks instead.

mod echoes;
mod post;

use super::room::Room;
use super::site::lock;
use super::works::Works;
use crate::disk::{Disk, Event, Watcher};
pub(super) use echoes::Echoes;
pub(super) use post::{Heard, Post};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, Weak};
use tokio::runtime::Handle;

/// Where the watched directories are known, and whose they are.
#[derive(Debug)]
pub(super) struct Lookout {
    disk: Arc<dyn Disk>,
    /// Most mailboxes at a time.
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    watcher: Option<Arc<dyn Watcher>>,
    /// There is none to be had.
    denied: bool,
    posts: HashMap<u64, Vec<(Dir, Weak<Post>)>>,
    mailboxes: usize,
    /// How many there have ever been.
    count: u64,
    /// Whether a thread waits.
    manned: bool,
    /// Whether it has been said that somebody goes without.
    said: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dir {
    Itself,
    New,
    Cur,
}

impl Lookout {
    pub(super) fn new(disk: Arc<dyn Disk>, most: usize) -> Self {
        Self {
            disk,
            most,
            state: Mutex::default(),
        }
    }

    /// Watches a mailbox, if that can be, and says whether it was not watched before.
    pub(super) fn post(&self, works: &Arc<Works>, room: &Arc<Room>) -> Option<(Arc<Post>, bool)> {
        let runtime = Handle::try_current().ok()?;
        let mut state = lock(&self.state);
        if let Some(post) = room.post() {
            return Some((post, false));
        }
        if self.most == 0 || state.denied {
            return None;
        }
        if state.mailboxes >= self.most {
            state.say(&"as many as may be are watched");
            return None;
        }
        let watcher = match state.watcher(&*self.disk) {
            Ok(watcher) => watcher,
            Err(e) => {
                state.denied = true;
                state.say(&e);
                return None;
            }
        };
        if !state.manned {
            let (works, waits) = (Arc::downgrade(works), watcher.clone());
            let man = std::thread::Builder::new().name("maildir-watch".to_owned());
            if let Err(e) = man.spawn(move || keep_watch(&works, &*waits)) {
                state.say(&e);
                return None;
            }
            state.manned = true;
        }
        let dirs = [(Dir::Itself, ""), (Dir::New, "new"), (Dir::Cur, "cur")];
        let added = dirs.map(|(dir, name)| {
            let path = if name.is_empty() {
                room.dir.clone()
            } else {
                room.path(name)
            };
            watcher
                .add(&path, dir != Dir::Itself)
                .map(|watch| (dir, watch))
        });
        let failed = added.iter().find_map(|added| added.as_ref().err());
        let failed = failed.map(ToString::to_string);
        let watches: Vec<(Dir, u64)> = added.into_iter().flatten().collect();
        if let Some(e) = failed {
            for (_, watch) in watches {
                if !state.posts.contains_key(&watch) {
                    watcher.remove(watch);
                }
            }
            state.say(&e);
            return None;
        }
        let numbers = watches.iter().map(|(_, watch)| *watch).collect();
        state.count += 1;
        let post = Arc::new(Post::new(state.count, works, room, numbers, runtime));
        for (dir, watch) in watches {
            let there = state.posts.entry(watch).or_default();
            there.push((dir, Arc::downgrade(&post)));
        }
        state.mailboxes += 1;
        room.set_post(&post);
        Some((post, true))
    }

    /// Nobody is served any more: the thread that waits hears of it, and goes.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.denied = true;
        if let Some(watcher) = state.watcher.take() {
            state.posts.keys().for_each(|watch| watcher.remove(*watch));
        }
    }

    /// Puts what has happened into the boxes of those whom it concerns; none when nobody is to be served any more.
    fn share_out(&self) -> Option<()> {
        let mut stirred: Vec<Arc<Post>> = Vec::new();
        let served = {
            let mut state = lock(&self.state);
            let mut events = Vec::new();
            let taken = state
                .watcher
                .as_ref()
                .map(|watcher| watcher.take(&mut events));
            if let Some(Err(e)) = taken {
                events.push(Event::Lost);
                state.mailboxes_go_without(&e);
            }
            for event in events {
                state.tell(&event, &mut stirred);
            }
            state.manned &= state.mailboxes > 0 && !state.denied;
            state.manned
        };
        stirred.iter().for_each(Post::stir);
        served.then_some(())
    }
}

impl State {
    fn watcher(&mut self, disk: &dyn Disk) -> io::Result<Arc<dyn Watcher>> {
        if let Some(watcher) = &self.watcher {
            return Ok(watcher.clone());
        }
        let watcher: Arc<dyn Watcher> = disk.listen()?.into();
        self.watcher = Some(watcher.clone());
        Ok(watcher)
    }

    /// Nothing more can be heard.
    fn mailboxes_go_without(&mut self, why: &io::Error) {
        self.denied = true;
        self.watcher = None;
        self.say(why);
    }

    /// Says once that mailboxes go without.
    fn say(&mut self, why: &dyn std::fmt::Display) {
        if !std::mem::replace(&mut self.said, true) {
            tracing::warn!("mailboxes are looked at now and then instead of being watched: {why}");
        }
    }

    fn tell(&self, event: &Event, stirred: &mut Vec<Arc<Post>>) {
        let (watch, told) = match event {
            Event::Lost => {
                let posts = self.posts.values().flatten();
                for post in posts.filter_map(|(_, post)| post.upgrade()) {
                    post.lose();
                    stirred.push(post);
                }
                return;
            }
            Event::Gone(watch) => (watch, None),
            Event::Came(watch, name) => (watch, Some((true, name))),
            Event::Went(watch, name) => (watch, Some((false, name))),
        };
        for (dir, post) in self.posts.get(watch).into_iter().flatten() {
            let Some(post) = post.upgrade() else { continue };
            match told {
                None => post.leave(),
                Some((came, name)) => post.put(*dir, came, name),
            }
            stirred.push(post);
        }
    }
}

/// The thread that waits, for as long as there are mailboxes to be watched.
fn keep_watch(works: &Weak<Works>, watcher: &dyn Watcher) {
    while watcher.wait().is_ok() {
        let Some(works) = works.upgrade() else { return };
        if works.site.lookout.share_out().is_none() {
            return;
        }
    }
}
