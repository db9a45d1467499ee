//! Events: of everything that this node decides and sees.

use conduct_model::{BundleId, InstanceId, NodeKey, RequestId};
use conduct_scheduler::{Event as Scheduled, Happening};

use super::Brain;
use crate::effect::Effect;
use crate::event::{Event, EventKind};
use crate::payload::Decision;

/// What an event is about.
#[derive(Clone, Copy, Default)]
struct About {
    request: Option<RequestId>,
    bundle: Option<BundleId>,
    instance: Option<InstanceId>,
}

impl Brain {
    /// Something about this node, or its peers.
    pub(super) fn tell(&mut self, kind: EventKind) {
        self.publish(About::default(), kind, true);
    }

    pub(super) fn tell_of(&mut self, bundle: BundleId, kind: EventKind) {
        self.publish(
            About {
                bundle: Some(bundle),
                ..About::default()
            },
            kind,
            true,
        );
    }

    pub(super) fn tell_of_instance(
        &mut self,
        bundle: BundleId,
        instance: InstanceId,
        kind: EventKind,
    ) {
        let about = About {
            bundle: Some(bundle),
            instance: Some(instance),
            ..About::default()
        };
        self.publish(about, kind, true);
    }

    /// Something that a client's command led to.
    pub(super) fn tell_asked(
        &mut self,
        request: Option<RequestId>,
        bundle: impl Into<Option<BundleId>>,
        kind: EventKind,
    ) {
        let about = About {
            request,
            bundle: bundle.into(),
            instance: None,
        };
        self.publish(about, kind, true);
    }

    /// What every node sees change; only the node that did it remembers it.
    pub(super) fn mirror(
        &mut self,
        bundle: BundleId,
        instance: Option<InstanceId>,
        kind: EventKind,
    ) {
        self.publish(
            About {
                request: None,
                bundle: Some(bundle),
                instance,
            },
            kind,
            false,
        );
    }

    fn publish(&mut self, about: About, kind: EventKind, keep: bool) {
        let event = Event {
            sequence: self.journal.next(),
            at: self.now.wall,
            node: self.journal.node,
            request: about.request,
            bundle: about.bundle,
            instance: about.instance,
            kind,
        };
        if keep {
            self.journal.keep(&event);
        }
        self.out.push(Effect::Publish(Box::new(event)));
    }

    /// What schedulers and hosts decide and meet.
    pub(super) fn tell_scheduling(&mut self, event: Scheduled) {
        let Scheduled {
            system,
            bundle,
            instance,
            node,
            what,
        } = event;
        let on = node.unwrap_or(self.me);
        let kind = match what {
            Happening::Owning { epoch } => EventKind::Owning { system, epoch },
            Happening::Disowned => EventKind::Disowned { system },
            Happening::Placed => EventKind::Placed { on },
            Happening::Declined(refusal) => EventKind::Declined {
                on,
                why: refusal.to_string(),
            },
            Happening::Unplaced { missing, refusals } => {
                let worded = |(node, refusal): (NodeKey, _)| (node, format!("{refusal}"));
                let reasons: Vec<_> = refusals.into_iter().map(worded).collect();
                self.raise_error(bundle, format!("no node can take {missing} more"));
                EventKind::Unplaced { missing, reasons }
            }
            Happening::PlacedAll | Happening::Cured => EventKind::ErrorCleared,
            Happening::Started { took } => EventKind::Started { took },
            Happening::StartFailed { ending, attempt } => EventKind::StartFailed {
                why: ending.to_string(),
                attempt,
            },
            Happening::Parked { tries } => {
                self.raise_error(bundle, format!("{tries} starts failed"));
                EventKind::Parked { tries }
            }
            Happening::Stopping(reason) => EventKind::Stopping {
                why: reason.to_string(),
                stage: None,
            },
            Happening::Surplus => EventKind::Surplus,
            other => EventKind::Noted {
                what: other.to_string(),
            },
        };
        let worth_telling = matches!(
            kind,
            EventKind::Unplaced { .. }
                | EventKind::Parked { .. }
                | EventKind::StartFailed { .. }
                | EventKind::Surplus
        );
        if let Some(bundle) = bundle.filter(|_| worth_telling) {
            self.own.note(Decision {
                at: self.now.wall,
                bundle,
                what: kind.to_string(),
            });
        }
        self.publish(
            About {
                request: None,
                bundle,
                instance,
            },
            kind,
            true,
        );
    }

    fn raise_error(&mut self, bundle: Option<BundleId>, why: String) {
        let about = About {
            bundle,
            ..About::default()
        };
        self.publish(about, EventKind::ErrorRaised { why }, true);
    }
}
