//! CANCELUPDATE (RFC 5267 §4.5): the client is no longer told of what a search finds.

use super::{Opened, first};
use crate::parse::{Cursor, Wrong};
use crate::server::turn::{Once, Reply, Turn};

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    let tags = tags(at).map_err(|_| Wrong::from("Invalid parameters"))?;
    let Some(selected) = turn.selected() else {
        return Err(Wrong::ARGUMENTS);
    };
    // Like Dovecot: those in front of one that is not known are cancelled all the same.
    let known = tags.iter().all(|tag| selected.updates.cancel(tag));
    Ok(Once::reply(match known {
        true => Reply::ok("Updates cancelled"),
        false => Reply::no("Unknown tag"),
    }))
}

fn tags(at: &mut Cursor<'_>) -> Result<Vec<Vec<u8>>, Wrong> {
    let mut tags = Vec::new();
    first(at)?;
    while !at.rest().is_empty() {
        if !tags.is_empty() {
            at.space()?;
        }
        if at.rest().is_empty() {
            break;
        }
        tags.push(at.string()?.into_owned());
    }
    match tags.is_empty() {
        true => Err(Wrong::MISSING),
        false => Ok(tags),
    }
}
