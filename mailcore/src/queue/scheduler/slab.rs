//! Things with keys that stay the same while the things live. Never checks whether a key is of today: a key is dropped
//! with its thing.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// Names one thing in a [`Slab`].
pub(super) struct Key<T>(u32, PhantomData<fn() -> T>);

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Key<T> {}
impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Key<T> {}
impl<T> PartialOrd for Key<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Key<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> Hash for Key<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Things in places that are used again.
#[derive(Debug)]
pub(super) struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    pub(super) fn insert(&mut self, thing: T) -> Key<T> {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            // More than fit into memory.
            u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
        });
        self.places[place as usize] = Some(thing);
        Key(place, PhantomData)
    }

    pub(super) fn remove(&mut self, key: Key<T>) -> Option<T> {
        let thing = self.places.get_mut(key.0 as usize)?.take()?;
        self.free.push(key.0);
        if self.free.len() == self.places.len() {
            // A flood that is over leaves no memory behind.
            *self = Self::default();
        }
        Some(thing)
    }

    pub(super) fn contains(&self, key: Key<T>) -> bool {
        self.places.get(key.0 as usize).is_some_and(Option::is_some)
    }

    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten()
    }

    pub(super) fn keys(&self) -> Vec<Key<T>> {
        let places = (0u32..).zip(&self.places);
        let used = places.filter(|(_, thing)| thing.is_some());
        used.map(|(place, _)| Key(place, PhantomData)).collect()
    }
}

impl<T> Index<Key<T>> for Slab<T> {
    type Output = T;

    fn index(&self, key: Key<T>) -> &T {
        self.places[key.0 as usize]
            .as_ref()
            .expect("a key is dropped with its thing")
    }
}

impl<T> IndexMut<Key<T>> for Slab<T> {
    fn index_mut(&mut self, key: Key<T>) -> &mut T {
        self.places[key.0 as usize]
            .as_mut()
            .expect("a key is dropped with its thing")
    }
}
