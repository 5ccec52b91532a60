//! The two disks keep the same promises, and the simulated one loses what it may lose.
#![allow(clippy::unwrap_used)]

use mailcore_store::disk::{Disk, Loss, Open, SimDisk, mkdir_all, read};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

fn sim() -> SimDisk {
    SimDisk::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000))
}

fn content(disk: &SimDisk, path: &str) -> Option<Vec<u8>> {
    read(disk, Path::new(path), 1000).ok()
}

#[cfg(feature = "conform")]
#[test]
fn the_simulated_disk_conforms() {
    mailcore_store::conform::disk::all(&sim());
}

#[cfg(all(feature = "conform", feature = "files"))]
#[test]
fn the_real_disk_conforms() {
    let dir = tempfile::tempdir().unwrap();
    mailcore_store::conform::disk::all(&mailcore_store::disk::RealDisk::new(dir.path()));
}

#[cfg(feature = "files")]
#[test]
fn the_real_disk_follows_no_symbolic_link() {
    let dir = tempfile::tempdir().unwrap();
    let disk = mailcore_store::disk::RealDisk::new(dir.path());
    std::fs::write(dir.path().join("secret"), "x").unwrap();
    std::os::unix::fs::symlink("secret", dir.path().join("link")).unwrap();
    assert!(disk.open(Path::new("link"), Open::Read).is_err());
    let kind = disk.stat(Path::new("link")).unwrap().kind;
    assert_eq!(kind, mailcore_store::disk::FileKind::Other);
}

/// `old` is durable; `new` is written over it, and the file renamed, without a sync.
fn unsynced() -> SimDisk {
    let disk = sim();
    let file = disk.open(Path::new("a"), Open::Create).unwrap();
    file.write_at(b"old old old", 0).unwrap();
    disk.sync_all(Path::new("")).unwrap();
    file.write_at(b"new new new", 0).unwrap();
    disk.rename(Path::new("a"), Path::new("b")).unwrap();
    disk
}

#[test]
fn what_was_not_synced_is_lost_or_kept_as_asked() {
    let lost = unsynced().restart(Loss::Lost, 0);
    assert_eq!(content(&lost, "a").unwrap(), b"old old old");
    assert_eq!(content(&lost, "b"), None);
    let kept = unsynced().restart(Loss::Kept, 0);
    assert_eq!(content(&kept, "b").unwrap(), b"new new new");
    assert_eq!(content(&kept, "a"), None);
}

#[test]
fn a_torn_crash_mixes_but_never_loses_both_names() {
    let (mut contents, mut renamed) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..200 {
        let disk = unsynced().restart(Loss::Torn, seed);
        let (a, b) = (content(&disk, "a"), content(&disk, "b"));
        assert!(
            a.is_some() != b.is_some(),
            "seed {seed}: one name and not two"
        );
        renamed.insert(b.is_some());
        contents.insert(a.or(b).unwrap());
    }
    assert_eq!(renamed.len(), 2);
    assert!(contents.contains(&b"old old old"[..]) && contents.contains(&b"new new new"[..]));
    assert!(
        contents.iter().any(|c| c.contains(&0)),
        "length before content"
    );
    assert!(
        contents
            .iter()
            .any(|c| c.starts_with(b"new") && c.ends_with(b"old"))
    );
}

#[test]
fn syncing_a_directory_saves_its_names_and_what_they_build_on() {
    let disk = sim();
    mkdir_all(&disk, Path::new("tmp")).unwrap();
    mkdir_all(&disk, Path::new("new")).unwrap();
    let file = disk.open(Path::new("tmp/x"), Open::Create).unwrap();
    file.write_at(b"x", 0).unwrap();
    file.sync_data().unwrap();
    disk.open(Path::new("tmp/y"), Open::Create).unwrap();
    disk.rename(Path::new("tmp/x"), Path::new("new/x")).unwrap();
    disk.sync_dir(Path::new("new")).unwrap();
    let after = disk.restart(Loss::Lost, 0);
    assert_eq!(content(&after, "new/x").unwrap(), b"x");
    assert_eq!(content(&after, "tmp/x"), None);
    assert_eq!(content(&after, "tmp/y"), None, "nobody synced that one");
}

#[test]
fn a_failed_sync_has_lost_what_it_was_to_save() {
    let disk = sim();
    let file = disk.open(Path::new("a"), Open::Create).unwrap();
    file.write_at(b"lost", 0).unwrap();
    disk.fail_at(disk.operations() + 1);
    assert!(file.sync().is_err());
    file.sync().unwrap(); // the lie of the second fsync
    disk.sync_all(Path::new("")).unwrap();
    assert_eq!(content(&disk, "a").unwrap(), b"lost", "it still looks well");
    assert_eq!(content(&disk.restart(Loss::Lost, 0), "a").unwrap(), b"");
}

#[test]
fn a_failed_sync_of_a_directory_has_lost_its_names() {
    let disk = sim();
    disk.open(Path::new("a"), Open::Create).unwrap();
    disk.sync_dir(Path::new("")).unwrap();
    disk.rename(Path::new("a"), Path::new("b")).unwrap();
    disk.fail_at(disk.operations() + 1);
    assert!(disk.sync_dir(Path::new("")).is_err());
    disk.sync_dir(Path::new("")).unwrap(); // the lie of the second
    disk.sync_all(Path::new("")).unwrap();
    let names = |disk: &SimDisk| ["a", "b", "c"].map(|it| content(disk, it).is_some());
    assert_eq!(names(&disk), [false, true, false], "it still looks well");
    let later = disk.killed();
    assert_eq!(names(&disk.restart(Loss::Lost, 0)), [true, false, false]);
    // The directory is written once more, as a whole.
    later.open(Path::new("c"), Open::Create).unwrap();
    later.sync_dir(Path::new("")).unwrap();
    assert_eq!(names(&later.restart(Loss::Lost, 0)), [false, true, true]);
}

#[test]
fn a_directory_whose_name_could_not_be_synced_is_made_once_more() {
    let disk = sim();
    disk.fail_at(2);
    assert!(mkdir_all(&disk, Path::new("a/b")).is_err());
    mkdir_all(&disk, Path::new("a/b")).unwrap();
    let file = disk.open(Path::new("a/b/c"), Open::Create).unwrap();
    file.write_at(b"c", 0).unwrap();
    file.sync().unwrap();
    disk.sync_dir(Path::new("a/b")).unwrap();
    assert_eq!(
        content(&disk.restart(Loss::Lost, 0), "a/b/c").unwrap(),
        b"c"
    );
}

#[test]
fn power_is_lost_after_the_operation_asked_for() {
    let disk = sim();
    disk.crash_after(2);
    let file = disk.open(Path::new("a"), Open::Create).unwrap();
    file.write_at(b"two", 0).unwrap();
    assert!(file.write_at(b"three", 0).is_err());
    assert!(disk.stat(Path::new("a")).is_err(), "dead");
    let after = disk.restart(Loss::Kept, 0);
    assert_eq!(content(&after, "a").unwrap(), b"two");
    assert!(disk.sync_all(Path::new("")).is_err(), "dead for good");
}

#[test]
fn a_full_disk_still_lets_go() {
    let disk = sim();
    let file = disk.open(Path::new("a"), Open::Create).unwrap();
    disk.full_from(Some(0));
    assert_eq!(
        file.write_at(b"xxxx", 0).unwrap_err().kind(),
        ErrorKind::StorageFull
    );
    assert_eq!(
        content(&disk, "a").unwrap(),
        b"xx",
        "half of it was written"
    );
    assert!(disk.open(Path::new("b"), Open::Create).is_err());
    disk.rename(Path::new("a"), Path::new("c")).unwrap();
    disk.unlink(Path::new("c")).unwrap();
    disk.full_from(None);
    disk.open(Path::new("b"), Open::Create).unwrap();
}

#[test]
fn without_syncing_nothing_is_saved() {
    let disk = sim();
    disk.honour_syncs(false);
    let file = disk.open(Path::new("a"), Open::Create).unwrap();
    file.write_at(b"x", 0).unwrap();
    file.sync().unwrap();
    disk.sync_dir(Path::new("")).unwrap();
    disk.sync_all(Path::new("")).unwrap();
    assert_eq!(content(&disk.restart(Loss::Lost, 0), "a"), None);
}
