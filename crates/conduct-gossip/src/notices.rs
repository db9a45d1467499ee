//! Says the same thing to people only once in a while.

use conduct_model::{Span, Time};

use crate::effect::Notice;

const REMEMBERED_MAX: usize = 32;
const AGAIN_AFTER: Span = Span::secs(10);

/// What was said lately.
#[derive(Debug, Default)]
pub(crate) struct Notices(Vec<(Time, Notice)>);

impl Notices {
    /// Whether this was not said lately.
    pub(crate) fn is_new(&mut self, now: Time, notice: Notice) -> bool {
        self.0.retain(|(said, _)| now.since(*said) < AGAIN_AFTER);
        let known = self.0.iter().any(|(_, other)| *other == notice);
        if known || self.0.len() == REMEMBERED_MAX {
            return false;
        }
        self.0.push((now, notice));
        true
    }
}
