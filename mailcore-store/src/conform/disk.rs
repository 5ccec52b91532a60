//! What every [`Disk`] must keep, as far as one can see it without losing power. Give each function (or [`all`])
//! an empty disk; a broken promise panics.

use crate::disk::{Disk, File, FileKind, Open, read, replace};
use std::io::{ErrorKind, Result};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

type Promise = fn(&dyn Disk, &Path);

/// Every promise, each in a directory of its own.
pub fn all(disk: &dyn Disk) {
    let promises: [(&str, Promise); 11] = [
        ("bytes", bytes_come_back_from_where_they_were_written),
        ("now", what_is_had_at_once_is_what_is_there),
        ("once", a_file_is_created_once),
        ("rename", a_rename_replaces_and_keeps_the_file),
        ("link", a_link_is_one_file_with_two_names),
        ("look", a_look_tells_what_there_is),
        ("open", an_open_file_outlives_its_name),
        ("dirs", directories_are_made_one_by_one_and_removed_empty),
        ("times", a_change_of_names_shows_in_the_directorys_time),
        ("lock", a_lock_is_had_by_one_at_a_time),
        ("replace", a_replaced_file_is_the_new_one),
    ];
    for (dir, promise) in promises {
        let dir = Path::new(dir);
        ok(disk.mkdir(dir));
        promise(disk, dir);
        ok(disk.sync_all(dir));
    }
}

fn ok<T>(result: Result<T>) -> T {
    match result {
        Ok(it) => it,
        Err(e) => panic!("the disk failed: {e}"),
    }
}

fn refused<T>(result: Result<T>) -> ErrorKind {
    match result {
        Ok(_) => panic!("the disk allowed what it must refuse"),
        Err(e) => e.kind(),
    }
}

fn made(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Box<dyn File> {
    let file = ok(disk.open(path, Open::Create));
    ok(file.write_at(bytes, 0));
    file
}

fn names(disk: &dyn Disk, dir: &Path) -> Vec<(String, FileKind)> {
    let mut names = Vec::new();
    ok(disk.list(dir, &mut |name, kind| {
        names.push((name.to_string_lossy().into_owned(), kind));
    }));
    names.sort_by(|a, b| a.0.cmp(&b.0));
    names
}

/// Whether it is had at once or not is the disk's affair.
pub fn what_is_had_at_once_is_what_is_there(disk: &dyn Disk, dir: &Path) {
    let (path, none) = (dir.join("file"), dir.join("none"));
    let there = made(disk, &path, b"hello");
    fn at_once<T>(asked: Result<T>) -> Option<T> {
        match asked {
            Err(e) if e.kind() == ErrorKind::WouldBlock => None,
            other => Some(ok(other)),
        }
    }
    for content in [&b"hello"[..], b"hello world"] {
        for _ in 0..10 {
            let mut out = [0; 64];
            let file = at_once(disk.open_now(&path));
            let file = file.as_deref().unwrap_or(&*there);
            if let Some(n) = at_once(file.read_now(&mut out, 0)) {
                assert_eq!(out.get(..n), Some(content));
            }
            if let Some(n) = at_once(file.read_now(&mut out, content.len() as u64)) {
                assert_eq!(n, 0, "behind the end");
            }
            if let Some(stat) = at_once(disk.stat_now(&path)) {
                assert_eq!(stat, ok(disk.stat(&path)));
            }
            let not = [ErrorKind::WouldBlock, ErrorKind::NotFound];
            assert!(not.contains(&refused(disk.open_now(&none))));
            assert!(not.contains(&refused(disk.stat_now(&none))));
        }
        ok(there.write_at(b" world", 5));
    }
}

/// Writing, appending, truncating, reading by offset.
pub fn bytes_come_back_from_where_they_were_written(disk: &dyn Disk, dir: &Path) {
    let path = dir.join("file");
    let file = made(disk, &path, b"hello");
    assert_eq!(ok(file.append(b" world")), 5);
    ok(file.write_at(b"J", 0));
    let mut out = [0; 64];
    assert_eq!(ok(file.read_at(&mut out, 6)), 5);
    assert_eq!(out.get(..5), Some(&b"world"[..]));
    assert_eq!(ok(file.read_at(&mut out, 11)), 0);
    assert_eq!(ok(file.read_at(&mut out, u64::from(u32::MAX))), 0);
    ok(file.truncate(3));
    ok(file.write_at(b"!", 5));
    ok(file.sync_data());
    ok(file.sync());
    assert_eq!(ok(read(disk, &path, 100)), b"Jel\0\0!");
    assert_eq!(refused(read(disk, &path, 5)), ErrorKind::InvalidData);
    assert_eq!(ok(file.stat()).len, 6);
}

/// `O_EXCL`: what locks are made of.
pub fn a_file_is_created_once(disk: &dyn Disk, dir: &Path) {
    let path = dir.join("lock");
    assert_eq!(refused(disk.open(&path, Open::Read)), ErrorKind::NotFound);
    assert_eq!(refused(disk.open(&path, Open::Write)), ErrorKind::NotFound);
    made(disk, &path, b"1");
    assert_eq!(
        refused(disk.open(&path, Open::Create)),
        ErrorKind::AlreadyExists
    );
    ok(disk.unlink(&path));
    assert_eq!(refused(disk.unlink(&path)), ErrorKind::NotFound);
    made(disk, &path, b"2");
}

/// One name or the other, and the same file.
pub fn a_rename_replaces_and_keeps_the_file(disk: &dyn Disk, dir: &Path) {
    let (a, b) = (dir.join("a"), dir.join("b"));
    let date = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    ok(made(disk, &a, b"a").date(date));
    made(disk, &b, b"b");
    let inode = ok(disk.stat(&a)).inode;
    ok(disk.rename(&a, &b));
    let stat = ok(disk.stat(&b));
    assert_eq!(
        (stat.inode, stat.len, stat.modified, stat.kind),
        (inode, 1, date, FileKind::File)
    );
    assert_eq!(refused(disk.stat(&a)), ErrorKind::NotFound);
    assert_eq!(refused(disk.rename(&a, &b)), ErrorKind::NotFound);
    assert_eq!(ok(read(disk, &b, 10)), b"a");
}

/// A copy of a message costs a name.
pub fn a_link_is_one_file_with_two_names(disk: &dyn Disk, dir: &Path) {
    let (a, b) = (dir.join("a"), dir.join("b"));
    made(disk, &a, b"same");
    ok(disk.link(&a, &b));
    assert_eq!(refused(disk.link(&a, &b)), ErrorKind::AlreadyExists);
    assert_eq!(ok(disk.stat(&a)).inode, ok(disk.stat(&b)).inode);
    assert_eq!(ok(disk.look(&a)).links, 2);
    made(disk, &dir.join("c"), b"other");
    ok(disk.rename(&dir.join("c"), &a));
    assert_eq!(ok(disk.look(&b)).links, 1, "another file has that name");
    ok(disk.link(&b, &dir.join("c")));
    ok(disk.unlink(&dir.join("c")));
    assert_eq!(ok(disk.look(&b)).links, 1);
    ok(disk.unlink(&a));
    assert_eq!(ok(read(disk, &b, 10)), b"same");
}

/// Of files, directories, and what is not there.
pub fn a_look_tells_what_there_is(disk: &dyn Disk, dir: &Path) {
    let path = dir.join("file");
    made(disk, &path, b"hello");
    assert_eq!(ok(disk.look(&path)), ok(disk.stat(&path)));
    assert_eq!(ok(disk.look(dir)), ok(disk.stat(dir)));
    assert_eq!(refused(disk.look(&dir.join("none"))), ErrorKind::NotFound);
    ok(disk.network(dir));
}

/// A reader is not cut off by an EXPUNGE.
pub fn an_open_file_outlives_its_name(disk: &dyn Disk, dir: &Path) {
    let path = dir.join("file");
    made(disk, &path, b"still here");
    let file = ok(disk.open(&path, Open::Read));
    ok(disk.unlink(&path));
    let mut out = [0; 10];
    assert_eq!(ok(file.read_at(&mut out, 0)), 10);
    assert_eq!(&out, b"still here");
    assert!(file.write_at(b"x", 0).is_err(), "opened for reading alone");
}

/// A missing parent is an error; one that is not empty stays.
pub fn directories_are_made_one_by_one_and_removed_empty(disk: &dyn Disk, dir: &Path) {
    let (a, b) = (dir.join("a"), dir.join("a/b"));
    assert_eq!(refused(disk.mkdir(&b)), ErrorKind::NotFound);
    ok(disk.mkdir(&a));
    ok(disk.mkdir(&b));
    assert_eq!(refused(disk.mkdir(&b)), ErrorKind::AlreadyExists);
    assert_eq!(refused(disk.rmdir(&a)), ErrorKind::DirectoryNotEmpty);
    made(disk, &a.join("file"), b"");
    assert_eq!(
        names(disk, &a),
        [("b".into(), FileKind::Dir), ("file".into(), FileKind::File)]
    );
    ok(disk.rename(&a, &dir.join("c")));
    assert_eq!(names(disk, dir), [("c".into(), FileKind::Dir)]);
    ok(disk.rmdir(&dir.join("c/b")));
    assert!(disk.unlink(&dir.join("c")).is_err(), "not a file");
    ok(disk.sync_dir(&dir.join("c")));
}

/// Foreign changes are noticed by this.
pub fn a_change_of_names_shows_in_the_directorys_time(disk: &dyn Disk, dir: &Path) {
    made(disk, &dir.join("a"), b"");
    let before = ok(disk.stat(dir));
    assert_eq!(before.kind, FileKind::Dir);
    // A real file system may keep time by ticks of some milliseconds: go on until one has passed.
    for n in 0.. {
        ok(disk.rename(&dir.join("a"), &dir.join("b")));
        ok(disk.rename(&dir.join("b"), &dir.join("a")));
        if ok(disk.stat(dir)).modified > before.modified {
            break;
        }
        assert!(n < 10_000_000, "time stands still");
    }
}

/// A lock is had by one at a time, and again once it was given back.
pub fn a_lock_is_had_by_one_at_a_time(disk: &dyn Disk, dir: &Path) {
    let path = dir.join("lock");
    for _ in 0..2 {
        let held = ok(disk.lock(&path));
        assert_eq!(refused(disk.lock(&path)), ErrorKind::WouldBlock);
        drop(held);
    }
}

/// Also where a crash has left something under the name aside.
pub fn a_replaced_file_is_the_new_one(disk: &dyn Disk, dir: &Path) {
    let (path, aside) = (dir.join("list"), dir.join("list.tmp"));
    made(disk, &aside, b"rubbish of a crash");
    ok(replace(disk, &path, &aside, b"one"));
    ok(replace(disk, &path, &aside, b"two"));
    assert_eq!(ok(read(disk, &path, 10)), b"two");
    assert_eq!(names(disk, dir), [("list".into(), FileKind::File)]);
}
