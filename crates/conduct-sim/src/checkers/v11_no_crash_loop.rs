//! V11: no node crashes more than three times of one cause.

use std::collections::BTreeMap;

use super::Report;
use crate::watch::Look;

const NAME: &str = "v11_no_crash_loop";

/// The third crash of one cause is the last.
const CRASHES_MAX: usize = 3;

pub(crate) fn finish(look: &Look<'_>, report: &mut Report<'_>) {
    for (host, machine) in look.machines.iter().enumerate() {
        let mut causes = BTreeMap::new();
        for crash in &machine.crashes {
            *causes.entry(crash.handling).or_insert(0) += 1;
        }
        if let Some((cause, times)) = causes.into_iter().find(|(_, times)| *times > CRASHES_MAX) {
            let cause = cause.0;
            report.object(
                NAME,
                format!("n{host} crashed {times} times of {cause:016x}"),
            );
        }
    }
}
