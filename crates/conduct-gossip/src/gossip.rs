//! News between members: told on the back of probes and on ticks of its own, and compared where
//! two views stay different.

use conduct_model::{NodeKey, Span};

use crate::claims::Claim;
use crate::identity::{Record, Short, Standing};
use crate::membership::{Cx, Membership};
use crate::message::{Body, Class, Update};
use crate::news::Item;
use crate::suspicion::retransmits;
use crate::table::{GROUPS, Who};

/// Members asked for, or told, in one message about unknown ones.
const ASKED_MAX: usize = 32;
/// Members in one message of many.
pub(crate) const RECORDS_MAX: usize = 512;
/// Two views may differ this long before they are compared: news are still on the way.
const COMPARE_EVERY: Span = Span::secs(1);

impl Membership {
    /// Tells a few members the news, as long as there are any.
    pub(crate) fn gossip_due(&mut self, cx: &mut Cx<'_>) {
        if cx.now < self.timers.gossip || self.news.is_empty() {
            return;
        }
        self.timers.gossip = cx.now + self.settings.profile.gossip_every;
        for key in self.gossip_targets(self.settings.profile.fan_out) {
            let updates = self.take_updates();
            self.send(cx, key, Class::Datagram, Body::Gossip { updates });
        }
    }

    /// Up to `count` members to tell news to, drawn from those that connections stand to.
    pub fn gossip_targets(&mut self, count: usize) -> Vec<NodeKey> {
        let targets = self
            .rotation
            .targets()
            .iter()
            .map(|target| &self.table[target.who]);
        let near = targets.filter(|entry| entry.standing.is_present());
        let mut near: Vec<NodeKey> = near
            .map(|entry| entry.key)
            .filter(|key| self.links.is_up(key))
            .collect();
        self.dice.draw(&mut near, count);
        near
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
        let mut unknown = Vec::new();
        for update in updates {
            match update {
                Update::Brief {
                    member,
                    start,
                    refutation,
                    standing,
                } => {
                    let (start, refutation, standing) = (*start, *refutation, *standing);
                    match self.known(*member, start) {
                        None => unknown.push(*member),
                        Some(who) => {
                            let claim = Claim {
                                start,
                                refutation,
                                standing,
                            };
                            self.hear_claim(cx, Some(source), who, claim);
                        }
                    }
                }
                Update::Suspicion {
                    member,
                    start,
                    refutation,
                    accuser,
                } => {
                    let accuser = self.table.find_short(*accuser);
                    match self.known(*member, *start) {
                        None => unknown.push(*member),
                        Some(who) => {
                            let claim = (*start, *refutation);
                            self.hear_accusation(cx, source, who, claim, accuser);
                        }
                    }
                }
                Update::Full(record) => self.hear_record(cx, Some(source), record),
            }
        }
        unknown.truncate(ASKED_MAX);
        if !unknown.is_empty() && cx.now >= self.timers.ask_members {
            self.timers.ask_members = cx.now + self.settings.profile.gossip_every;
            let key = self.table[source].key;
            self.send(cx, key, Class::Stream, Body::Ask { members: unknown });
        }
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
        (start, refutation): (u64, u32),
        accuser: Option<Who>,
    ) {
        if accused == self.me {
            let claim = Claim {
                start,
                refutation,
                standing: Standing::Suspect,
            };
            return self.hear_claim(cx, Some(source), accused, claim);
        }
        let entry = &self.table[accused];
        let current = entry.incarnation.start == start && entry.refutation == refutation;
        if let Some(accuser) = accuser.filter(|accuser| current && *accuser != self.me) {
            self.accuse(cx, accused, accuser);
        }
    }

    /// Somebody does not know these members.
    pub(crate) fn hear_ask(&mut self, cx: &mut Cx<'_>, from: NodeKey, members: &[Short]) {
        let members = members.iter().take(ASKED_MAX);
        let known = members.filter_map(|member| self.table.find_short(*member));
        let told = known.filter(|who| self.table[*who].standing != Standing::Unknown);
        let records: Vec<Record> = told.map(|who| self.table.record(who)).collect();
        if !records.is_empty() {
            self.send(
                cx,
                from,
                Class::Stream,
                Body::Records { records, groups: 0 },
            );
        }
    }

    /// Another member's view, by its hash: where it stays different, the views are compared.
    pub(crate) fn hear_view(&mut self, cx: &mut Cx<'_>, from: NodeKey, view: [u8; 4]) {
        if view == self.table.view() || cx.now < self.timers.compare || !self.news.is_empty() {
            return;
        }
        // The first difference only starts the clock.
        let first = cx.now.since(self.timers.compare) > COMPARE_EVERY.times(2);
        self.timers.compare = cx.now + COMPARE_EVERY + self.dice.span(COMPARE_EVERY);
        if !first {
            let groups = self.table.groups();
            self.send(cx, from, Class::Stream, Body::Compare { groups });
        }
    }

    /// Another member wants to know where our views differ.
    pub(crate) fn hear_compare(&mut self, cx: &mut Cx<'_>, from: NodeKey, groups: &[[u8; 4]]) {
        let own = self.table.groups();
        if groups.len() != GROUPS {
            return;
        }
        let differ = (0..GROUPS).filter(|group| own[*group] != groups[*group]);
        let differ = differ.fold(0, |all, group| all | 1 << group);
        self.send_records(cx, from, differ, differ);
    }

    /// Sends all members of some groups, and asks for the other side's members of `back`.
    pub(crate) fn send_records(&mut self, cx: &mut Cx<'_>, to: NodeKey, groups: u32, back: u32) {
        let records: Vec<Record> = self.table.records_in(groups).collect();
        let mut parts = records.chunks(RECORDS_MAX).peekable();
        if parts.peek().is_none() && back != 0 {
            self.send(
                cx,
                to,
                Class::Stream,
                Body::Records {
                    records: Vec::new(),
                    groups: back,
                },
            );
        }
        while let Some(part) = parts.next() {
            let groups = if parts.peek().is_none() { back } else { 0 };
            let records = part.to_vec();
            self.send(cx, to, Class::Stream, Body::Records { records, groups });
        }
    }

    /// Members in full: after joining, after asking, after comparing.
    pub(crate) fn hear_records(
        &mut self,
        cx: &mut Cx<'_>,
        from: NodeKey,
        records: &[Record],
        groups: u32,
    ) {
        let source = self.table.find(&from);
        for record in records.iter().take(RECORDS_MAX) {
            self.hear_record(cx, source, record);
        }
        if groups != 0 {
            self.send_records(cx, from, groups, 0);
        }
    }
}
