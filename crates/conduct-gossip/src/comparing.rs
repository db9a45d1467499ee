//! Members in full: for those who do not know them, and where two views stay different.

use conduct_model::{NodeKey, Span};

use crate::gossip::ASKED_MAX;
use crate::identity::{Record, Short, Standing};
use crate::membership::{Cx, Membership};
use crate::message::{Body, Class};
use crate::table::GROUPS;

/// Members in one message of many.
pub(crate) const RECORDS_MAX: usize = 512;
/// Two views may differ this long before they are compared: news are still on the way.
const COMPARE_AFTER: Span = Span::millis(600);
/// A difference this long ago was another one.
const DIFFERENCE_FORGOTTEN: Span = Span::secs(3);

impl Membership {
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
        let first = cx.now.since(self.timers.compare) > DIFFERENCE_FORGOTTEN;
        self.timers.compare = cx.now + COMPARE_AFTER + self.dice.span(COMPARE_AFTER);
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
            if self.is_likely_record(record) {
                self.hear_record(cx, source, record);
            } else {
                self.refuse_forged(cx, from);
            }
        }
        if groups != 0 {
            self.send_records(cx, from, groups, 0);
        }
    }
}
