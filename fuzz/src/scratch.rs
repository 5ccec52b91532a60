//! A file that holds the input, for readers that take a path. One for each thread, in memory where the system has such
//! a place.

use std::cell::RefCell;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tempfile::NamedTempFile;

thread_local! {
    static FILE: RefCell<NamedTempFile> = RefCell::new({
        let memory = Path::new("/dev/shm");
        let made = match memory.is_dir() {
            true => NamedTempFile::new_in(memory),
            false => NamedTempFile::new(),
        };
        made.expect("a file to write to")
    });
}

/// Lets `reader` open a file that holds these octets.
pub(crate) fn holding<T>(octets: &[u8], reader: impl FnOnce(&Path) -> T) -> T {
    FILE.with_borrow(|file| {
        std::fs::write(file.path(), octets).expect("room for a small file");
        reader(file.path())
    })
}

/// The outcome of work that waits for nothing.
pub(crate) fn at_once<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("it waits"),
    }
}
