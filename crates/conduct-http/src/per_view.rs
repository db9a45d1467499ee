//! Things that are made from a view once, however many ask for them.

use std::sync::{Arc, Mutex, PoisonError};

use conduct_node::view::View;

/// What was made of the newest view.
#[derive(Debug)]
pub(crate) struct PerView<T> {
    kept: Mutex<Option<(Arc<View>, Arc<T>)>>,
}

impl<T> Default for PerView<T> {
    fn default() -> PerView<T> {
        PerView {
            kept: Mutex::new(None),
        }
    }
}

impl<T> PerView<T> {
    /// What is made of `view`: now, or the last time that anybody asked. While one makes it, the
    /// others wait for it, which takes less than making it as well.
    pub(crate) fn get(&self, view: &Arc<View>, make: impl FnOnce(&View) -> T) -> Arc<T> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((of, made)) if Arc::ptr_eq(of, view) => Arc::clone(made),
            _ => {
                let made = Arc::new(make(view));
                *kept = Some((Arc::clone(view), Arc::clone(&made)));
                made
            }
        }
    }
}
