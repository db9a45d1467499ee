//! S18: nothing grows without bound: state, digests and what waits to be sent are limited by what
//! there is.

use super::{Opinions, Report};
use crate::watch::{Look, peek};

const NAME: &str = "s18_bounded_memory";

/// What a node of an empty cluster may keep.
const EMPTY_BYTES: usize = 64 << 10;
/// What each machine, each loaded bundle and each instance may add.
const MEMBER_BYTES: usize = 8 << 10;
const BUNDLE_BYTES: usize = 4 << 10;
const EXECUTION_BYTES: usize = 2 << 10;
/// What a digest has at most, and what each life of each machine may add.
const DIGEST_BYTES: usize = 1 << 10;
const DIGEST_BYTES_PER_WRITER: usize = 24;

/// Takes turns among the nodes.
#[derive(Debug, Default)]
pub(crate) struct BoundedMemory {
    turn: usize,
}

impl BoundedMemory {
    pub(crate) fn look(&mut self, look: &Look<'_>, opinions: &Opinions, report: &mut Report<'_>) {
        self.turn = (self.turn + 1) % look.machines.len();
        let host = self.turn;
        if let Some(wrong) = look
            .awake(host)
            .and_then(|_| excess(look, opinions, host, 8))
        {
            report.object(NAME, wrong);
        }
    }
}

/// What a node keeps beyond `slack` times what there is.
pub(crate) fn excess(
    look: &Look<'_>,
    opinions: &Opinions,
    host: usize,
    slack: usize,
) -> Option<String> {
    let (records, digest) = peek::state_bytes(look.node(host)?)?;
    let opinion = opinions.of(host);
    let bound = EMPTY_BYTES
        + MEMBER_BYTES * look.machines.len()
        + BUNDLE_BYTES * opinion.bundles.len()
        + EXECUTION_BYTES * opinion.executions.len();
    if records > bound * slack {
        return Some(format!(
            "n{host} keeps {records} bytes of records, {bound} are enough"
        ));
    }
    let writers: usize = look
        .machines
        .iter()
        .map(|machine| machine.folders as usize)
        .sum();
    let bound = DIGEST_BYTES + DIGEST_BYTES_PER_WRITER * writers;
    (digest > bound * slack)
        .then(|| format!("the digest of n{host} has {digest} bytes, {bound} are enough"))
}
