//! What the plan, or the machinery around it, does at a moment.

/// Something to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// A daemon has asked its shims.
    Adopt {
        /// Where.
        host: u32,
        /// Which daemon.
        life: u32,
    },
    /// A daemon is started, if none runs.
    Start {
        /// Where.
        host: u32,
    },
    /// A fault of the plan begins, or waits for its phase.
    Begin {
        /// Its place in the plan.
        fault: u32,
    },
    /// A fault of the plan ends.
    End {
        /// Its place in the plan.
        fault: u32,
    },
    /// A flapping link changes.
    Flap {
        /// Its place in the plan.
        fault: u32,
        /// Whether it is cut next.
        cut: bool,
    },
    /// A client of the plan asks for something.
    Ask {
        /// Its place in the plan.
        operation: u32,
    },
    /// The attacker makes something up.
    Forge,
    /// Stores read what they hold.
    Scrub,
}
