//! COMPRESS (RFC 4978). What the client has sent ahead of our answer is compressed already, and belongs to the layer.

use super::Opened;
use crate::parse::{Cursor, Wrong};
use crate::server::capability;
use crate::server::turn::{Next, Once, Reply, Turn};

pub(super) fn open(at: &mut Cursor<'_>, turn: &mut Turn<'_>) -> Opened {
    if !turn.options.compress {
        return Ok(Once::reply(Reply::bad(
            "Error in IMAP command COMPRESS: Unknown command",
        )));
    }
    let mechanism = at.space().and_then(|()| at.keyword());
    let mechanism = mechanism.map_err(|_| Wrong::ARGUMENTS)?;
    at.end()?;
    Ok(Once::boxed(
        if !capability::compress(turn.state, turn.options) {
            Next::Reply(Reply::no("[COMPRESSIONACTIVE] COMPRESSION already enabled"))
        } else if mechanism == "DEFLATE" {
            Next::Compress(Reply::ok("Begin compression"))
        } else {
            Next::Reply(Reply::no("Unknown compression mechanism"))
        },
    ))
}
