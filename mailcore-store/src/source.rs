//! A text file that is kept in memory, and read again when it changes. What stands in it is its parser's.
//!
//! Whether it has changed is looked at on use, at most once in a while, on a thread for blocking work where
//! there is a tokio runtime; who comes meanwhile is served from what is held. A file that cannot be read, has
//! grown beyond its limit or changes while it is read leaves what is held as it was.

use crate::{Error, Kind, Result, disk};
use std::fmt;
use std::fs::{File, Metadata};
use std::hash::{DefaultHasher, Hasher as _};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::{Duration, Instant, SystemTime};

/// Something wrong in a file: that line is skipped. Says what, never quotes secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1; none where the file as a whole is meant.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.file.display(), self.what),
            None => write!(f, "{}: {}", self.file.display(), self.what),
        }
    }
}

/// Who is told of faults, whenever a file is read. Called off the event loop, where there is one.
pub type Report = Arc<dyn Fn(&Fault) + Send + Sync>;

/// What a parser tells of a line: its number from 1, and what is wrong with it.
pub(crate) type Faults<'f> = &'f mut dyn FnMut(usize, String);

type Parse<T> = Box<dyn Fn(&[u8], Faults<'_>) -> T + Send + Sync>;

/// How a file is kept.
#[derive(Clone)]
pub(crate) struct Keeping {
    /// The longest file that is read, in octets.
    pub(crate) limit: u64,
    /// How long a look at the file is good for.
    pub(crate) every: Duration,
    /// Who is told.
    pub(crate) report: Report,
}

/// A file and what was made of it.
pub(crate) struct Source<T> {
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    path: PathBuf,
    keeping: Keeping,
    parse: Parse<T>,
    held: RwLock<Arc<T>>,
    watch: Mutex<Watch>,
    /// Held during a look.
    turn: Mutex<()>,
}

struct Watch {
    stamp: Option<Stamp>,
    /// A hash of what was read, so that a file that was only touched is not parsed and reported again.
    print: u64,
    looked: Instant,
    /// How many looks have begun.
    looks: u64,
    /// What was last reported of the file as a whole, so that it is said once.
    said: Option<String>,
}

/// Tells one state of a file from another.
#[derive(PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl<T: Send + Sync + 'static> Source<T> {
    /// Opens the file and reads it.
    pub(crate) fn open(
        path: &Path,
        keeping: Keeping,
        parse: impl Fn(&[u8], Faults<'_>) -> T + Send + Sync + 'static,
    ) -> Result<Self> {
        let (octets, stamp) = read(path, keeping.limit)?;
        let held = parse(&octets, &mut faults(path, &keeping.report));
        let watch = Watch {
            stamp,
            print: print(&octets),
            looked: Instant::now(),
            looks: 0,
            said: None,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                keeping,
                parse: Box::new(parse),
                held: RwLock::new(Arc::new(held)),
                watch: Mutex::new(watch),
                turn: Mutex::default(),
            }),
        })
    }

    /// What is held, after a look at the file if one is due. Where every call is to see the file as it is (`every` is
    /// zero), whoever comes during a look waits for the next one, which those who wait share.
    pub(crate) async fn current(&self) -> Arc<T> {
        if let Some(come) = self.inner.due()
            && !self.inner.is_same_now()
        {
            let inner = Arc::clone(&self.inner);
            let look = move || inner.look_since(come, inner.keeping.every.is_zero());
            match tokio::runtime::Handle::try_current() {
                // Goes on to its end even if whoever asked goes away.
                Ok(runtime) => drop(runtime.spawn_blocking(look).await),
                Err(_) => look(),
            }
        }
        self.held()
    }

    /// As [`current`](Self::current), for who cannot wait: a look costs one `stat`, and reading where the file
    /// has changed.
    pub(crate) fn current_now(&self) -> Arc<T> {
        if let Some(come) = self.inner.due() {
            self.inner.look_since(come, false);
        }
        self.held()
    }

    /// What is held, as it is.
    pub(crate) fn held(&self) -> Arc<T> {
        let held = self.inner.held.read();
        Arc::clone(&held.unwrap_or_else(PoisonError::into_inner))
    }

    /// Which file it is.
    pub(crate) fn path(&self) -> &Path {
        &self.inner.path
    }
}

impl<T> Inner<T> {
    /// How many looks there have been, where one more is due.
    fn due(&self) -> Option<u64> {
        let watch = self.watch();
        (watch.looked.elapsed() >= self.keeping.every).then_some(watch.looks)
    }

    /// Whether a look would find nothing new, where that can be said at once: waking a thread for it costs more than the look.
    fn is_same_now(&self) -> bool {
        let Ok(now) = disk::metadata_now(&self.path) else {
            return false;
        };
        let mut watch = self.watch();
        let same = watch.said.is_none() && watch.stamp == Some(Stamp::of(&now));
        if same {
            watch.looked = Instant::now();
        }
        same
    }

    /// Looks, unless a look has begun since there were `come`. One that is under way is waited for or taken for enough.
    fn look_since(&self, come: u64, wait: bool) {
        let _turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::WouldBlock) if !wait => return,
            Err(_) => self.turn.lock().unwrap_or_else(PoisonError::into_inner),
        };
        if self.watch().looks == come {
            self.watch().looks += 1;
            self.look();
        }
    }

    fn look(&self) {
        let news = self.news();
        if let Ok(News::Changed(octets, ..)) = &news {
            let new = (self.parse)(octets, &mut faults(&self.path, &self.keeping.report));
            *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        }
        let mut watch = self.watch();
        let said = match news {
            Ok(News::None) => None,
            Ok(News::Changed(octets, stamp)) => {
                watch.print = print(&octets);
                watch.stamp = stamp;
                None
            }
            Ok(News::Touched(stamp)) => {
                watch.stamp = stamp;
                None
            }
            Err(error) => Some(whole(&error)),
        };
        watch.looked = Instant::now();
        let changed = said != watch.said;
        watch.said.clone_from(&said);
        drop(watch);
        if let (true, Some(what)) = (changed, said) {
            self.keeping.report.as_ref()(&Fault {
                file: self.path.clone(),
                line: None,
                what: format!("{what}; what was read before stays in force"),
            });
        }
    }

    fn news(&self) -> Result<News> {
        let now = std::fs::metadata(&self.path).map_err(|e| Error::io("cannot be read", e))?;
        if self.watch().stamp == Some(Stamp::of(&now)) {
            return Ok(News::None);
        }
        let (octets, stamp) = read(&self.path, self.keeping.limit)?;
        // Editors and `cp` empty a file before they fill it: that is no news yet. Whoever wants no entries leaves a
        // comment.
        if octets.is_empty() && self.watch().print != print(&[]) {
            return Err(Error::new(Kind::Unavailable, "is empty"));
        }
        Ok(if print(&octets) == self.watch().print {
            News::Touched(stamp)
        } else {
            News::Changed(octets, stamp)
        })
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a look at the file shows.
enum News {
    /// It is as it was.
    None,
    /// It says what it said.
    Touched(Option<Stamp>),
    /// It says something else.
    Changed(Vec<u8>, Option<Stamp>),
}

fn print(octets: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(octets);
    hasher.finish()
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    /// File systems count time in ticks of up to two seconds: within one, a second change may not show.
    fn is_settled(&self, now: SystemTime) -> bool {
        let now = now.duration_since(SystemTime::UNIX_EPOCH);
        let now = now.ok().and_then(|now| i64::try_from(now.as_secs()).ok());
        let last = self.modified.0.max(self.changed.0);
        now.is_some_and(|now| now.saturating_sub(last) > 2)
    }
}

/// A file's octets and its stamp; no stamp where it is so young that it could change and look the same.
fn read(path: &Path, limit: u64) -> Result<(Vec<u8>, Option<Stamp>)> {
    let failed = |error| Error::io("cannot be read", error);
    // Opening a pipe could wait for ever.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Error::new(Kind::Unsupported, "is no regular file"));
    }
    let file = File::open(path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    let mut octets = Vec::new();
    (&file)
        .take(limit.saturating_add(1))
        .read_to_end(&mut octets)
        .map_err(failed)?;
    if u64::try_from(octets.len()).is_ok_and(|len| len > limit) {
        let what = format!("is longer than {limit} octets");
        return Err(Error::new(Kind::Limit, what));
    }
    let stamp = Stamp::of(&before);
    if stamp != Stamp::of(&file.metadata().map_err(failed)?) {
        return Err(Error::new(Kind::Busy, "is being written"));
    }
    let settled = stamp.is_settled(SystemTime::now());
    Ok((octets, settled.then_some(stamp)))
}

fn faults(path: &Path, report: &Report) -> impl FnMut(usize, String) {
    move |line, what| {
        report.as_ref()(&Fault {
            file: path.to_owned(),
            line: Some(line),
            what,
        });
    }
}

fn whole(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{}: {cause}", error.context()),
        None => error.context().to_owned(),
    }
}

impl<T> fmt::Debug for Source<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.inner.path).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::task::{Context, Waker};

    #[test]
    fn a_file_that_has_just_changed_is_looked_at_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, "text").expect("the file is written");
        let (octets, stamp) = read(&path, 4).expect("the file is read");
        assert_eq!(octets, b"text");
        assert!(stamp.is_none(), "it may change yet and look the same");
        // A time that was set says nothing of when it was set.
        let file = File::options().write(true).open(&path);
        let file = file.expect("the file opens");
        let set = file.set_modified(SystemTime::UNIX_EPOCH);
        set.expect("the time is set");
        let (_, stamp) = read(&path, 4).expect("the file is read");
        assert!(stamp.is_none());
        let stamp = Stamp::of(&file.metadata().expect("metadata"));
        assert!(stamp.is_settled(SystemTime::now() + Duration::from_secs(10)));
        assert!(!stamp.is_settled(SystemTime::now()));
        assert!(!stamp.is_settled(SystemTime::UNIX_EPOCH));
    }

    #[tokio::test]
    async fn a_file_that_is_as_it_was_keeps_nobody_waiting() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let keeping = Keeping {
            limit: 1 << 20,
            every: Duration::ZERO,
            report: Arc::new(|_| {}),
        };
        let source = Source::open(&path, keeping, |octets, _| octets.len()).expect("it is read");
        if disk::metadata_now(&path).is_err() || source.inner.watch().stamp.is_none() {
            return; // nobody can tell here
        }
        let once = std::pin::pin!(source.current()).poll(&mut Context::from_waker(Waker::noop()));
        assert!(once.is_ready(), "no other thread was asked");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_wants_the_file_as_it_is_does_not_get_it_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, "1").expect("the file is written");
        let keeping = Keeping {
            limit: 10,
            every: Duration::ZERO,
            report: Arc::new(|_| {}),
        };
        let (begun, begins) = std::sync::mpsc::channel();
        let (go_on, released) = std::sync::mpsc::channel::<()>();
        let released = Mutex::new(released);
        let source = Source::open(&path, keeping, move |octets, _| {
            if octets == b"2" {
                begun.send(()).expect("somebody waits");
                let _ = released.lock().expect("not poisoned").recv();
            }
            octets.to_vec()
        });
        let source = Arc::new(source.expect("the file is read"));
        let ask = || {
            let source = Arc::clone(&source);
            tokio::spawn(async move { source.current().await })
        };
        std::fs::write(&path, "2").expect("the file is written");
        let first = ask();
        begins.recv().expect("a look begins");
        std::fs::write(&path, "3").expect("the file is written");
        // Each is polled once, so that it has come before the look goes on; none is answered while it does not.
        let mut others = [(); 3].map(|()| Box::pin(source.current()));
        for other in &mut others {
            let once = other.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(once.is_pending(), "the look that is under way is too old");
        }
        drop(go_on);
        assert_ne!(*first.await.expect("an answer"), b"1");
        for other in others {
            assert_eq!(*other.await, b"3");
        }
    }
}
