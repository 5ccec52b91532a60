//! One session's hold on a mailbox.

use super::body::LfBody;
use super::home::Home;
use super::lookout::Post;
use super::room::Room;
use super::site::lock;
use super::transfer::Grip;
use super::works::{Works, answered};
use super::{edit, read, scan, transfer};
use crate::body::Body;
use crate::mailbox::{Access, Copied, Extensions, Fields, Mailbox, Record};
use crate::{Error, Kind, Result};
use async_trait::async_trait;
use mailcore_base::mailbox::{Changes, FlagChange, MailboxName, ModSeq, Uid, UidSet, UidValidity};
use mailcore_base::search::Query;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, OnceLock};

#[derive(Debug)]
pub(super) struct Handle {
    works: Arc<Works>,
    home: Arc<Home>,
    room: Arc<Room>,
    access: Access,
    /// From the first time that the session is told of it, or asks: until then the mailbox may still become another, as
    /// one does that several programs meet for the first time at once.
    validity: OnceLock<UidValidity>,
    recent: Mutex<UidSet>,
    /// From when it first waited: the mailbox is watched as long as the session has it.
    post: OnceLock<Option<Arc<Post>>>,
}

impl Handle {
    pub(super) fn new(works: Arc<Works>, home: Arc<Home>, room: Arc<Room>, access: Access) -> Self {
        Self {
            validity: OnceLock::new(),
            works,
            home,
            room,
            access,
            recent: Mutex::default(),
            post: OnceLock::new(),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&Room) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let room = self.room.clone();
        let work = move || work(&room).map_err(|e| e.at(&room.dir));
        self.works.run(work).await
    }

    fn writable(&self) -> Result<()> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read => Err(Error::new(Kind::Denied, "mailbox is opened for reading")),
        }
    }

    /// What the view says now, for this session.
    fn told(&self, known: Option<ModSeq>) -> Result<Changes> {
        let mut view = self.room.view()?;
        // Its UIDs mean something else now: to this session the mailbox is gone.
        if *self.validity.get_or_init(|| view.validity) != view.validity {
            return Err(replaced());
        }
        let mut recent = lock(&self.recent);
        *recent = match self.access {
            Access::Read => view.unclaimed.clone(),
            Access::Write => {
                let claimed = recent.union(&std::mem::take(&mut view.unclaimed));
                claimed.intersection(&view.uids.set())
            }
        };
        let flagged = match known {
            None => Vec::new(),
            Some(known) => view
                .table
                .since(known.0)
                .filter_map(|row| Some((Uid::new(row.uid)?, row.flags, ModSeq(row.modseq))))
                .collect(),
        };
        Ok(Changes::new(view.snapshot(), flagged))
    }

    async fn transfer(&self, uids: &UidSet, target: &MailboxName) -> Result<Copied> {
        let take_up = async |grip| {
            let (home, uids, target) = (self.home.clone(), uids.clone(), target.clone());
            let take_up =
                move |room: &Room| transfer::take_up(room, &uids, &home.room(&target)?, grip);
            let (taken, parcel) = self.run(take_up).await?;
            let placed = answered(self.works.post(parcel).await);
            Ok::<_, Error>((taken, placed))
        };
        let (mut taken, mut placed) = take_up(Grip::Loose).await?;
        if matches!(&placed, Err(e) if e.kind() == Kind::NotFound) {
            (taken, placed) = take_up(Grip::Firm).await?;
        }
        let placed = placed?;
        Ok(Copied {
            uid_validity: placed.validity,
            from: taken,
            to: placed.uids.into_iter().collect(),
        })
    }
}

fn replaced() -> Error {
    Error::new(Kind::NotFound, "mailbox has a new UIDVALIDITY")
}

#[async_trait]
impl Mailbox for Handle {
    fn uid_validity(&self) -> UidValidity {
        *self.validity.get_or_init(|| {
            let view = self.room.view();
            view.map_or(UidValidity(NonZeroU32::MIN), |view| view.validity)
        })
    }

    async fn sync(&self, known: Option<ModSeq>) -> Result<Changes> {
        let claims = self.access == Access::Write;
        if scan::is_current(&self.room, claims) {
            return self.told(known);
        }
        self.run(move |room| {
            let mut ledger = room.ledger();
            scan::refresh(room, &mut ledger, None)?;
            match claims {
                true => edit::claim(room, &mut ledger),
                false => Ok(()),
            }
        })
        .await?;
        self.told(known)
    }

    async fn changed(&self, known: ModSeq) {
        self.works.patrol();
        match self.post.get() {
            None => drop(self.post.set(self.works.watch(&self.room))),
            Some(Some(post)) if post.is_full() => post.rouse(),
            Some(_) => {}
        }
        self.room.watch.past(known).await;
    }

    fn recent(&self) -> UidSet {
        lock(&self.recent).clone()
    }

    async fn records(&self, uids: &UidSet, fields: Fields, out: &mut Vec<Record>) -> Result<()> {
        let (mut known, mut places) = (Vec::new(), Vec::new());
        if !read::records(&self.room, uids, fields, &mut known, &mut places)?
            || read::describe_now(&self.room, fields, &mut known, &places)
        {
            out.append(&mut known);
            return Ok(());
        }
        let mut complete = self
            .run(move |room| {
                let mut records = known.clone();
                read::complete(room, fields, &mut records)?;
                Ok(records)
            })
            .await?;
        out.append(&mut complete);
        Ok(())
    }

    async fn body(&self, uid: Uid) -> Result<Option<Arc<dyn Body>>> {
        if let Some(body) = LfBody::open_now(&self.works, &self.room, uid.number()) {
            return Ok(Some(Arc::new(body)));
        }
        let (works, room) = (self.works.clone(), self.room.clone());
        let open = move || LfBody::open(works.clone(), room.clone(), uid.number());
        let body = self.works.run(open).await?;
        Ok(body.map(|body| Arc::new(body) as Arc<dyn Body>))
    }

    async fn flag(
        &self,
        uids: &UidSet,
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<UidSet> {
        self.writable()?;
        let (uids, change) = (uids.clone(), change.clone());
        self.run(move |room| edit::flag(room, &uids, &change, unchanged_since))
            .await
    }

    async fn expunge(&self, uids: &UidSet) -> Result<UidSet> {
        self.writable()?;
        let uids = uids.clone();
        self.run(move |room| edit::expunge(room, &uids)).await
    }

    async fn first_unseen(&self) -> Result<Option<Uid>> {
        let view = self.room.view()?;
        Ok(view.table.first_unseen().and_then(|row| Uid::new(row.uid)))
    }

    async fn expunged(&self, since: ModSeq) -> Result<Option<UidSet>> {
        let view = self.room.view()?;
        if *self.validity.get_or_init(|| view.validity) != view.validity {
            return Err(replaced());
        }
        // A file that was missed while it was renamed is there again under its UID.
        let gone = view.expunges.since(since);
        Ok(gone.map(|gone| gone.difference(&view.uids.set())))
    }

    async fn copy(&self, uids: &UidSet, target: &MailboxName) -> Result<Copied> {
        self.transfer(uids, target).await
    }

    async fn relocate(&self, uids: &UidSet, target: &MailboxName) -> Result<Copied> {
        self.writable()?;
        let copied = self.transfer(uids, target).await?;
        let gone = self.expunge(&copied.from).await?;
        let (moved, doubled) = copied.part(&gone);
        if !doubled.is_empty() {
            // Somebody else has moved them, or removed them: they are not to be here as well.
            let (home, target) = (self.home.clone(), target.clone());
            let take_back = move || edit::expunge(&*home.room(&target)?, &doubled).map(drop);
            self.works.run(take_back).await?;
        }
        Ok(moved)
    }

    async fn search(&self, _: &Query, _: &UidSet) -> Result<Option<UidSet>> {
        Ok(None)
    }

    fn extensions(&self) -> Extensions {
        let pocket = self.room.pocket.get_or_init(Arc::default);
        Extensions {
            pocket: Some(Arc::clone(pocket)),
        }
    }
}
