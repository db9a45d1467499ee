//! Where checkers object.

use crate::engine::Moment;
use crate::watch::Violation;

/// Takes objections.
#[derive(Debug)]
pub struct Report<'a> {
    now: Moment,
    found: &'a mut Vec<Violation>,
}

impl<'a> Report<'a> {
    /// Objections of this moment go there.
    pub fn new(now: Moment, found: &'a mut Vec<Violation>) -> Report<'a> {
        Report { now, found }
    }

    /// A rule was broken.
    pub fn object(&mut self, checker: &'static str, what: String) {
        self.found.push(Violation {
            checker,
            at: self.now,
            what,
        });
    }
}
