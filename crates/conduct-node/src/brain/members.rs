//! Membership's border: what it says, wants kept, and decides about others and about this node.

use conduct_gossip::{Class, Effect as Said, Notice, Reason, Register, Status, Verdict};
use conduct_model::{Incarnation, NodeKey, Time, Uid, Voters};
use conduct_scheduler::{Closed, HostInput, Input, Part, Standing};

use super::shelf::gossip_key;
use super::{Brain, Held};
use crate::command::QuarantineReason;
use crate::effect::{Effect, End, LinkOrder};
use crate::event::EventKind;
use crate::outbox::Way;
use crate::protocol::Message;
use crate::runtime::RuntimeOrder;

impl Brain {
    pub(super) fn membership_effect(&mut self, effect: Said) {
        match effect {
            Said::Send { to, class, message } => {
                let way = match class {
                    Class::Datagram => Way::Datagram,
                    Class::Stream => Way::Stream,
                };
                self.send(to, way, &Message::Membership(message));
            }
            Said::Keep(peer) => self.keep(peer),
            Said::Release(peer) => self.link_order(LinkOrder::Release { peer }),
            Said::Dial(address) => self.link_order(LinkOrder::Dial { address }),
            Said::AskKernel(peer) => {
                self.announce_address(peer);
                self.link_order(LinkOrder::AskKernel { peer });
            }
            Said::Persist {
                token,
                slot,
                record,
            } => {
                let value = record.map(|record| super::shelf::disk_value(&record));
                self.disk.write(gossip_key(&slot), value);
                self.disk.hold(Held::Membership(token));
            }
            Said::Sync { ticket, with } => self.pull(with, Some(ticket)),
            Said::Verdict(verdict) => self.verdict(verdict),
            Said::Quarantined(reason) => self.quarantined_for(reason),
            Said::Released => self.released(),
            Said::Contact { stamp } => self.contact(stamp),
            Said::Voters(register) => self.voters_changed(&register),
            Said::Life(incarnation) => self.begin_life(incarnation),
            Said::Refused(refusal) => self.end(End::Refused(format!("{refusal:?}"))),
            Said::Gone => self.gone(),
            Said::Notice(notice) => self.notice(notice),
            Said::Arm(at) => self.alarms.membership = at,
        }
    }

    fn keep(&mut self, peer: NodeKey) {
        self.announce_address(peer);
        self.link_order(LinkOrder::Keep { peer });
    }

    /// Tells the driver where a peer is, once and whenever that changes.
    fn announce_address(&mut self, peer: NodeKey) {
        if let Some(address) = self.membership.address(&peer)
            && self.own.announced.insert(peer, address) != Some(address)
        {
            self.link_order(LinkOrder::Address { peer, address });
        }
    }

    fn link_order(&mut self, order: LinkOrder) {
        self.out.push(Effect::Link(order));
    }

    fn verdict(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Joined {
                key, incarnation, ..
            } => {
                let uid = key.uid(incarnation);
                self.tell(EventKind::MemberJoined { member: key, uid });
                self.member_stands(key, Standing::Reachable);
                self.compare_with_returned(key);
            }
            Verdict::Reachable(key) => {
                self.tell(EventKind::MemberReachable { member: key });
                self.member_stands(key, Standing::Reachable);
                self.compare_with_returned(key);
            }
            Verdict::Unreachable(key) => {
                self.tell(EventKind::MemberUnreachable { member: key });
                self.member_stands(key, Standing::Unreachable);
            }
            Verdict::Restarting(key) => {
                self.tell(EventKind::MemberRestarting { member: key });
                self.member_stands(key, Standing::Restarting);
            }
            Verdict::Down { key, .. } => {
                self.tell(EventKind::MemberDown { member: key });
                self.member_stands(
                    key,
                    Standing::Gone {
                        since: self.now.time,
                    },
                );
            }
            Verdict::Left { key, .. } => {
                self.tell(EventKind::MemberLeft { member: key });
                self.member_stands(
                    key,
                    Standing::Gone {
                        since: self.now.time,
                    },
                );
                self.forget_records_of(key);
            }
            Verdict::Changed(key) => self.announce_address(key),
        }
    }

    /// A member stands otherwise than before.
    fn member_stands(&mut self, node: NodeKey, standing: Standing) {
        self.announce_address(node);
        if self.scheduler.votes() {
            self.pass_scheduler(Input::Standing { node, standing });
        }
        self.sync.members_changed = true;
        self.copies.touch_all();
        self.mirror_standing(node);
        self.note_withdrawals();
        self.advance_all();
    }

    /// Whether callers are sent to what a node runs.
    pub(super) fn serves(&self, node: &NodeKey) -> bool {
        *node == self.me
            || matches!(
                self.membership.status(node),
                Some(Status::Reachable | Status::Restarting)
            )
    }

    /// Whether what a node runs counts.
    pub(super) fn counts(&self, node: &NodeKey) -> bool {
        *node == self.me
            || matches!(
                self.membership.status(node),
                Some(Status::Reachable | Status::Unreachable | Status::Restarting)
            )
    }

    fn quarantined_for(&mut self, reason: Reason) {
        let reason = match reason {
            Reason::Starting => QuarantineReason::Starting,
            Reason::ContactLost => QuarantineReason::ContactLost,
            Reason::RollCallFailed => QuarantineReason::RollCallFailed,
            Reason::Paused => QuarantineReason::Paused,
            Reason::VotedDown => QuarantineReason::DeclaredDown,
            Reason::Refused => QuarantineReason::Clone,
        };
        self.quarantine = Some(reason);
        self.tell(EventKind::Quarantined { reason });
        self.pass_scheduler(Input::Part(Part::Suspended));
        self.pass_host(HostInput::Close {
            why: Closed::Quarantined,
            closed: true,
        });
    }

    fn released(&mut self) {
        self.quarantine = None;
        self.tell(EventKind::Released);
        self.compare_after_absence();
        self.pass_scheduler(Input::Part(self.part()));
        self.pass_host(HostInput::Close {
            why: Closed::Quarantined,
            closed: false,
        });
        // This node has the majority's state now: what it runs beyond that is surplus.
        let systems: Vec<_> = self.host.systems().cloned().collect();
        for system in systems {
            self.hand_over_assignment(&system);
        }
    }

    /// What this node takes part in, as far as deciding goes.
    pub(super) fn part(&self) -> Part {
        match (self.is_quarantined(), self.departure.is_some()) {
            (_, true) => Part::Retired,
            (true, false) => Part::Suspended,
            (false, false) => Part::Full,
        }
    }

    fn contact(&mut self, stamp: Time) {
        if self.own.lease_due(stamp) {
            self.out
                .push(Effect::Runtime(RuntimeOrder::Lease { stamp }));
        }
    }

    fn voters_changed(&mut self, register: &Register) {
        let (epoch, voters) = (register.epoch, register.keys().to_vec());
        self.tell(EventKind::VotersChanged {
            epoch,
            voters: voters.clone(),
        });
        let keys = voters.into_iter().collect();
        self.pass_scheduler(Input::Voters(Voters { epoch, keys }));
        self.advance_all();
    }

    fn begin_life(&mut self, incarnation: Incarnation) {
        let uid: Uid = self.me.uid(incarnation);
        if self.own.lived_before() {
            self.tell(EventKind::Reborn { uid });
        }
        self.own.begin_life(incarnation);
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Paused(span) => self.tell(EventKind::Paused { span }),
            Notice::Clone(key) => self.tell(EventKind::CloneDetected { key }),
            Notice::MajorityForced { to, .. } => self.tell(EventKind::MajorityForced { epoch: to }),
            Notice::SlowNetwork => self.tell(EventKind::SlowNetwork),
            Notice::NotAdmitted { key, why } => {
                self.tell(EventKind::NotAdmitted {
                    key,
                    why: format!("{why:?}"),
                });
            }
            Notice::Forged(peer) | Notice::FalseAccuser(peer) => {
                self.tell(EventKind::PeerDistrusted { peer });
            }
            Notice::VoteWithdrawn(_) => {}
        }
    }

    /// Nobody may write the records of a node that left; one voter removes them.
    fn forget_records_of(&mut self, node: NodeKey) {
        if !self.is_first_voter() || self.is_quarantined() || self.own.new_writer_wanted {
            return;
        }
        for key in super::reporting::keys_of(node) {
            match self.state.remove(&key) {
                Ok(Some(written)) => self.take_written(written),
                Ok(None) => {}
                Err(error) => {
                    self.take_outcome(Err(error));
                }
            }
        }
        self.pass_scheduler(Input::Forgotten(node));
    }

    /// Whether this node is the first of the voters that answer: some things are done by one.
    pub(super) fn is_first_voter(&self) -> bool {
        let Some(register) = self.membership.voters() else {
            return false;
        };
        let answers = |voter: &&NodeKey| {
            **voter == self.me || self.membership.status(voter) == Some(Status::Reachable)
        };
        register.keys().iter().find(answers) == Some(&self.me)
    }

    /// Core nodes that answer, this one among them.
    pub(super) fn reachable_cores(&self) -> impl Iterator<Item = NodeKey> {
        let reachable = |member: &conduct_gossip::Member| {
            member.card.core && (member.key == self.me || member.status == Status::Reachable)
        };
        self.membership
            .members()
            .filter(reachable)
            .map(|member| member.key)
    }

    /// Members that accept commands, when this one does not.
    pub(super) fn others_to_ask(&self) -> Vec<NodeKey> {
        self.reachable_cores()
            .filter(|node| *node != self.me)
            .take(3)
            .collect()
    }

    /// How the scheduler sees a member.
    pub(super) fn standing(&self, node: &NodeKey) -> Option<Standing> {
        Some(match self.membership.status(node)? {
            Status::Reachable => Standing::Reachable,
            Status::Unreachable => Standing::Unreachable,
            Status::Restarting => Standing::Restarting,
            Status::Down | Status::Left => Standing::Gone {
                since: self.now.time,
            },
        })
    }

    /// Nothing is left to do: the driver ends the daemon.
    pub(super) fn end(&mut self, end: End) {
        self.outbox.flush(&mut self.out);
        self.out.push(Effect::End(end));
        self.ended = true;
    }
}
