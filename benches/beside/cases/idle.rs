//! Many sessions that wait: what they cost, and how soon they hear.

use super::{Case, Lab};
use crate::load::{Imap, Layer, Lmtp};
use crate::sample::{Sample, measure, settle};
use crate::side::{PASSWORD, Service, Side};
use mailcore_benches::mime_message;
use std::io;
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("memory of an idle session", "octets", 30.0, |side, lab| {
            memory(side, lab, Layer::Plain)
        }),
        Case::new(
            "memory of an idle session, TLS",
            "octets",
            30.0,
            |side, lab| memory(side, lab, Layer::Tls),
        ),
        Case::new(
            "new mail told to all sessions on a mailbox",
            "sessions",
            1.0,
            news,
        ),
    ]
}

/// Sessions in IDLE on one mailbox of a hundred messages, and its user.
fn sessions(side: &Side, lab: &Lab, layer: Layer, count: usize) -> io::Result<(Vec<Imap>, String)> {
    let user = lab.users(1).pop().ok_or(io::ErrorKind::NotFound)?;
    let mut lmtp = Lmtp::connect(&side.plain(Service::Lmtp))?;
    for number in 0..100 {
        lmtp.deliver(&user, &mime_message(number, 4096))?;
    }
    let place = side.imap(layer);
    let sessions: io::Result<Vec<Imap>> = (0..count)
        .map(|_| {
            let mut imap = Imap::login(&place, &user, PASSWORD)?;
            imap.ask("SELECT INBOX")?;
            imap.idle()?;
            Ok(imap)
        })
        .collect();
    Ok((sessions?, user))
}

fn memory(side: &Side, lab: &Lab, layer: Layer) -> io::Result<Sample> {
    // The first ones bring the server's own buffers with them.
    let (first, _) = sessions(side, lab, layer, lab.scale.idle / 10)?;
    settle(&side.group);
    let before = side.group.memory();
    let (more, _) = sessions(side, lab, layer, lab.scale.idle)?;
    settle(&side.group);
    let after = side.group.memory();
    drop((first, more));
    Ok(Sample::Memory {
        octets: after.saturating_sub(before) / lab.scale.idle as u64,
    })
}

fn news(side: &Side, lab: &Lab) -> io::Result<Sample> {
    let (mut sessions, user) = sessions(side, lab, Layer::Plain, lab.scale.idle)?;
    settle(&side.group);
    let mut lmtp = Lmtp::connect(&side.plain(Service::Lmtp))?;
    measure(&side.group, lab.scale.idle as u64, || {
        lmtp.deliver(&user, &mime_message(101, 4096))?;
        let mut each = sessions.iter_mut();
        each.try_for_each(|imap| imap.hear(b" EXISTS", Duration::from_secs(60)))
    })
}
