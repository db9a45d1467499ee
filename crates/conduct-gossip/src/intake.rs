//! Messages: whose life speaks, whether it may, and who takes care of what it says.

use conduct_model::NodeKey;

use crate::claims::Claim;
use crate::effect::Notice;
use crate::identity::Standing;
use crate::membership::{Cx, Membership, Phase};
use crate::message::{Body, Class, Found, Header, Message, Refusal};
use crate::probing::Answered;
use crate::table::Who;

impl Membership {
    pub(crate) fn hear_message(&mut self, cx: &mut Cx<'_>, from: NodeKey, message: Message) {
        let silent = matches!(self.phase, Phase::Storing { .. } | Phase::Gone);
        if silent || from == self.settings.key {
            return;
        }
        let Message { header, body } = message;
        let Some(body) = self.hear_stranger(cx, from, &header, body) else {
            return;
        };
        if !self.phase.is_member() {
            return;
        }
        let Some(who) = self.admit(cx, from, &header) else {
            return;
        };
        self.hear_member(cx, who, header, body);
    }

    /// What may be said by those who are no members here, or not yet, or not any more. Gives back
    /// what only members may say.
    fn hear_stranger(
        &mut self,
        cx: &mut Cx<'_>,
        from: NodeKey,
        header: &Header,
        body: Body,
    ) -> Option<Body> {
        match body {
            Body::Hello {
                cluster,
                record,
                wants_members,
            } => {
                self.hear_hello(cx, from, cluster, &record, wants_members);
            }
            Body::Welcome {
                register,
                previous,
                seat,
            } => {
                self.hear_welcome(cx, from, (register, previous), seat);
            }
            Body::Refused { start, tag, why } => {
                let own = &self.table[self.me];
                if own.incarnation.start == start && own.tag() == tag {
                    self.hear_refused(cx, from, why);
                }
            }
            Body::WhoAreYou => self.say_hello(cx, from),
            Body::YouAreDown { start } => self.hear_you_are_down(cx, from, start, header.epoch),
            Body::AskVoters => self.tell_voters(cx, from),
            Body::Voters { register, previous } => self.hear_voters(cx, from, register, previous),
            Body::Records { records, groups } => self.hear_records(cx, from, &records, groups),
            Body::Twin => {
                let own = self.settings.key;
                self.notice(cx, Notice::Clone(own));
            }
            other => return Some(other),
        }
        None
    }

    /// Whether this life of a member may speak. Who may not is told why.
    fn admit(&mut self, cx: &mut Cx<'_>, from: NodeKey, header: &Header) -> Option<Who> {
        let Some(who) = self.table.find(&from) else {
            self.send(cx, from, Class::Datagram, Body::WhoAreYou);
            return None;
        };
        let entry = &self.table[who];
        let held = entry.incarnation.start;
        if header.start > held {
            self.send(cx, from, Class::Datagram, Body::WhoAreYou);
            return None;
        }
        let (start, tag) = (header.start, header.tag);
        if start < held {
            let why = Refusal::Superseded { start: held };
            self.send(cx, from, Class::Datagram, Body::Refused { start, tag, why });
            return None;
        }
        if tag != entry.tag() {
            let why = Refusal::Clone;
            self.notice(cx, Notice::Clone(from));
            self.send(cx, from, Class::Datagram, Body::Refused { start, tag, why });
            return None;
        }
        if self.is_down(who, start) {
            self.send(cx, from, Class::Datagram, Body::YouAreDown { start });
            return None;
        }
        self.hear_first_hand(cx, who, header);
        Some(who)
    }

    /// The member itself is heard: that is worth more than what others say.
    fn hear_first_hand(&mut self, cx: &mut Cx<'_>, who: Who, header: &Header) {
        self.table.set_heard(who, Some(cx.now));
        self.note_epoch(cx, who, who, header.epoch);
        let held = &self.table[who];
        let (standing, refutation) = (held.standing, held.refutation);
        let said = header.standing;
        if !matches!(
            said,
            Standing::Joining | Standing::Alive | Standing::Leaving
        ) {
            return self.notice_forged(cx, Some(who));
        }
        let claim = Claim {
            start: header.start,
            refutation: header.refutation,
            standing: said,
        };
        if header.refutation > refutation || standing == Standing::Unknown {
            self.hear_claim(cx, Some(who), who, claim);
        } else if matches!(
            standing,
            Standing::Suspect | Standing::Unreachable | Standing::Restarting
        ) {
            self.tell_accused(cx, who, refutation);
        } else if header.refutation == refutation && said > standing {
            self.hear_claim(cx, Some(who), who, claim);
        }
    }

    /// What members say.
    fn hear_member(&mut self, cx: &mut Cx<'_>, who: Who, header: Header, body: Body) {
        let from = self.table[who].key;
        match body {
            Body::Probe {
                seq,
                chosen,
                updates,
            } => {
                self.hear_updates(cx, who, &updates);
                self.answer_probe(cx, who, seq, chosen);
                self.hear_view(cx, from, header.view);
            }
            Body::Answer {
                seq,
                contact,
                updates,
            } => {
                self.hear_updates(cx, who, &updates);
                if self
                    .rounds
                    .get_mut(seq)
                    .is_some_and(|round| round.target == who)
                {
                    let answered = Answered {
                        epoch: header.epoch,
                        contact,
                    };
                    self.probe_answered(cx, seq, answered);
                }
                self.hear_view(cx, from, header.view);
            }
            Body::Relay { seq, target } => self.hear_relay(cx, who, seq, target),
            Body::ProbeFor { seq, origin, start } => {
                self.answer_probe_for(cx, who, seq, origin, start);
            }
            Body::AnswerFor { seq, contact, down } => {
                self.hear_answer_for(
                    cx,
                    who,
                    seq,
                    Found {
                        header,
                        contact,
                        down,
                    },
                );
            }
            Body::Relayed { seq, found } => self.hear_relayed(cx, who, seq, found),
            Body::Gossip { updates } => self.hear_updates(cx, who, &updates),
            Body::Alarm => self.doubt(cx),
            Body::Accused { refutation } => self.refute(cx, Some(who), refutation),
            Body::Ask { members } => self.hear_ask(cx, from, &members),
            Body::Compare { groups } => self.hear_compare(cx, from, &groups),
            Body::Judge { opinions, votes } => self.hear_judgements(cx, who, &opinions, &votes),
            other => self.hear_voter(cx, from, other),
        }
    }

    /// What voters say to each other about the voters to come.
    pub(crate) fn hear_voter(&mut self, cx: &mut Cx<'_>, from: NodeKey, body: Body) {
        if !body.is_likely_attempt() {
            return self.refuse_forged(cx, from);
        }
        match body {
            Body::Prepare { epoch, ballot } => self.hear_prepare(cx, from, epoch, ballot),
            Body::Promise {
                epoch,
                ballot,
                accepted,
            } => {
                self.hear_promise(cx, from, epoch, ballot, accepted);
            }
            Body::Accept { ballot, register } => self.hear_accept(cx, from, ballot, register),
            Body::Accepted { epoch, ballot } => self.hear_accepted(cx, from, epoch, ballot),
            Body::Declined {
                epoch,
                ballot,
                promised,
            } => {
                self.hear_declined(cx, epoch, ballot, promised);
            }
            _ => {}
        }
    }
}
