//! The system calls that a Maildir with UIDs needs for what a client wants, and nothing else: no lock, no index, no answer.
//! They stand beside what both sides take for the same, and flush as often: UIDs are durable before their messages show.

use super::Lab;
use crate::sample::Sample;
use mailcore_benches::mime_message;
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SIZE: usize = 10 * 1024;

/// A Maildir of so many messages, made anew.
fn maildir(lab: &Lab, messages: usize) -> io::Result<PathBuf> {
    let folder = lab.folder.join("bare");
    let _ = fs::remove_dir_all(&folder); // of the round before
    for name in ["cur", "other", "tmp"] {
        fs::create_dir_all(folder.join(name))?;
    }
    let message = mime_message(1, SIZE);
    for number in 0..messages {
        fs::write(cur(&folder, number, ""), &message)?;
    }
    Ok(folder)
}

fn cur(folder: &Path, number: usize, flags: &str) -> PathBuf {
    folder.join("cur").join(name(number, flags))
}

fn name(number: usize, flags: &str) -> String {
    format!(
        "{}.M{number}P1.bench,S=12345,W=12678:2,{flags}S",
        1_700_000_000 + number
    )
}

/// UIDs are given to so many more messages, durably.
fn list(folder: &Path, numbers: Range<usize>) -> io::Result<()> {
    let lines: String = numbers
        .map(|number| format!("{number} :{}\n", name(number, "")))
        .collect();
    let mut list = File::options()
        .append(true)
        .create(true)
        .open(folder.join("list"))?;
    list.write_all(lines.as_bytes())?;
    list.sync_data()
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn measure(count: usize, work: impl FnOnce() -> io::Result<()>) -> io::Result<Sample> {
    let start = Instant::now();
    work()?;
    Ok(Sample::Work {
        count: count as u64,
        wall: start.elapsed(),
        cpu: Duration::ZERO,
        driver: Duration::ZERO,
    })
}

pub(super) fn store(lab: &Lab) -> io::Result<Sample> {
    let messages = lab.scale.mailbox;
    let folder = maildir(lab, messages)?;
    measure(messages, || {
        for number in 0..messages {
            fs::rename(cur(&folder, number, ""), cur(&folder, number, "F"))?;
        }
        sync(&folder.join("cur"))
    })
}

pub(super) fn copy(lab: &Lab) -> io::Result<Sample> {
    each(lab, &["other"], |from, to| fs::hard_link(from, to))
}

pub(super) fn moving(lab: &Lab) -> io::Result<Sample> {
    each(lab, &["other", "cur"], |from, to| fs::rename(from, to))
}

fn each(
    lab: &Lab,
    changed: &[&str],
    work: impl Fn(&Path, &Path) -> io::Result<()>,
) -> io::Result<Sample> {
    let messages = lab.scale.batch;
    let folder = maildir(lab, messages)?;
    measure(messages, || {
        list(&folder, 0..messages)?;
        for number in 0..messages {
            let to = folder.join("other").join(name(number, ""));
            work(&cur(&folder, number, ""), &to)?;
        }
        changed.iter().try_for_each(|it| sync(&folder.join(it)))
    })
}

pub(super) fn expunge(lab: &Lab) -> io::Result<Sample> {
    let messages = lab.scale.batch;
    let folder = maildir(lab, messages)?;
    measure(messages, || {
        for number in 0..messages {
            fs::remove_file(cur(&folder, number, ""))?;
        }
        sync(&folder.join("cur"))
    })
}

/// Each for itself: nobody may wait for the next.
pub(super) fn append(lab: &Lab) -> io::Result<Sample> {
    let messages = lab.scale.batch;
    let folder = maildir(lab, 0)?;
    let message = mime_message(1, SIZE);
    measure(messages, || {
        for number in 0..messages {
            let aside = folder.join("tmp").join(name(number, ""));
            let mut file = File::create(&aside)?;
            file.write_all(&message)?;
            file.sync_all()?;
            list(&folder, number..number + 1)?;
            fs::rename(&aside, cur(&folder, number, ""))?;
            sync(&folder.join("cur"))?;
        }
        Ok(())
    })
}
