//! Delivery: many messages into many mailboxes, with few flushes.
//!
//! ```text
//!   write tmp/x, append `uid :x` to the list      under the lock; nobody sees either
//!   FLUSH                                         octets and UIDs are durable
//!   rename tmp/x to new/x or cur/x:2,…            now others can see it, under a UID that stays its own
//!   FLUSH                                         and it stays there
//!   show it to our sessions, answer
//! ```
//!
//! A cut before the first flush leaves a file in `tmp/` and perhaps a torn list, whose torn lines nobody was told of.
//! One before the second leaves some messages there, whole, and others not, and lines of files that never came. What
//! failed to be flushed is taken back and answered with an error, never flushed a second time.

use super::desk::Desk;
use super::parcel::{Parcel, Placed};
use super::room::Room;
use super::site::Site;
use crate::{Error, Kind, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// What became of a parcel.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is in its mailbox, durably, or it is not there at all.
    Done(Result<Placed>),
    /// Another program has the mailbox's lock: try again.
    Busy(Parcel),
}

/// Parcels with their places in the order of arrival.
type Parcels = Vec<(usize, Parcel)>;

/// At most so many files or directories are flushed one by one; for more, the whole file system is, unless it is another
/// host's.
const FEW: usize = 3;

/// Delivers; the outcomes are in the order of the parcels.
pub(super) fn deliver(site: &Site, parcels: Vec<Parcel>) -> Vec<Outcome> {
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let mut by_room: BTreeMap<PathBuf, (Arc<Room>, Parcels)> = BTreeMap::new();
    for (at, parcel) in parcels.into_iter().enumerate() {
        let room = parcel.room.clone();
        let rooms = by_room.entry(room.dir.clone());
        let entry = rooms.or_insert_with(|| (room, Vec::new()));
        entry.1.push((at, parcel));
    }
    let (rooms, mut parcels): (Vec<_>, Vec<_>) = by_room.into_values().unzip();
    let failures = site.failures();
    // In the order of their paths, so that no two ever wait for each other.
    let mut desks = Vec::new();
    for (room, parcels) in rooms.iter().zip(&mut parcels) {
        match Desk::open(room) {
            Ok(mut desk) => {
                for (at, parcel) in parcels.drain(..) {
                    desk.take_in(at, parcel);
                }
                desk.enter();
                desks.push(desk);
            }
            Err(e) => {
                for (at, parcel) in parcels.drain(..) {
                    let outcome = match e.kind() {
                        Kind::Busy => Outcome::Busy(parcel),
                        _ => Outcome::Done(Err(again(&e))),
                    };
                    outcomes.insert(at, outcome);
                }
            }
        }
    }
    flush_contents(site, &mut desks, failures);
    desks.iter_mut().for_each(Desk::show);
    flush_names(site, &mut desks, failures);
    for desk in desks {
        desk.close(&mut outcomes);
    }
    outcomes.into_values().collect()
}

/// The same failure for one more who waits.
pub(super) fn again(e: &Error) -> Error {
    Error::new(e.kind(), e.context().to_owned())
}

/// First flush: octets and lists.
fn flush_contents(site: &Site, desks: &mut [Desk<'_>], failures: u64) {
    let files = desks
        .iter_mut()
        .map(|d| d.unsynced() + usize::from(d.list.is_some()));
    if files.sum::<usize>() > FEW && !site.shared {
        return flush_systems(site, desks, failures);
    }
    for desk in desks {
        let octets = desk.sync();
        let list = desk.list.as_ref().map_or(Ok(()), |list| list.sync_data());
        if let Err(e) = octets.and(list) {
            desk.fail(Error::io("flush", e));
        }
    }
}

/// Second flush: names. Where a message was found there already, its name is flushed too: who knows who flushed it.
fn flush_names(site: &Site, desks: &mut [Desk<'_>], failures: u64) {
    let dirs: Vec<BTreeSet<PathBuf>> = desks.iter().map(|desk| desk.dirs()).collect();
    if dirs.iter().map(BTreeSet::len).sum::<usize>() > FEW && !site.shared {
        return flush_systems(site, desks, failures);
    }
    for (desk, dirs) in desks.iter_mut().zip(dirs) {
        if let Err(e) = dirs.iter().try_for_each(|dir| site.disk.sync_dir(dir)) {
            desk.fail(Error::io("flush", e));
        }
    }
}

/// One flush for each file system; `failures` were known when the batch began.
fn flush_systems(site: &Site, desks: &mut [Desk<'_>], failures: u64) {
    let mut done: BTreeMap<u64, io::Result<()>> = BTreeMap::new();
    for desk in desks {
        let dir = &desk.room.dir;
        let device = site.disk.stat(dir).map_or(0, |stat| stat.device);
        let flushed = done
            .entry(device)
            .or_insert_with(|| site.sync_all(dir, failures));
        if let Err(e) = flushed {
            let e = io::Error::new(e.kind(), e.to_string());
            desk.fail(Error::io("flush", e));
        }
    }
}
