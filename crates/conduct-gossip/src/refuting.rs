//! What is said about this node itself.

use crate::bounds::{REFUTATION_JUMP_MAX, REFUTATION_MAX};
use crate::claims::Claim;
use crate::effect::{Effect, Notice, Reason};
use crate::identity::{Record, Short, Standing};
use crate::membership::{Cx, Membership, Phase};
use crate::message::{Body, Class, Refusal, Update};
use crate::news::Item;
use crate::probing::ILL_MAX;
use crate::table::Who;

impl Membership {
    /// Somebody says how this node stands.
    pub(crate) fn hear_of_me(&mut self, cx: &mut Cx<'_>, source: Option<Who>, claim: Claim) {
        let own = &self.table[self.me];
        match claim.start.cmp(&own.incarnation.start) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Greater => self.ask_whether_superseded(cx, source),
            std::cmp::Ordering::Equal => match claim.standing {
                Standing::Down | Standing::Left => self.doubt(cx),
                Standing::Suspect | Standing::Unreachable | Standing::Restarting => {
                    self.refute(cx, source, claim.refutation);
                }
                _ if claim.refutation > own.refutation => {
                    self.notice_forged(cx, source);
                    self.refute(cx, source, claim.refutation);
                }
                _ => {}
            },
        }
    }

    /// A record of this node, from before or from another that uses its key.
    pub(crate) fn hear_record_of_me(
        &mut self,
        cx: &mut Cx<'_>,
        source: Option<Who>,
        record: &Record,
        claim: Claim,
    ) {
        let own = self.incarnation();
        if record.incarnation.start == own.start && record.incarnation.nonce != own.nonce {
            self.notice(cx, Notice::Clone(record.key));
            if record.incarnation.nonce < own.nonce && self.phase.is_member() {
                self.end_refused(cx, Refusal::Clone);
            }
            return;
        }
        self.hear_of_me(cx, source, claim);
    }

    /// Raises the own refutation above `claimed` and tells everybody.
    pub(crate) fn refute(&mut self, cx: &mut Cx<'_>, source: Option<Who>, claimed: u32) {
        let own = self.table[self.me].refutation;
        if claimed < own {
            return self.tell_standing(cx, source);
        }
        // It was not made by us, and following it would use up the numbers.
        if claimed - own > REFUTATION_JUMP_MAX || claimed >= REFUTATION_MAX {
            return self.notice_forged(cx, source);
        }
        self.table
            .change(self.me, |entry| entry.refutation = claimed + 1);
        self.ill = (self.ill + 1).min(ILL_MAX);
        self.news.tell(Item::Standing(self.me));
        self.tell_standing(cx, source);
    }

    /// Tells one member at once how this node stands; the others hear of it as news.
    fn tell_standing(&mut self, cx: &mut Cx<'_>, to: Option<Who>) {
        let Some(to) = to.filter(|to| *to != self.me) else {
            return;
        };
        let own = &self.table[self.me];
        let update = Update::Brief {
            member: Short::of(&own.key),
            start: own.incarnation.start,
            refutation: own.refutation,
            standing: own.standing,
        };
        let key = self.table[to].key;
        self.send(
            cx,
            key,
            Class::Datagram,
            Body::Gossip {
                updates: vec![update],
            },
        );
    }

    /// A higher start of our own key: either a mistake, or another node took our place. Whoever
    /// told it is asked to let us in again, and refuses if the latter is true.
    fn ask_whether_superseded(&mut self, cx: &mut Cx<'_>, source: Option<Who>) {
        if let Some(source) = source {
            let key = self.table[source].key;
            self.say_hello(cx, key);
        }
    }

    /// Nobody wants this node: it says nothing any more.
    pub(crate) fn end_refused(&mut self, cx: &mut Cx<'_>, why: Refusal) {
        self.quarantine_for(cx, Reason::Refused);
        self.phase = Phase::Gone;
        cx.push(Effect::Refused(why));
    }
}
