//! A map that remembers the order in which its keys came.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Keys to values in the order of their first insertion; found by key in logarithmic time, since a
/// stranger may send tens of thousands of them.
#[derive(Clone, Debug)]
pub(crate) struct Ordered<V> {
    entries: Vec<(Arc<str>, V)>,
    index: BTreeMap<Arc<str>, usize>,
}

impl<V> Default for Ordered<V> {
    fn default() -> Ordered<V> {
        Ordered {
            entries: Vec::new(),
            index: BTreeMap::new(),
        }
    }
}

impl<V> Ordered<V> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.index.get(key).map(|&at| &self.entries[at].1)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.index.get(key).map(|&at| &mut self.entries[at].1)
    }

    /// Sets a key; one that was there keeps its place.
    pub(crate) fn insert(&mut self, key: &Arc<str>, value: V) -> Option<V> {
        if let Some(&at) = self.index.get(key) {
            return Some(std::mem::replace(&mut self.entries[at].1, value));
        }
        self.index.insert(Arc::clone(key), self.entries.len());
        self.entries.push((Arc::clone(key), value));
        None
    }

    pub(crate) fn get_or_insert_with(
        &mut self,
        key: &Arc<str>,
        make: impl FnOnce() -> V,
    ) -> &mut V {
        let at = if let Some(&at) = self.index.get(key) {
            at
        } else {
            self.index.insert(Arc::clone(key), self.entries.len());
            self.entries.push((Arc::clone(key), make()));
            self.entries.len() - 1
        };
        &mut self.entries[at].1
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<V> {
        let at = self.index.remove(key)?;
        let (_, value) = self.entries.remove(at);
        for later in self.index.values_mut().filter(|later| **later > at) {
            *later -= 1;
        }
        Some(value)
    }

    /// Gives a key another name at the same place; `false` if there is no such key or the new name
    /// is taken.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> bool {
        if self.index.contains_key(to) {
            return false;
        }
        let Some(at) = self.index.remove(from) else {
            return false;
        };
        let key: Arc<str> = Arc::from(to);
        self.index.insert(Arc::clone(&key), at);
        self.entries[at].0 = key;
        true
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&Arc<str>, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&Arc<str>, &mut V)> {
        self.entries.iter_mut().map(|(key, value)| (&*key, value))
    }

    pub(crate) fn into_entries(self) -> Vec<(Arc<str>, V)> {
        self.entries
    }
}
