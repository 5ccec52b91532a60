//! A table in memory that can be changed; nothing outlives it.

use super::{EditTable, Shape, Table};
use crate::Result;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

/// A table in memory. Keys are compared as they are. Clones share the entries.
#[derive(Debug, Clone, Default)]
pub struct MemoryTable {
    entries: Arc<RwLock<BTreeMap<String, String>>>,
}

impl MemoryTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for MemoryTable {
    /// The last of several values of a key stands.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter().map(|(k, v)| (k.into(), v.into()));
        Self {
            entries: Arc::new(RwLock::new(pairs.collect())),
        }
    }
}

#[async_trait]
impl Table for MemoryTable {
    async fn get(&self, key: &str) -> Result<Option<String>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        Ok(entries.get(key).cloned())
    }

    fn shape(&self) -> Shape {
        Shape::Exact
    }
}

#[async_trait]
impl EditTable for MemoryTable {
    async fn put(&self, key: &str, value: &str) -> Result<()> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        Ok(entries.remove(key).is_some())
    }

    async fn page(&self, after: Option<&str>, limit: usize) -> Result<Vec<(String, String)>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(entries
            .range::<str, _>((behind, Bound::Unbounded))
            .take(limit)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }
}
