//! Hearing of what other programs do: the directories of mailboxes that sessions have before them are watched, all by one
//! listener of the disk, by one thread.
//!
//! It only spares looking. What it says is that something has happened that we have not done ourselves, and then the mailbox
//! is looked at as ever; where it cannot be had, or for more mailboxes than it serves, the patrol looks instead.

use super::room::Room;
use super::scan;
use super::site::lock;
use super::works::Works;
use crate::disk::{Disk, Event, Watcher};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::runtime::Handle;

/// Names that a mailbox's box holds, ours and those of others; of more it is only known that there were more.
const HELD: usize = 4096;
/// Between two looks lies at least this.
const PAUSE: Duration = Duration::from_millis(20);

/// A name that came to a message directory, or went.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Told {
    fresh: bool,
    came: bool,
    name: Box<[u8]>,
}

impl Told {
    fn of(path: &Path, came: bool) -> Option<Self> {
        let dir = path.parent()?;
        Some(Self {
            fresh: dir.ends_with("new"),
            came,
            name: path.file_name()?.as_bytes().into(),
        })
    }
}

/// What we have done ourselves and will be told of.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    /// The post that they will come to; 0: none.
    awaited: u64,
    names: HashMap<Told, usize>,
    /// There were more than are kept.
    over: bool,
}

impl Echoes {
    /// We have made that name, or (unless `came`) taken it away.
    pub(super) fn expect(&mut self, path: &Path, came: bool) {
        if self.awaited == 0 || self.over {
            return;
        }
        self.over = self.names.len() >= HELD;
        if let Some(told) = Told::of(path, came) {
            *self.names.entry(told).or_default() += 1;
        }
    }

    /// Whether something of that was not our doing.
    fn is_news(&mut self, told: Vec<Told>) -> bool {
        let mut news = false;
        for it in told {
            match self.names.get_mut(&it) {
                None => news = true,
                Some(1) => drop(self.names.remove(&it)),
                Some(count) => *count -= 1,
            }
        }
        news
    }

    fn forget(&mut self, awaited: u64) {
        *self = Self::default();
        self.awaited = awaited;
    }
}

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

/// A mailbox that is watched, as long as anybody holds this.
#[derive(Debug)]
pub(super) struct Post {
    /// Not 0, and no other's.
    number: u64,
    works: Weak<Works>,
    room: Weak<Room>,
    watches: Vec<u64>,
    runtime: Handle,
    inbox: Mutex<Inbox>,
    /// All that has happened since the mailbox was last looked at is in the box, or will come into it.
    trusted: AtomicBool,
    gone: AtomicBool,
    stirred: AtomicBool,
}

#[derive(Debug, Default)]
struct Inbox {
    told: Vec<Told>,
    lost: bool,
}

/// What is known without looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing has happened that we have not done; in `new/`, in `cur/` there was anything at all.
    Nothing { new: bool, cur: bool },
    /// Somebody else has done something.
    News,
    /// Nobody can say.
    Deaf,
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
        state.count += 1;
        let post = Arc::new(Post {
            number: state.count,
            works: Arc::downgrade(works),
            room: Arc::downgrade(room),
            watches: watches.iter().map(|(_, watch)| *watch).collect(),
            runtime,
            inbox: Mutex::default(),
            trusted: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            stirred: AtomicBool::new(false),
        });
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
                None => {
                    post.gone.store(true, Ordering::SeqCst);
                    post.lose();
                }
                Some((came, name)) => post.put(*dir, came, name),
            }
            stirred.push(post);
        }
    }
}

impl Post {
    fn put(&self, dir: Dir, came: bool, name: &OsStr) {
        let mut inbox = lock(&self.inbox);
        if inbox.told.len() >= HELD {
            drop(inbox);
            return self.lose();
        }
        inbox.told.push(Told {
            fresh: dir == Dir::New,
            came,
            name: name.as_bytes().into(),
        });
    }

    /// The box does not say all: the mailbox has to be looked at.
    pub(super) fn lose(&self) {
        self.trusted.store(false, Ordering::SeqCst);
        let mut inbox = lock(&self.inbox);
        inbox.lost = true;
        inbox.told.clear();
    }

    /// Whether nobody need look.
    pub(super) fn is_trusted(&self) -> bool {
        self.trusted.load(Ordering::SeqCst)
    }

    /// From here on the box says all: the mailbox is known as it was when it was last emptied.
    pub(super) fn trust(&self) {
        // What was lost since then is not known.
        let inbox = lock(&self.inbox);
        if !inbox.lost && !self.gone.load(Ordering::SeqCst) {
            self.trusted.store(true, Ordering::SeqCst);
        }
    }

    /// Empties the box. `echoes` is what we have done ourselves.
    pub(super) fn hear(&self, room: &Room, echoes: &mut Echoes) -> Heard {
        room.site.lookout.share_out();
        let (told, lost) = {
            let mut inbox = lock(&self.inbox);
            (
                std::mem::take(&mut inbox.told),
                std::mem::take(&mut inbox.lost),
            )
        };
        let (new, cur) = (told.iter().any(|t| t.fresh), told.iter().any(|t| !t.fresh));
        let news = echoes.is_news(told);
        let over = echoes.over;
        // What we did before this one watched, nobody tells it.
        if lost || over || echoes.awaited != self.number {
            self.trusted.store(false, Ordering::SeqCst);
            echoes.forget(self.number);
        }
        match (self.is_trusted(), news) {
            (_, true) if !over => {
                // Until somebody has looked: that may fail.
                self.trusted.store(false, Ordering::SeqCst);
                Heard::News
            }
            (true, false) => Heard::Nothing { new, cur },
            _ => Heard::Deaf,
        }
    }

    /// Something has happened: the mailbox is looked at, if anybody waits for it.
    fn stir(self: &Arc<Self>) {
        let waits = |room: Arc<Room>| room.watch.is_watched();
        if self.room.upgrade().is_some_and(waits) {
            self.rouse();
        }
    }

    /// Sees to it that the mailbox is looked at: at once, and then no more often than the patrol would, or a mailbox of its
    /// size can bear.
    pub(super) fn rouse(self: &Arc<Self>) {
        if self.stirred.swap(true, Ordering::SeqCst) {
            return;
        }
        let post = Arc::downgrade(self);
        self.runtime.spawn(async move {
            while let Some(pause) = look(&post).await {
                tokio::time::sleep(pause).await;
                let Some(post) = post.upgrade() else { return };
                post.stirred.store(false, Ordering::SeqCst);
                let quiet = {
                    let inbox = lock(&post.inbox);
                    inbox.told.is_empty() && !inbox.lost
                };
                if quiet || post.stirred.swap(true, Ordering::SeqCst) {
                    return;
                }
            }
        });
    }

    /// Whether something has come that nobody has looked at.
    pub(super) fn is_full(&self) -> bool {
        let inbox = lock(&self.inbox);
        !inbox.told.is_empty() || inbox.lost
    }
}

/// Looks, and says how long to wait before the next look.
async fn look(post: &Weak<Post>) -> Option<Duration> {
    let (works, room) = {
        let post = post.upgrade()?;
        (post.works.upgrade()?, post.room.upgrade()?)
    };
    let looked = room.clone();
    // The session sees the failure when it looks itself.
    let _ = works
        .run(move || scan::refresh(&looked, &mut looked.ledger(), None))
        .await;
    Some(works.pace(room.bearable()).max(PAUSE))
}

impl Drop for Post {
    fn drop(&mut self) {
        let Some(works) = self.works.upgrade() else {
            return; // and the lookout with it
        };
        let mut state = lock(&works.site.lookout.state);
        state.mailboxes -= 1;
        for watch in &self.watches {
            let Some(posts) = state.posts.get_mut(watch) else {
                continue;
            };
            posts.retain(|(_, post)| post.strong_count() > 0);
            if posts.is_empty() {
                state.posts.remove(watch);
                if let Some(watcher) = &state.watcher {
                    watcher.remove(*watch);
                }
            }
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
