//! News between members, told on the back of probes and on ticks of their own.

use conduct_model::NodeKey;

use crate::claims::Claim;
use crate::identity::{Short, Standing};
use crate::membership::{Cx, Membership};
use crate::message::{Body, Class, Update};
use crate::news::Item;
use crate::suspicion::retransmits;
use crate::table::Who;

/// Members asked for, or told, in one message about unknown ones.
pub(crate) const ASKED_MAX: usize = 32;
/// With more news than this waiting, a tick sends more than one datagram to each,
const BACKLOG_PER_DATAGRAM: usize = 16;
/// but never more than this.
const BURST_MAX: usize = 8;
impl Membership {
    /// Tells a few members the news, as long as there are any.
    pub(crate) fn gossip_due(&mut self, cx: &mut Cx<'_>) {
        if cx.now < self.timers.gossip || self.news.is_empty() {
            return;
        }
        self.timers.gossip = cx.now + self.settings.profile.gossip_every;
        let backlog = self.news.len() / BACKLOG_PER_DATAGRAM;
        for key in self.gossip_targets(self.settings.profile.fan_out) {
            for _ in 0..backlog.clamp(1, BURST_MAX) {
                let updates = self.take_updates();
                self.send(cx, key, Class::Datagram, Body::Gossip { updates });
            }
        }
    }

    /// Up to `count` members to tell news to, of those that connections stand to. Everybody probes
    /// the voters and tells them news that way, so at most one of three is a voter.
    pub fn gossip_targets(&mut self, count: usize) -> Vec<NodeKey> {
        let is_fit = |who: Who| {
            let entry = &self.table[who];
            entry.standing.is_present() && self.links.is_up(&entry.key)
        };
        let chosen = self.rotation.audience(count, is_fit, &mut self.dice);
        chosen.into_iter().map(|who| self.table[who].key).collect()
    }

    /// Takes as much news as one datagram holds.
    pub(crate) fn take_updates(&mut self) -> Vec<Update> {
        if self.news.is_empty() {
            return Vec::new();
        }
        let times = retransmits(&self.settings.profile, self.table.present());
        let (table, suspicions) = (&self.table, &self.suspicions);
        self.news
            .pick(self.settings.update_bytes_max, times, |item| match item {
                Item::Standing(who) => {
                    let entry = &table[who];
                    let told = !matches!(entry.standing, Standing::Unknown | Standing::Suspect);
                    told.then(|| Update::Brief {
                        member: Short::of(&entry.key),
                        start: entry.incarnation.start,
                        refutation: entry.refutation,
                        standing: entry.standing,
                    })
                }
                Item::Member(who) => {
                    let told = table[who].standing != Standing::Unknown;
                    told.then(|| Update::Full(Box::new(table.record(who))))
                }
                Item::Accusation { accused, accuser } => {
                    let entry = &table[accused];
                    suspicions
                        .accused_by(accused, accuser)
                        .then(|| Update::Suspicion {
                            member: Short::of(&entry.key),
                            start: entry.incarnation.start,
                            refutation: entry.refutation,
                            accuser: Short::of(&table[accuser].key),
                        })
                }
            })
    }

    /// News from another member.
    pub(crate) fn hear_updates(&mut self, cx: &mut Cx<'_>, source: Who, updates: &[Update]) {
        let unknown = updates
            .iter()
            .filter_map(|update| self.hear_update(cx, source, update));
        let mut unknown: Vec<Short> = unknown.collect();
        unknown.truncate(ASKED_MAX);
        if !unknown.is_empty() && cx.now >= self.timers.ask_members {
            self.timers.ask_members = cx.now + self.settings.profile.gossip_every;
            let key = self.table[source].key;
            self.send(cx, key, Class::Stream, Body::Ask { members: unknown });
        }
    }

    /// Gives back whom the news are about, if we do not know it or this life of it.
    fn hear_update(&mut self, cx: &mut Cx<'_>, source: Who, update: &Update) -> Option<Short> {
        match *update {
            Update::Brief {
                member,
                start,
                refutation,
                standing,
            } => {
                let Some(who) = self.known(member, start) else {
                    return Some(member);
                };
                self.news.heard(Item::Standing(who));
                let claim = Claim {
                    start,
                    refutation,
                    standing,
                };
                self.hear_claim(cx, Some(source), who, claim);
            }
            Update::Suspicion {
                member,
                start,
                refutation,
                accuser,
            } => {
                let Some(accused) = self.known(member, start) else {
                    return Some(member);
                };
                let accuser = self.table.find_short(accuser);
                if let Some(accuser) = accuser {
                    self.news.heard(Item::Accusation { accused, accuser });
                }
                let claim = Claim {
                    start,
                    refutation,
                    standing: Standing::Suspect,
                };
                self.hear_accusation(cx, source, accused, claim, accuser);
            }
            Update::Full(ref record) => {
                if let Some(who) = self.table.find(&record.key) {
                    self.news.heard(Item::Member(who));
                }
                if self.is_likely_record(record) {
                    self.hear_record(cx, Some(source), record);
                } else {
                    self.notice_forged(cx, Some(source));
                }
            }
        }
        None
    }

    /// The member with this short key, unless it or this life of it is unknown.
    fn known(&self, member: Short, start: u64) -> Option<Who> {
        let who = self.table.find_short(member)?;
        (who == self.me || start <= self.table[who].incarnation.start).then_some(who)
    }

    /// Somebody's probe failed. Only members are believed to have probed, and only about the
    /// refutation that they knew.
    fn hear_accusation(
        &mut self,
        cx: &mut Cx<'_>,
        source: Who,
        accused: Who,
        claim: Claim,
        accuser: Option<Who>,
    ) {
        if accused == self.me {
            return self.hear_claim(cx, Some(source), accused, claim);
        }
        let entry = &self.table[accused];
        let current =
            entry.incarnation.start == claim.start && entry.refutation == claim.refutation;
        if let Some(accuser) = accuser.filter(|accuser| current && *accuser != self.me) {
            self.accuse(cx, accused, accuser);
        }
    }
}
