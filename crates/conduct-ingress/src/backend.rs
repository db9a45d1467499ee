//! The instances behind a route, each in its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::upstream::Upstream;

/// The active instances of an endpoint.
#[derive(Debug)]
pub(crate) struct Backend {
    owner: String,
    upstreams: Vec<Arc<Upstream>>,
    turn: AtomicUsize,
}

impl Backend {
    pub(crate) fn new(owner: String, upstreams: Vec<Arc<Upstream>>) -> Backend {
        Backend {
            owner,
            upstreams,
            turn: AtomicUsize::new(0),
        }
    }

    /// Whose it is, for people.
    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }

    /// The next in turn: not the one that has just failed, and none that failed a moment ago, as
    /// long as there is another.
    pub(crate) fn choose(&self, failed: Option<&Arc<Upstream>>) -> Option<Arc<Upstream>> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.upstreams.len();
        let in_turn = (0..count).map(|step| &self.upstreams[(first.wrapping_add(step)) % count]);
        let is_other =
            |upstream: &&Arc<Upstream>| failed.is_none_or(|failed| !Arc::ptr_eq(failed, upstream));
        let others = in_turn.clone().filter(is_other);
        let healthy = others.clone().find(|upstream| !upstream.is_suspect());
        let chosen = healthy.or_else(|| others.clone().next());
        chosen.or_else(|| in_turn.clone().next()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use conduct_proxy::Server;

    use super::*;

    fn backend(count: u16) -> Backend {
        let upstream = |port| Arc::new(Upstream::new(Server(([127, 0, 0, 1], port).into())));
        Backend::new(
            "web of shop".to_owned(),
            (1..=count).map(upstream).collect(),
        )
    }

    #[test]
    fn each_gets_as_many_as_any_other() {
        let backend = backend(3);
        let mut counts = BTreeMap::new();
        for _ in 0..30 {
            let chosen = backend.choose(None).unwrap();
            *counts.entry(chosen.server()).or_insert(0) += 1;
        }
        assert_eq!(counts.into_values().collect::<Vec<_>>(), [10, 10, 10]);
    }

    #[test]
    fn who_failed_is_chosen_only_if_there_is_nobody_else() {
        let two = backend(2);
        let failed = two.choose(None).unwrap();
        for _ in 0..4 {
            let chosen = two.choose(Some(&failed)).unwrap();
            assert!(!Arc::ptr_eq(&chosen, &failed));
        }
        failed.suspect();
        for _ in 0..4 {
            assert!(!Arc::ptr_eq(&two.choose(None).unwrap(), &failed));
        }
        let alone = backend(1);
        let failed = alone.choose(None).unwrap();
        failed.suspect();
        assert!(Arc::ptr_eq(&alone.choose(Some(&failed)).unwrap(), &failed));
        assert!(backend(0).choose(None).is_none());
    }
}
