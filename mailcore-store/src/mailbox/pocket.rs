//! What somebody has made of a mailbox's messages, where all handles on the mailbox find it.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A place beside a mailbox that all its handles in this process share. The store does not look into it, and drops it
/// with what it holds of the mailbox in memory: what lies there has to be small beside that, and can be gone at any time.
#[derive(Default)]
pub struct Pocket(OnceLock<Arc<dyn Any + Send + Sync>>);

impl Pocket {
    /// What of this type lies there; the first who asks puts an empty one there. None where what lies there is of
    /// another type: a pocket has one owner.
    pub fn of<T: Any + Default + Send + Sync>(&self) -> Option<Arc<T>> {
        let there = self.0.get_or_init(|| Arc::new(T::default()));
        Arc::clone(there).downcast().ok()
    }
}

impl fmt::Debug for Pocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pocket").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn whoever_asks_for_the_same_finds_the_same() {
        let pocket = Pocket::default();
        let one = pocket.of::<Mutex<u8>>().unwrap();
        *one.lock().unwrap() = 7;
        assert_eq!(*pocket.of::<Mutex<u8>>().unwrap().lock().unwrap(), 7);
        assert!(pocket.of::<String>().is_none());
    }
}
