//! How long an assignment gets, and what is none.

use conduct_model::{Digest, Span};
use conduct_scheduler::{Cause, StopReason};
use conduct_state::PAYLOAD_BYTES_MAX;
use proptest::prelude::*;

use super::*;

fn digest(what: &str, number: u32) -> Digest {
    Digest::of(format!("{what} {number}").as_bytes())
}

fn node(number: u32) -> NodeKey {
    NodeKey::from_digest(digest("node", number))
}

fn bundle(number: u32) -> BundleId {
    BundleId::configured(digest("bundle", number), digest("configuration", number))
}

/// No two of them are alike, and none is short.
fn version(number: u32) -> Version {
    Version {
        epoch: Epoch {
            number: Epoch::NUMBER_MAX - u64::from(number),
            owner: node(1 << 20 | number),
        },
        sequence: Version::SEQUENCE_MAX,
    }
}

fn latest() -> Version {
    let owner = node(0);
    Version {
        epoch: Epoch {
            number: Epoch::NUMBER_MAX,
            owner,
        },
        sequence: Version::SEQUENCE_MAX,
    }
}

/// A slot as long as slots get.
fn slot(number: u32) -> Slot {
    let filled = Filled {
        node: node(1 << 21 | number),
        instance: InstanceId::from_u128(u128::MAX - u128::from(number)),
        stage: Stage::Stopping(StopReason::Overdue),
        since: version(2 * number + 1),
        moving: true,
    };
    Slot {
        version: version(2 * number + 2),
        content: Content::Filled(filled),
        quick_ends: u32::MAX,
    }
}

/// An account as long as accounts get.
fn account(number: u32) -> Account {
    let cause = Cause::NotLaunched("ü".repeat(1_000).into()).shortened();
    Account {
        version: version(1 << 22 | number),
        generation: u64::MAX,
        failed_starts: u32::MAX,
        failed_on: (0..Account::FAILED_STARTS_MAX)
            .map(|at| node(1 << 23 | number << 2 | at))
            .collect(),
        last_failure: Some(Ending {
            cause,
            signalled: true,
            daemon_away: true,
            lasted: Span::millis(u64::MAX),
        }),
        missing: u32::MAX,
        reschedules: u64::MAX,
    }
}

/// So many bundles that share the slots of one system.
fn largest(bundles: u32) -> Assignment {
    let slots = Assignment::SLOTS_MAX as u32 - 2 * bundles;
    let mut assignment = Assignment::empty(latest());
    for number in 0..slots {
        let id = SlotId {
            bundle: bundle(number % bundles),
            number: u32::MAX - number,
        };
        assignment.slots.insert(id, slot(number));
    }
    let accounts = (0..bundles).map(|number| (bundle(number), account(number)));
    assignment.accounts.extend(accounts);
    assignment
}

fn written(assignment: Assignment) -> Bytes {
    let unknown = Unknown::default();
    AssignmentRecord {
        assignment,
        unknown,
    }
    .write()
}

#[test]
fn the_largest_assignment_that_a_system_can_have_fits_into_one_record() {
    let third = Assignment::SLOTS_MAX as u32 / 3;
    for bundles in [1, 2, 10, 100, third, Assignment::SLOTS_MAX as u32 / 2] {
        let assignment = largest(bundles);
        let hint = assignment.size_hint();
        let bytes = written(assignment.clone());
        assert!(
            bytes.len() <= PAYLOAD_BYTES_MAX,
            "{bundles} bundles: {} bytes",
            bytes.len()
        );
        assert!(bytes.len() <= hint, "{bundles} bundles: hint {hint}");
        let read = AssignmentRecord::parse(&bytes).unwrap();
        assert_eq!(read.assignment, assignment);
    }
}

#[test]
fn an_assignment_with_numbers_that_cannot_be_is_none() {
    let changes: [fn(&mut Assignment); 5] = [
        |a| a.version.epoch.number = u64::MAX,
        |a| a.version.sequence = u64::MAX,
        |a| a.version = version(3),
        |a| {
            let slot = a.slots.values_mut().next().unwrap();
            slot.version.sequence += 1;
            slot.version.epoch = latest().epoch;
        },
        |a| {
            let account = a.accounts.values_mut().next().unwrap();
            account.version.sequence = u64::MAX;
        },
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut assignment = largest(500);
        change(&mut assignment);
        let read = AssignmentRecord::parse(&written(assignment));
        assert!(matches!(read, Err(PayloadError::Contradiction)), "{at}");
    }
}

proptest! {
    /// Whatever is not refused can be counted on from.
    #[test]
    fn whatever_numbers_come_there_is_one_after_them(
        number in edge(), sequence in edge(), slot_number in edge(), slot_sequence in edge(),
    ) {
        let version = |number, sequence| Version {
            epoch: Epoch { number, owner: node(1) },
            sequence,
        };
        let mut assignment = Assignment::empty(version(number, sequence));
        let id = SlotId { bundle: bundle(1), number: 0 };
        let changed = Slot { version: version(slot_number, slot_sequence), ..slot(0) };
        let content = Content::Vacant { last: node(2) };
        assignment.slots.insert(id, Slot { content, ..changed });
        if let Ok(read) = AssignmentRecord::parse(&written(assignment)) {
            let version = read.assignment.version;
            prop_assert!(version.next() > version);
            prop_assert!(Epoch::after(Some(version.epoch), node(2)).number > version.epoch.number);
        }
    }
}

/// Numbers of which many are near an end.
fn edge() -> impl Strategy<Value = u64> {
    let edges = vec![
        0,
        1,
        Epoch::NUMBER_MAX,
        Epoch::NUMBER_MAX + 1,
        Version::SEQUENCE_MAX,
        Version::SEQUENCE_MAX + 1,
        u64::MAX - 1,
        u64::MAX,
    ];
    prop_oneof![prop::sample::select(edges), any::<u64>()]
}
