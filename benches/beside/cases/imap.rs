//! One IMAP session over a full mailbox: what is asked about all of it, and what changes it. Everything is done once
//! before it is measured, unless the first time is what is measured.

use super::bare;
use super::{Case, Lab};
use crate::load::{Imap, Layer, Lmtp};
use crate::sample::{Sample, measure};
use crate::side::{FULL, PASSWORD, Service, Side, owner};
use mailcore_benches::mime_message;
use std::fs;
use std::io;
use std::os::unix::fs::chown;

/// A new message, octets.
const SIZE: usize = 10 * 1024;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![first("first ENVELOPE after a delivery")];
    for layer in [Layer::Plain, Layer::Tls] {
        for (what, times) in [
            ("FETCH 1:* (FLAGS)", 3.0),
            ("FETCH 1:* (RFC822.SIZE)", 3.0),
            ("FETCH 1:* (ENVELOPE)", 3.0),
            ("FETCH 1:* (BODYSTRUCTURE)", 3.0),
            (
                "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT FROM DATE)])",
                3.0,
            ),
            ("FETCH 1:* (BODY.PEEK[HEADER])", 3.0),
            ("SEARCH SUBJECT \"many 77\"", 3.0),
            ("SEARCH FROM \"sender\"", 3.0),
            ("SEARCH TEXT \"nowhere\"", 3.0),
            ("SEARCH BODY \"nowhere\"", 3.0),
            ("SORT (DATE) UTF-8 ALL", 3.0),
            ("SORT (SUBJECT) UTF-8 ALL", 3.0),
            ("THREAD REFERENCES UTF-8 ALL", 3.0),
            ("FETCH 1:* (BODY.PEEK[])", 1.5),
        ] {
            cases.push(asked(what, layer, times));
        }
    }
    cases.push(Case::new("SELECT", "commands", 3.0, select));
    cases.push(Case::new(
        "2,000 single FETCH BODY.PEEK[]",
        "messages",
        1.5,
        singles,
    ));
    cases.push(Case::new("STORE 1:* +FLAGS", "messages", 1.0, store).beside(bare::store));
    cases.push(Case::new("single STOREs", "messages", 1.0, stores));
    cases.push(Case::new("COPY", "messages", 1.0, copy).beside(bare::copy));
    cases.push(Case::new("MOVE", "messages", 1.0, moving).beside(bare::moving));
    cases.push(Case::new("EXPUNGE", "messages", 1.0, expunge).beside(bare::expunge));
    cases.push(Case::new("APPEND", "messages", 1.0, append).beside(bare::append));
    cases
}

/// Makes the full mailbox: files without any list.
pub(super) fn fill(side: &Side, lab: &Lab) -> io::Result<()> {
    let maildir = side.maildir(FULL);
    let (user, group) = owner()?;
    for name in ["", "cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(name))?;
        chown(maildir.join(name), Some(user), Some(group))?;
    }
    for number in 1..=lab.scale.mailbox {
        // From 2 to 20 KiB.
        let message = mime_message(number, 2048 + number * 7919 % 18_432);
        let name = format!("{}.M{number}P1.bench:2,S", 1_700_000_000 + number);
        let path = maildir.join("cur").join(name);
        fs::write(&path, message)?;
        chown(&path, Some(user), Some(group))?;
    }
    Ok(())
}

fn open(side: &Side, layer: Layer) -> io::Result<Imap> {
    let mut imap = Imap::login(&side.imap(layer), FULL, PASSWORD)?;
    imap.ask("SELECT INBOX")?;
    Ok(imap)
}

fn asked(what: &'static str, layer: Layer, times: f64) -> Case {
    let name = match layer {
        Layer::Plain => what.to_owned(),
        Layer::Tls => format!("TLS: {what}"),
    };
    Case::new(name, "messages", times, move |side, lab| {
        let mut imap = open(side, layer)?;
        imap.ask(what)?;
        let again =
            match what.contains("BODY.PEEK[]") || what.contains("TEXT") || what.contains("BODY \"")
            {
                true => 1,
                false => 10,
            };
        measure(&side.group, (lab.scale.mailbox * again) as u64, || {
            (0..again).try_for_each(|_| imap.ask(what).map(drop))
        })
    })
}

fn select(side: &Side, _: &Lab) -> io::Result<Sample> {
    const AGAIN: usize = 100;
    let mut imap = open(side, Layer::Plain)?;
    measure(&side.group, AGAIN as u64, || {
        (0..AGAIN).try_for_each(|_| imap.ask("SELECT INBOX").map(drop))
    })
}

/// A user's mailbox gets messages by LMTP; then, for the first time, somebody asks for their envelopes.
fn first(name: &str) -> Case {
    Case::new(name, "messages", 30.0, |side, lab| {
        let users = lab.users(1);
        let user = users.first().ok_or(io::ErrorKind::NotFound)?;
        let mut lmtp = Lmtp::connect(&side.plain(Service::Lmtp))?;
        for number in 0..lab.scale.batch {
            lmtp.deliver(user, &mime_message(number, SIZE))?;
        }
        let mut imap = Imap::login(&side.imap(Layer::Plain), user, PASSWORD)?;
        imap.ask("SELECT INBOX")?;
        measure(&side.group, lab.scale.batch as u64, || {
            imap.ask("FETCH 1:* (ENVELOPE)").map(drop)
        })
    })
}

fn singles(side: &Side, lab: &Lab) -> io::Result<Sample> {
    let mut imap = open(side, Layer::Plain)?;
    let count = lab.scale.mailbox.min(2000);
    measure(&side.group, count as u64, || {
        (1..=count).try_for_each(|n| imap.ask(&format!("FETCH {n} (BODY.PEEK[])")).map(drop))
    })
}

fn store(side: &Side, lab: &Lab) -> io::Result<Sample> {
    let mut imap = open(side, Layer::Plain)?;
    imap.ask("STORE 1:* -FLAGS.SILENT (\\Flagged)")?;
    measure(&side.group, lab.scale.mailbox as u64, || {
        imap.ask("STORE 1:* +FLAGS (\\Flagged)").map(drop)
    })
}

fn stores(side: &Side, lab: &Lab) -> io::Result<Sample> {
    let mut imap = open(side, Layer::Plain)?;
    imap.ask("STORE 1:* -FLAGS.SILENT (\\Answered)")?;
    measure(&side.group, lab.scale.batch as u64, || {
        let each = |n| {
            imap.ask(&format!("STORE {n} +FLAGS (\\Answered)"))
                .map(drop)
        };
        (1..=lab.scale.batch).try_for_each(each)
    })
}

/// A session whose user has an empty mailbox `Work`, and the full mailbox's first messages, if wanted, in it.
fn work(side: &Side, lab: &Lab, filled: bool) -> io::Result<Imap> {
    let mut imap = open(side, Layer::Plain)?;
    if imap.find("LIST \"\" Work", "* LIST")?.is_some() {
        imap.ask("DELETE Work")?;
    }
    imap.ask("CREATE Work")?;
    if filled {
        imap.ask(&format!("COPY 1:{} Work", lab.scale.batch))?;
        imap.ask("SELECT Work")?;
    }
    Ok(imap)
}

fn copy(side: &Side, lab: &Lab) -> io::Result<Sample> {
    let mut imap = work(side, lab, false)?;
    measure(&side.group, lab.scale.batch as u64, || {
        imap.ask(&format!("COPY 1:{} Work", lab.scale.batch))
            .map(drop)
    })
}

fn moving(side: &Side, lab: &Lab) -> io::Result<Sample> {
    let mut imap = work(side, lab, true)?;
    if imap.find("LIST \"\" There", "* LIST")?.is_some() {
        imap.ask("DELETE There")?;
    }
    imap.ask("CREATE There")?;
    measure(&side.group, lab.scale.batch as u64, || {
        imap.ask("MOVE 1:* There").map(drop)
    })
}

fn expunge(side: &Side, lab: &Lab) -> io::Result<Sample> {
    let mut imap = work(side, lab, true)?;
    imap.ask("STORE 1:* +FLAGS.SILENT (\\Deleted)")?;
    measure(&side.group, lab.scale.batch as u64, || {
        imap.ask("EXPUNGE").map(drop)
    })
}

fn append(side: &Side, lab: &Lab) -> io::Result<Sample> {
    let mut imap = work(side, lab, false)?;
    let message = mime_message(1, SIZE);
    measure(&side.group, lab.scale.batch as u64, || {
        (0..lab.scale.batch).try_for_each(|_| imap.append("Work", &message))
    })
}
