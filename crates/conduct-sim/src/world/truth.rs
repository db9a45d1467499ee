//! What really is: sides, instances, lives. Nodes only have opinions of it.

use std::collections::BTreeMap;

use conduct_model::{BundleId, InstanceId, System};
use conduct_node::runtime::Exit;

use crate::engine::{Moment, secs};
use crate::network::SideLog;

/// The truth about a cluster.
#[derive(Debug)]
pub struct Truth {
    /// Which machines could talk when.
    pub sides: SideLog,
    /// When the last fault of any kind began, ended or was under way.
    pub disturbed: Moment,
    /// Per machine: since when its daemon runs without a pause.
    pub awake_since: Vec<Option<Moment>>,
    /// Per machine: when something was last done to it or to a link of its own.
    pub troubled: Vec<Moment>,
    /// When packets last got lost, changed or delayed.
    pub foul_weather: Moment,
    /// When anything last changed that nodes tell each other of.
    pub changed: Moment,
    /// When an instance of a bundle last failed.
    failed: BTreeMap<BundleId, Moment>,
    /// Every instance that has or lately had processes, by machine.
    instances: BTreeMap<(InstanceId, u32), Real>,
    /// How many of them live.
    live: usize,
}

/// An instance as it really is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Real {
    /// Where its processes are.
    pub host: usize,
    /// What it runs.
    pub bundle: BundleId,
    /// What it starts one after the other within.
    pub system: System,
    /// Never more often than asked.
    pub exclusive: bool,
    /// It has no lease.
    pub kept: bool,
    /// When it was forked.
    pub forked: Moment,
    /// When it signalled.
    pub started: Option<Moment>,
    /// When it was first told to end.
    pub told_to_end: Option<Moment>,
    /// When and how it ended.
    pub ended: Option<(Moment, Exit)>,
}

/// What ended is remembered for so long.
const REMEMBERED: Moment = secs(120);

impl Truth {
    /// Nothing has happened yet.
    pub fn new(hosts: usize) -> Truth {
        Truth {
            sides: SideLog::default(),
            disturbed: Moment::ZERO,
            awake_since: vec![None; hosts],
            troubled: vec![Moment::ZERO; hosts],
            foul_weather: Moment::ZERO,
            changed: Moment::ZERO,
            failed: BTreeMap::new(),
            instances: BTreeMap::new(),
            live: 0,
        }
    }

    /// One machine more.
    pub fn add_host(&mut self) {
        self.awake_since.push(None);
        self.troubled.push(Moment::ZERO);
    }

    /// An instance was forked.
    pub fn forked(&mut self, instance: InstanceId, real: Real) {
        self.live += 1;
        self.instances.insert((instance, real.host as u32), real);
    }

    /// The instance on that machine.
    pub fn real(&self, instance: InstanceId, host: usize) -> Option<&Real> {
        self.instances.get(&(instance, host as u32))
    }

    /// The instance on that machine, to change.
    pub fn real_mut(&mut self, instance: InstanceId, host: usize) -> Option<&mut Real> {
        self.instances.get_mut(&(instance, host as u32))
    }

    /// The instance ended.
    pub fn ended(&mut self, instance: InstanceId, host: usize, now: Moment, exit: Exit) {
        if let Some(real) = self.real_mut(instance, host)
            && real.ended.is_none()
        {
            real.ended = Some((now, exit));
            let failed = real.told_to_end.is_none();
            let bundle = real.bundle;
            self.live -= 1;
            if failed {
                self.failed.insert(bundle, now);
            }
        }
    }

    /// Every instance that has processes.
    pub fn live(&self) -> impl Iterator<Item = (InstanceId, &Real)> {
        let none = self.live == 0;
        self.instances
            .iter()
            .take_while(move |_| !none)
            .filter(|(_, real)| real.ended.is_none())
            .map(|((instance, _), real)| (*instance, real))
    }

    /// Every instance that is remembered under that id, wherever it is.
    pub fn called(&self, instance: InstanceId) -> impl Iterator<Item = &Real> {
        self.instances
            .range((instance, 0)..=(instance, u32::MAX))
            .map(|(_, real)| real)
    }

    /// What ended long ago is forgotten.
    pub fn forget_before(&mut self, now: Moment) {
        if self.instances.len() > 2 * self.live + 64 {
            self.instances.retain(|_, real| {
                real.ended
                    .as_ref()
                    .is_none_or(|(at, _)| now.since(*at) < REMEMBERED)
            });
        }
    }

    /// When an instance of this bundle last ended although nobody had told it to.
    pub fn failed_at(&self, bundle: BundleId) -> Option<Moment> {
        self.failed.get(&bundle).copied()
    }

    /// For how long no packet was lost, changed or delayed.
    pub fn fair_weather_for(&self, now: Moment) -> Moment {
        if self.foul_weather == Moment::ZERO {
            now
        } else {
            now.since(self.foul_weather)
        }
    }

    /// Whether nothing was done to anything for that long.
    pub fn calm_for(&self, now: Moment, long: Moment) -> bool {
        now.since(self.disturbed) >= long
    }
}

impl Real {
    /// Whether it was forked and has neither signalled, nor been given up, nor ended.
    pub const fn is_starting(&self) -> bool {
        self.started.is_none() && self.told_to_end.is_none() && self.ended.is_none()
    }
}
