//! Makes a failure small: which of the faults are needed for it?

use super::Plan;

/// The fewest faults, found by leaving out ever smaller parts of the list, with which `fails`
/// still says that it fails. Runs the plan at most `tries` times.
pub fn shrink(plan: &Plan, tries: usize, mut fails: impl FnMut(&Plan) -> bool) -> Plan {
    let mut needed: Vec<usize> = plan.happening().map(|(place, _)| place).collect();
    let mut part = needed.len().div_ceil(2).max(1);
    let mut tried = 0;
    while tried < tries && !needed.is_empty() {
        let mut smaller = None;
        for begin in (0..needed.len()).step_by(part) {
            let mut rest = needed.clone();
            rest.drain(begin..(begin + part).min(needed.len()));
            tried += 1;
            if fails(&plan.with_only(rest.clone())) {
                smaller = Some(rest);
                break;
            }
            if tried >= tries {
                break;
            }
        }
        match smaller {
            Some(rest) => {
                needed = rest;
                part = part.min(needed.len().max(1));
            }
            None if part == 1 => break,
            None => part = part.div_ceil(2),
        }
    }
    plan.with_only(needed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::mins;
    use crate::faults::draw;

    #[test]
    fn two_faults_that_fail_only_together_are_found_among_many() {
        let plan = draw(11, 5, mins(10), None);
        assert!(plan.faults.len() > 8);
        let (one, other) = (2, plan.faults.len() - 1);
        let small = shrink(&plan, 200, |plan| {
            let places: Vec<usize> = plan.happening().map(|(place, _)| place).collect();
            places.contains(&one) && places.contains(&other)
        });
        assert_eq!(small.chosen, Some(vec![one, other]));
    }

    #[test]
    fn a_failure_that_needs_no_fault_shrinks_to_none() {
        let plan = draw(11, 5, mins(10), None);
        assert_eq!(shrink(&plan, 200, |_| true).chosen, Some(vec![]));
    }
}
