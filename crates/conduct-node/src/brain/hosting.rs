//! The border to the hands: what the host wants of them, and what they tell it.

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, Span, Wall};
use conduct_scheduler::{HostEffect, HostWrite, Message as Scheduling, RuntimeNews, Seed};

use super::shelf::{disk_value, execution_key, fence_key};
use super::{Brain, Held, Work};
use crate::descriptor::{Descriptor, OnQuarantine};
use crate::effect::Effect;
use crate::event::EventKind;
use crate::protocol::Message;
use crate::runtime::{Ports, RuntimeOrder, StartInstance};

/// What this node knows of one of its instances beyond what owners decide by.
#[derive(Clone, Debug)]
pub(super) struct Hand {
    pub(super) bundle: BundleId,
    /// Known once the bundle's record is.
    pub(super) descriptor: Option<Arc<Descriptor>>,
    /// It waits for its archives, or for the record of its bundle.
    pub(super) waits: bool,
    pub(super) pid: Option<u32>,
    pub(super) since: Wall,
    pub(super) ports: BTreeMap<String, Ports>,
    pub(super) doubtful: bool,
}

impl Hand {
    pub(super) fn new(bundle: BundleId) -> Hand {
        Hand {
            bundle,
            descriptor: None,
            waits: false,
            pid: None,
            since: Wall::default(),
            ports: BTreeMap::new(),
            doubtful: false,
        }
    }
}

impl Brain {
    pub(super) fn host_effect(&mut self, effect: HostEffect) {
        match effect {
            HostEffect::Persist { token, writes } => {
                for write in writes {
                    self.write_host(write);
                }
                self.disk.hold(Held::Host(token));
            }
            HostEffect::Tell { to, news } => {
                let news = self.own.lift_news(news);
                if to == self.me {
                    let message = Scheduling::News(news);
                    let input = conduct_scheduler::Input::Message { from: to, message };
                    self.work.push_back(Work::ToScheduler(input));
                } else {
                    // It may tell of what is only being written.
                    let message = Message::Scheduling(Scheduling::News(news));
                    self.disk.hold(Held::Send { to, message });
                }
            }
            HostEffect::Prepare { instance, bundle } => {
                self.hands
                    .entry(instance)
                    .or_insert_with(|| Hand::new(bundle))
                    .waits = true;
                self.prepare(instance);
            }
            HostEffect::Start {
                instance,
                bundle,
                seeds,
            } => self.start_hand(instance, bundle, seeds),
            HostEffect::Stop { instance, grace } => self.stop_hand(instance, grace),
            HostEffect::Forget { instance } => {
                self.hands.remove(&instance);
                self.order(RuntimeOrder::Forget { instance });
            }
            HostEffect::Report => self.own.report_changed = true,
            HostEffect::Event(event) => self.tell_scheduling(*event),
            HostEffect::Arm(at) => self.alarms.host = at,
        }
    }

    fn write_host(&mut self, write: HostWrite) {
        match write {
            HostWrite::Execution(instance, record) => {
                let value = record.map(|record| disk_value(&*record));
                self.disk.write(execution_key(instance), value);
            }
            HostWrite::Fence(system, version) => {
                let value = version.map(|version| disk_value(&version));
                self.disk.write(fence_key(&system), value);
            }
        }
    }

    fn order(&mut self, order: RuntimeOrder) {
        self.out.push(Effect::Runtime(order));
    }

    /// Goes on with an instance that is to be made ready: first what it is, then its archives,
    /// then its run directory.
    pub(super) fn prepare(&mut self, instance: InstanceId) {
        let Some(hand) = self.hands.get_mut(&instance).filter(|hand| hand.waits) else {
            return;
        };
        let bundle = hand.bundle;
        let Some(loaded) = self.book.bundles.get(&bundle) else {
            return;
        };
        let descriptor = Arc::clone(&loaded.descriptor);
        hand.descriptor = Some(Arc::clone(&descriptor));
        let missing: Vec<_> = loaded
            .archives(&bundle)
            .into_iter()
            .filter(|(digest, _)| !self.archives.has(digest))
            .collect();
        if missing.is_empty() {
            hand.waits = false;
            return self.order(RuntimeOrder::Prepare {
                instance,
                bundle,
                descriptor,
            });
        }
        for (digest, bytes) in missing {
            self.want_archive(digest, bytes, None);
        }
    }

    /// The record of a bundle came: instances of it may wait for that.
    pub(super) fn prepare_what_waited(&mut self, bundle: BundleId) {
        let waiting = |(_, hand): &(&InstanceId, &Hand)| hand.waits && hand.bundle == bundle;
        let waiting: Vec<InstanceId> = self
            .hands
            .iter()
            .filter(waiting)
            .map(|(id, _)| *id)
            .collect();
        for instance in waiting {
            self.prepare(instance);
        }
    }

    fn start_hand(&mut self, instance: InstanceId, bundle: BundleId, seeds: Vec<Seed>) {
        let hand = self
            .hands
            .entry(instance)
            .or_insert_with(|| Hand::new(bundle));
        let loaded = self
            .book
            .bundles
            .get(&bundle)
            .map(|loaded| loaded.descriptor.clone());
        let Some(descriptor) = hand.descriptor.clone().or(loaded) else {
            let why = "nothing is known of its bundle here any more".into();
            return self.tell_host(instance, RuntimeNews::Failed { why });
        };
        hand.descriptor = Some(Arc::clone(&descriptor));
        let start_timeout = descriptor
            .start_timeout
            .unwrap_or(self.config.start_timeout);
        let lease = match descriptor.on_quarantine {
            OnQuarantine::Keep => None,
            OnQuarantine::Stop => Some(self.membership.majority_contact().unwrap_or_default()),
        };
        self.tell_of_instance(
            bundle,
            instance,
            EventKind::Starting {
                seeds: seeds.len() as u32,
            },
        );
        let start = StartInstance {
            instance,
            bundle,
            descriptor,
            seeds,
            start_timeout,
            lease,
        };
        self.order(RuntimeOrder::Start(Box::new(start)));
    }

    fn stop_hand(&mut self, instance: InstanceId, grace: Span) {
        if let Some(hand) = self.hands.get_mut(&instance) {
            hand.waits = false;
        }
        self.order(RuntimeOrder::Stop { instance, grace });
    }
}
