//! A mailbox that is watched: what was told of it, and seeing to it that it is looked at.

use super::super::room::Room;
use super::super::scan;
use super::super::site::lock;
use super::super::works::Works;
use super::Dir;
use super::echoes::{Echoes, HELD, Told};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::runtime::Handle;

/// Between two looks lies at least this.
const PAUSE: Duration = Duration::from_millis(20);

/// A mailbox that is watched, as long as anybody holds this.
#[derive(Debug)]
pub(in super::super) struct Post {
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
pub(in super::super) enum Heard {
    /// Nothing has happened that we have not done; in `new/`, in `cur/` there was anything at all.
    Nothing { new: bool, cur: bool },
    /// Somebody else has done something.
    News,
    /// Nobody can say.
    Deaf,
}

impl Post {
    pub(super) fn new(
        number: u64,
        works: &Arc<Works>,
        room: &Arc<Room>,
        watches: Vec<u64>,
        runtime: Handle,
    ) -> Self {
        Self {
            number,
            works: Arc::downgrade(works),
            room: Arc::downgrade(room),
            watches,
            runtime,
            inbox: Mutex::default(),
            trusted: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            stirred: AtomicBool::new(false),
        }
    }

    /// The directory is not the one it was.
    pub(super) fn leave(&self) {
        self.gone.store(true, Ordering::SeqCst);
        self.lose();
    }

    pub(super) fn put(&self, dir: Dir, came: bool, name: &OsStr) {
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
    pub(in super::super) fn lose(&self) {
        self.trusted.store(false, Ordering::SeqCst);
        let mut inbox = lock(&self.inbox);
        inbox.lost = true;
        inbox.told.clear();
    }

    /// Whether nobody need look.
    pub(in super::super) fn is_trusted(&self) -> bool {
        self.trusted.load(Ordering::SeqCst)
    }

    /// From here on the box says all: the mailbox is known as it was when it was last emptied.
    pub(in super::super) fn trust(&self) {
        // What was lost since then is not known.
        let inbox = lock(&self.inbox);
        if !inbox.lost && !self.gone.load(Ordering::SeqCst) {
            self.trusted.store(true, Ordering::SeqCst);
        }
    }

    /// Empties the box. `echoes` is what we have done ourselves.
    pub(in super::super) fn hear(&self, room: &Room, echoes: &mut Echoes) -> Heard {
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
    pub(super) fn stir(self: &Arc<Self>) {
        let waits = |room: Arc<Room>| room.watch.is_watched();
        if self.room.upgrade().is_some_and(waits) {
            self.rouse();
        }
    }

    /// Sees to it that the mailbox is looked at: at once, and then no more often than the patrol would, or a mailbox of its
    /// size can bear.
    pub(in super::super) fn rouse(self: &Arc<Self>) {
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
    pub(in super::super) fn is_full(&self) -> bool {
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
