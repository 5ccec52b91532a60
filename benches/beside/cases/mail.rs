//! Mail that comes: by SMTP into the queue, by SMTP and by LMTP into mailboxes.

use super::{Case, Lab};
use crate::load::{Imap, Layer, Lmtp};
use crate::sample::{Sample, measure, settle};
use crate::side::{DISCARDED, PASSWORD, Service, Side, run, within};
use mailcore_benches::mime_message;
use std::fs;
use std::io;
use std::process::Command;
use std::time::Duration;

/// The usual message, octets.
pub(super) const SIZE: usize = 10 * 1024;
/// Longer no case takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (sessions, size, times) in [
        (1, SIZE, 4.0),
        (10, SIZE, 5.0),
        (50, SIZE, 8.0),
        (10, 1024, 5.0),
        (10, 100 * 1024, 5.0),
    ] {
        let name = format!("SMTP intake, {sessions} sessions, {} KiB", size / 1024);
        let work = move |side: &Side, lab: &Lab| intake(side, lab, sessions, size);
        cases.push(Case::new(name, "messages", times, work).cpu(8.0));
    }
    let name = "memory under 50 SMTP sessions";
    cases.push(Case::new(name, "octets", 2.0, memory));
    let whole = Case::new(
        "SMTP to mailboxes, 10 sessions, 10 KiB",
        "messages",
        10.0,
        through,
    );
    cases.push(whole.cpu(10.0));
    for connections in [1, 10] {
        let name = format!("LMTP to mailboxes, {connections} connections, 10 KiB");
        let work = move |side: &Side, lab: &Lab| lmtp(side, lab, connections);
        cases.push(Case::new(name, "messages", 5.0, work));
    }
    cases
}

/// Postfix's own load generator: a connection for each message.
pub(super) fn smtp_source(
    side: &Side,
    sessions: usize,
    messages: usize,
    size: usize,
    to: &str,
) -> Command {
    let mut command = Command::new("smtp-source");
    command.args([
        "-M",
        "client.bench.test",
        "-f",
        "sender@bench.test",
        "-t",
        to,
    ]);
    for (flag, number) in [("-s", sessions), ("-m", messages), ("-l", size)] {
        command.arg(flag).arg(number.to_string());
    }
    command.arg(format!("inet:{}", side.address(Service::Smtp)));
    command
}

fn intake(side: &Side, lab: &Lab, sessions: usize, size: usize) -> io::Result<Sample> {
    let messages = match size > 64 * 1024 {
        true => lab.scale.messages / 4,
        false => lab.scale.messages,
    };
    let to = format!("somebody@{DISCARDED}");
    measure(&side.group, messages as u64, || {
        run(&mut smtp_source(side, sessions, messages, size, &to)).map(drop)
    })
}

/// The most that the side's processes hold while it is busy.
fn memory(side: &Side, lab: &Lab) -> io::Result<Sample> {
    let to = format!("somebody@{DISCARDED}");
    let mut child = smtp_source(side, 50, lab.scale.messages, SIZE, &to).spawn()?;
    let mut octets = 0;
    while child.try_wait()?.is_none() {
        octets = octets.max(side.group.memory());
        std::thread::sleep(Duration::from_millis(100));
    }
    settle(&side.group);
    Ok(Sample::Memory { octets })
}

/// Until the last message can be read.
fn through(side: &Side, lab: &Lab) -> io::Result<Sample> {
    const SESSIONS: usize = 10;
    let users = lab.users(SESSIONS);
    let each = lab.scale.messages / 2 / SESSIONS;
    measure(&side.group, (each * SESSIONS) as u64, || {
        let started: io::Result<Vec<_>> = users
            .iter()
            .map(|user| smtp_source(side, 1, each, SIZE, user).spawn())
            .collect();
        for mut child in started? {
            if !child.wait()?.success() {
                return Err(io::Error::other("smtp-source failed"));
            }
        }
        for user in &users {
            let new = side.maildir(user).join("new");
            let count = || fs::read_dir(&new).map_or(0, Iterator::count);
            within(PATIENCE, || count() >= each)?;
        }
        for user in &users {
            let mut imap = Imap::login(&side.imap(Layer::Plain), user, PASSWORD)?;
            imap.ask("SELECT INBOX")?;
            imap.ask(&format!("FETCH {each} BODY.PEEK[]"))?;
        }
        Ok(())
    })
}

fn lmtp(side: &Side, lab: &Lab, connections: usize) -> io::Result<Sample> {
    let users = lab.users(connections);
    let each = lab.scale.messages / 4 / connections;
    let place = side.plain(Service::Lmtp);
    let message = mime_message(1, SIZE);
    measure(&side.group, (each * connections) as u64, || {
        let place = &place;
        let message = &message;
        all_at_once(users.iter(), |user| {
            let mut lmtp = Lmtp::connect(place)?;
            (0..each).try_for_each(|_| lmtp.deliver(user, message))
        })
    })
}

/// The same for each, on a thread each.
pub(super) fn all_at_once<T: Send>(
    each: impl Iterator<Item = T>,
    work: impl Fn(T) -> io::Result<()> + Sync,
) -> io::Result<()> {
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = each.map(|one| scope.spawn(move || work(one))).collect();
        threads.into_iter().try_for_each(|thread| {
            let over = thread.join();
            over.unwrap_or_else(|_| Err(io::Error::other("a client gave up")))
        })
    })
}
