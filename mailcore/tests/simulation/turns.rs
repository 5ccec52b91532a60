//! A runtime in which disk work and everything else take turns, in stopped time: the thread that does disk work runs only
//! while the other one has nothing to do, and the other one goes on when all disk work is done, or about to sync: who was
//! told something too early acts on it then. So no race decides what happens, and power can be lost between the two.

use std::cell::RefCell;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};

/// Whose turn it is: nobody's, or somebody's.
#[derive(Debug, Default)]
struct Turn {
    taken: Mutex<bool>,
    given: Condvar,
}

impl Turn {
    fn take(&self) {
        let taken = self.taken.lock().unwrap();
        *self.given.wait_while(taken, |taken| *taken).unwrap() = true;
    }

    fn give(&self) {
        *self.taken.lock().unwrap() = false;
        self.given.notify_all();
    }
}

thread_local! {
    /// The turn that the disk work on this thread has.
    static HERE: RefCell<Option<Arc<Turn>>> = const { RefCell::new(None) };
}

/// Lets everything else go on, where this is disk work, until that has nothing to do.
pub fn pause() {
    let Some(turn) = HERE.with_borrow(Clone::clone) else {
        return;
    };
    let (done, seen) = mpsc::channel();
    turn.give();
    Handle::current().spawn(async move { done.send(()) });
    // Nobody is there any more where the runtime comes to its end.
    let _ = seen.recv();
    turn.take();
}

/// Runs `life` to its end. `worked` is called whenever some disk work has been done.
pub fn run<T>(worked: impl Fn() + Send + Sync + 'static, life: impl Future<Output = T>) -> T {
    let turn = Arc::new(Turn::default());
    let runtime = runtime(&turn, worked);
    turn.take();
    let out = runtime.block_on(life);
    // Disk work that is left over comes to its end, on a disk that is dead.
    turn.give();
    drop(runtime);
    out
}

fn runtime(turn: &Arc<Turn>, worked: impl Fn() + Send + Sync + 'static) -> Runtime {
    let of = |act: fn(&Turn)| {
        let turn = Arc::clone(turn);
        move || act(&turn)
    };
    let stop = of(Turn::give);
    let begin = Arc::clone(turn);
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .max_blocking_threads(1)
        // A thread for each run of disk work: its start and end are what can be seen of it.
        .thread_keep_alive(Duration::ZERO)
        .on_thread_park(of(Turn::give))
        .on_thread_unpark(of(Turn::take))
        .on_thread_start(move || {
            begin.take();
            HERE.set(Some(Arc::clone(&begin)));
        })
        .on_thread_stop(move || {
            worked();
            stop();
        })
        .build()
        .unwrap()
}
