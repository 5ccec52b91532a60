//! The tables that come with the crate keep the promises of tables.
#![cfg(all(feature = "conform", feature = "files"))]

use mailcore_store::conform::table as conform;
use mailcore_store::table::{Inline, MemoryTable, Static, Table, TextHash, TextHashOptions};
use mailcore_store::{Fault, Kind};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Told = Arc<Mutex<Vec<String>>>;

/// Options that look at the file each time, and what is then told.
fn options() -> (TextHashOptions, Told) {
    let told = Told::default();
    let teller = Arc::clone(&told);
    let mut options = TextHashOptions::default();
    options.every = Duration::ZERO;
    options.report = Arc::new(move |fault: &Fault| {
        teller.lock().expect("the list").push(fault.to_string());
    });
    (options, told)
}

fn told(told: &Told) -> Vec<String> {
    std::mem::take(&mut told.lock().expect("the list"))
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("the file is written");
}

async fn get(table: &dyn Table, key: &str) -> Option<String> {
    table.get(key).await.expect("the table answers")
}

const HELD: &[(&str, &str)] = &[("alice", "OK"), ("bob@example.test", "REJECT go away")];

#[tokio::test]
async fn tables_in_memory_find_what_they_hold() {
    let memory: MemoryTable = HELD.iter().copied().collect();
    let inline: Inline = HELD.iter().copied().collect();
    for table in [&memory as &dyn Table, &inline] {
        conform::finds_what_it_holds_and_nothing_else(table, HELD, &["", "ali", "alicex"]).await;
        conform::strange_keys_are_no_trouble(table).await;
    }
}

#[tokio::test]
async fn a_static_table_finds_everything() {
    let all = [("", "v"), ("x", "v"), ("a@b", "v")];
    conform::finds_what_it_holds_and_nothing_else(&Static::new("v"), &all, &[]).await;
}

#[tokio::test]
async fn a_table_in_memory_is_changed_and_paged() {
    conform::changes_are_seen_at_once(&MemoryTable::new()).await;
    conform::pages_give_every_entry_once_in_order(&MemoryTable::new()).await;
}

#[tokio::test]
async fn a_text_table_finds_what_it_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access");
    write(&path, "Alice OK\nbob@example.test REJECT\n  go away\n");
    let table = TextHash::open(&path, options().0).expect("the table opens");
    let held = [("ALICE", "OK"), ("bob@example.test", "REJECT  go away")];
    conform::finds_what_it_holds_and_nothing_else(&table, &held, &["", "go"]).await;
    conform::strange_keys_are_no_trouble(&table).await;
}

#[tokio::test]
async fn a_text_table_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access");
    write(&path, "a 1\nbad\n");
    let (options, faults) = options();
    let table = TextHash::open(&path, options).expect("the table opens");
    let first = told(&faults);
    assert_eq!(first.len(), 1, "{first:?}");
    let place = format!("{}, line 2: ", path.display());
    assert!(first[0].starts_with(&place), "{first:?}");
    assert_eq!(get(&table, "a").await.as_deref(), Some("1"));
    assert_eq!(told(&faults), [""; 0], "nothing new to tell");
    // Of the same length, at once, in place.
    write(&path, "a 2\nbad\n");
    assert_eq!(get(&table, "a").await.as_deref(), Some("2"));
    // And by another file in its place.
    let other = folder.path().join("other");
    write(&other, "a 3\n");
    std::fs::rename(&other, &path).expect("rename");
    assert_eq!(get(&table, "a").await.as_deref(), Some("3"));
}

#[tokio::test]
async fn what_cannot_be_read_leaves_the_old_in_force_and_is_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access");
    write(&path, "a 1\n");
    let (mut options, faults) = options();
    options.limit = 10;
    let table = TextHash::open(&path, options).expect("the table opens");
    std::fs::remove_file(&path).expect("removed");
    for _ in 0..3 {
        assert_eq!(get(&table, "a").await.as_deref(), Some("1"));
    }
    let gone = told(&faults);
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert!(gone[0].contains("stays in force"), "{gone:?}");
    write(&path, "a 2\nb 345\n");
    assert_eq!(get(&table, "a").await.as_deref(), Some("2"), "ten octets");
    write(&path, "a 3\nb 3456\n");
    assert_eq!(get(&table, "a").await.as_deref(), Some("2"), "eleven");
    assert_eq!(told(&faults).len(), 1);
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("a folder");
    assert_eq!(get(&table, "a").await.as_deref(), Some("2"));
}

#[test]
fn a_text_table_works_without_a_runtime() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access");
    write(&path, "a 1\n");
    let table = TextHash::open(&path, options().0).expect("the table opens");
    write(&path, "a 2\n");
    let mut asked = table.get("a");
    let waker = std::task::Waker::noop();
    let polled = asked
        .as_mut()
        .poll(&mut std::task::Context::from_waker(waker));
    let std::task::Poll::Ready(found) = polled else {
        panic!("it waits for nobody");
    };
    assert_eq!(found.expect("the table answers").as_deref(), Some("2"));
}

#[test]
fn a_table_that_is_not_there_does_not_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = TextHash::open(&folder.path().join("none"), options().0);
    assert_eq!(missing.map_err(|e| e.kind()).err(), Some(Kind::NotFound));
    let a_folder = TextHash::open(folder.path(), options().0);
    assert_eq!(
        a_folder.map_err(|e| e.kind()).err(),
        Some(Kind::Unsupported)
    );
}
