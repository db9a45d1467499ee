//! An owner with its nodes and its quorum in the tester's hand.

use conduct_model::{Digest, Resources};

use super::*;
use crate::fleet::{HostReport, RoleRule};
use crate::fuzz::Sample;
use crate::message::Wanted;
use crate::terms::{Kind, Wish};

struct Office {
    owner: Owner,
    fleet: Fleet,
    sample: Sample,
    effects: Vec<OwnerEffect>,
}

fn node(name: &str) -> NodeKey {
    NodeKey::from_digest(Digest::of(name.as_bytes()))
}

impl Office {
    fn new() -> Office {
        let room = Resources {
            cpu_millis: 4_000,
            memory_bytes: 8 << 30,
            disk_bytes: 8 << 30,
        };
        let report = HostReport {
            kinds: [Kind::Universal].into_iter().collect(),
            capacity: room,
            free: room,
            ..HostReport::default()
        };
        let mut fleet = Fleet::new(RoleRule::Ignored);
        for name in ["a", "b", "c"] {
            fleet.report(node(name), &report);
        }
        let sample = Sample::of("web", "shop");
        let epoch = Epoch::after(None, node("owner"));
        let system = Arc::new(sample.system.clone());
        let owner = Owner::new(Time::ZERO, 1, (system, epoch), None, Wishes::default());
        Office {
            owner,
            fleet,
            sample,
            effects: Vec::new(),
        }
    }

    fn step(&mut self, input: OwnerInput) {
        self.effects.clear();
        let now = Time::from_millis(100);
        self.owner
            .step(now, &mut self.fleet, input, &mut self.effects);
    }

    fn wish(&mut self, scale: u32) {
        let wish = Wish {
            terms: Arc::new(self.sample.terms.clone()),
            scale,
            affinity: None,
            generation: 1,
        };
        self.step(OwnerInput::Wishes([(self.sample.bundle, wish)].into()));
    }

    /// What was proposed in the last step.
    fn proposed(&self) -> Option<Version> {
        self.effects.iter().find_map(|effect| match effect {
            OwnerEffect::Propose(assignment) => Some(assignment.version),
            _ => None,
        })
    }

    /// How many instances were ordered in the last step.
    fn prepared(&self) -> usize {
        let prepares = |effect: &&OwnerEffect| {
            matches!(effect, OwnerEffect::Order { order, .. }
                if matches!(order.wanted, Wanted::Prepare { .. }))
        };
        self.effects.iter().filter(prepares).count()
    }
}

#[test]
fn nothing_is_ordered_before_a_quorum_has_it_on_disk() {
    let mut office = Office::new();
    office.wish(1);
    let first = office.proposed().expect("a placement is proposed");
    assert_eq!(office.prepared(), 0);
    office.step(OwnerInput::Confirmed(first));
    assert_eq!(office.prepared(), 1);

    office.wish(3);
    let second = office.proposed().expect("so are two more");
    assert_eq!(office.prepared(), 0);
    office.step(OwnerInput::Confirmed(first));
    assert_eq!(office.prepared(), 0, "an old confirmation confirms nothing");
    office.step(OwnerInput::Confirmed(second));
    assert_eq!(office.prepared(), 2);
}

#[test]
fn no_scale_fills_an_assignment_beyond_its_bound() {
    let mut office = Office::new();
    office.sample.terms.max_per_node = u32::MAX;
    office.sample.terms.needs = Resources::default();
    office.wish(u32::MAX);
    let slots = office.owner.assignment().slots.len();
    assert_eq!(slots, Assignment::SLOTS_MAX - 2);
    let told = office.effects.iter().find_map(|effect| match effect {
        OwnerEffect::Event(event) => match &event.what {
            Happening::Unplaced { missing, .. } => Some(*missing),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(told, Some(u32::MAX - slots as u32));
}

/// Thousands of bundles that fit nowhere would each have an account.
#[test]
fn bundles_that_fit_nowhere_do_not_fill_the_assignment_beyond_its_bound() {
    let mut office = Office::new();
    let mut terms = office.sample.terms.clone();
    terms.needs.memory_bytes = 1 << 50;
    let wish = Wish {
        terms: Arc::new(terms),
        scale: 1,
        affinity: None,
        generation: 1,
    };
    let bundles = (0..2_000).map(|n| Sample::of(&format!("bundle {n}"), "shop").bundle);
    let wishes: Wishes = bundles.map(|bundle| (bundle, wish.clone())).collect();
    office.step(OwnerInput::Wishes(wishes));
    let accounts = office.owner.assignment().accounts.len();
    assert_eq!(accounts, Assignment::SLOTS_MAX / 2);
    let events = |office: &Office| {
        let unplaced = |effect: &&OwnerEffect| {
            matches!(effect, OwnerEffect::Event(event)
                if matches!(event.what, Happening::Unplaced { .. }))
        };
        office.effects.iter().filter(unplaced).count()
    };
    assert_eq!(events(&office), 2_000, "each is told");
    office.step(OwnerInput::Look);
    assert_eq!(events(&office), 0, "and told once");
}
