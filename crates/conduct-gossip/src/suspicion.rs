//! Suspicion: somebody's probe failed. The more accusers, the shorter it lasts; only who accuses
//! from its own experience ends it with a verdict.

use std::collections::BTreeMap;

use conduct_model::{NodeKey, Span, Time};

use crate::claims::Claim;
use crate::effect::Notice;
use crate::identity::{Short, Standing};
use crate::membership::{Cx, Membership};
use crate::message::{Body, Class};
use crate::news::Item;
use crate::profile::Profile;
use crate::round::Errand;
use crate::table::Who;

/// Accusers of one member that are remembered.
const ACCUSERS_MAX: usize = 3;
/// Members that may be suspected at one moment; beyond, suspicion begins a little later.
const SUSPICIONS_MAX: usize = 4_096;
/// Accusers whose mistakes are counted.
const COUNTED_MAX: usize = 256;
/// So many refuted accusations within [`MISTAKES_WITHIN`] and an accuser is not listened to.
const MISTAKES_MAX: u32 = 8;
const MISTAKES_WITHIN: Span = Span::secs(10);
/// A second witness comes by itself within this, or a voter is asked.
const WITNESS_WITHIN: Span = Span::millis(200);
/// A suspect is asked by stream once more this long before the verdict.
const LAST_CHANCE: Span = Span::millis(600);

/// One suspected member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suspicion {
    /// How the member stood.
    before: Standing,
    began: Time,
    /// When it ends in a verdict, if this node is one of the accusers.
    deadline: Time,
    accusers: [Option<Who>; ACCUSERS_MAX],
    own: bool,
    last_chance: bool,
    /// Who was first to say that the member is gone altogether, and when that was doubted last.
    witness: Option<(Who, Time)>,
}

/// What is to be done about a suspicion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Ask by stream once more.
    LastChance,
    /// Somebody says that the member is gone: ask a voter whether it is.
    AskVoter,
    /// The member is unreachable.
    Verdict,
    /// Nobody came to a verdict.
    Drop,
}

/// All suspected members, and who was wrong how often.
#[derive(Debug, Default)]
pub(crate) struct Suspicions {
    suspected: BTreeMap<Who, Suspicion>,
    mistakes: BTreeMap<Who, (Time, u32)>,
}

impl Suspicion {
    /// Remembers an accuser; tells whether it is a new one that there was room for.
    fn add_accuser(&mut self, accuser: Who) -> bool {
        if self.accusers.contains(&Some(accuser)) {
            return false;
        }
        let place = self.accusers.iter_mut().find(|place| place.is_none());
        place.map(|place| *place = Some(accuser)).is_some()
    }

    fn due(&self, now: Time, stale: Span) -> Option<Step> {
        if self
            .witness
            .is_some_and(|(_, asked)| now.since(asked) >= WITNESS_WITHIN)
        {
            return Some(Step::AskVoter);
        }
        if !self.own {
            return (now.since(self.began) >= stale).then_some(Step::Drop);
        }
        if self.deadline <= now {
            return Some(Step::Verdict);
        }
        let last_chance = !self.last_chance && self.deadline <= now + LAST_CHANCE;
        last_chance.then_some(Step::LastChance)
    }
}

/// A thousand times the logarithm of `number` to the base ten, in whole numbers.
pub(crate) fn log10_milli(number: usize) -> u64 {
    let number = number.max(1) as u64;
    let whole = number.ilog2();
    let mut rest = number << (31 - whole);
    let mut log = u64::from(whole);
    for _ in 0..16 {
        rest = (rest * rest) >> 31;
        log <<= 1;
        if rest >= 2 << 31 {
            rest >>= 1;
            log |= 1;
        }
    }
    (log * 30_103 + (100 << 15)) / (100 << 16)
}

/// How often a piece of news is told.
pub(crate) fn retransmits(profile: &Profile, members: usize) -> u32 {
    let mut reach = 1;
    let mut rounds = 0;
    while reach < members + 1 {
        reach *= 10;
        rounds += 1;
    }
    profile.retransmit_factor * rounds.max(1)
}

/// How long a suspicion lasts with this many accusers beyond the first.
pub(crate) fn suspicion_lasts(profile: &Profile, members: usize, confirmations: usize) -> Span {
    let unit = profile.probe_every.as_millis() * profile.suspicion_factor;
    let shortest = unit * log10_milli(members).max(1_000) / 1_000;
    let wanted = profile.confirmations;
    // With so few members there is nobody left to confirm.
    if members < wanted + 2 || confirmations >= wanted {
        return Span::millis(shortest);
    }
    let longest = shortest * profile.suspicion_stretch;
    let share = log10_milli(confirmations + 1) * 1_000 / log10_milli(wanted + 1);
    Span::millis(longest - (longest - shortest) * share / 1_000)
}

impl Suspicions {
    pub(crate) fn is_empty(&self) -> bool {
        self.suspected.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.suspected.len()
    }

    pub(crate) fn accused_by(&self, accused: Who, accuser: Who) -> bool {
        self.suspected
            .get(&accused)
            .is_some_and(|suspicion| suspicion.accusers.contains(&Some(accuser)))
    }

    /// Whether this node's own probe failed.
    pub(crate) fn is_own(&self, who: Who) -> bool {
        self.suspected
            .get(&who)
            .is_some_and(|suspicion| suspicion.own)
    }

    /// Whether another than `source` already said that this member is gone.
    pub(crate) fn second_witness(&self, who: Who, source: Who) -> bool {
        self.suspected
            .get(&who)
            .and_then(|suspicion| suspicion.witness)
            .is_some_and(|(first, _)| first != source)
    }

    pub(crate) fn set_witness(&mut self, now: Time, who: Who, source: Who) {
        if let Some(suspicion) = self.suspected.get_mut(&who) {
            suspicion.witness.get_or_insert((source, now));
        }
    }

    pub(crate) fn forget(&mut self, who: Who) {
        self.suspected.remove(&who);
        self.mistakes.remove(&who);
        for suspicion in self.suspected.values_mut() {
            for accuser in &mut suspicion.accusers {
                accuser.take_if(|accuser| *accuser == who);
            }
            suspicion.witness.take_if(|(witness, _)| *witness == who);
        }
    }

    /// All suspicions last `by` longer: this node stood still.
    pub(crate) fn postpone(&mut self, by: Span) {
        for suspicion in self.suspected.values_mut() {
            suspicion.began += by;
            suspicion.deadline += by;
        }
    }

    fn is_heard(&self, now: Time, accuser: Who) -> bool {
        self.mistakes.get(&accuser).is_none_or(|(since, count)| {
            *count < MISTAKES_MAX || now.since(*since) >= MISTAKES_WITHIN
        })
    }

    /// Counts a mistake; tells whether it is the one too many.
    fn count_mistake(&mut self, now: Time, accuser: Who) -> bool {
        if self.mistakes.len() == COUNTED_MAX && !self.mistakes.contains_key(&accuser) {
            self.mistakes
                .retain(|_, (since, _)| now.since(*since) < MISTAKES_WITHIN);
            if self.mistakes.len() == COUNTED_MAX {
                return false;
            }
        }
        let (since, count) = self.mistakes.entry(accuser).or_insert((now, 0));
        if now.since(*since) >= MISTAKES_WITHIN {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count == MISTAKES_MAX
    }
}

impl Membership {
    /// A probe of `accuser`'s got no answer from `accused`.
    pub(crate) fn accuse(&mut self, cx: &mut Cx<'_>, accused: Who, accuser: Who) {
        let own = accuser == self.me;
        let entry = &self.table[accused];
        if accused == self.me || !entry.standing.is_present() {
            return;
        }
        if !own && !self.suspicions.is_heard(cx.now, accuser) {
            return;
        }
        let before = entry.standing;
        let known = self.suspicions.suspected.contains_key(&accused);
        if !known && self.suspicions.len() == SUSPICIONS_MAX {
            return;
        }
        let members = self.table.present();
        let suspicion = self
            .suspicions
            .suspected
            .entry(accused)
            .or_insert(Suspicion {
                before,
                began: cx.now,
                deadline: Time::NEVER,
                accusers: [None; ACCUSERS_MAX],
                own: false,
                last_chance: false,
                witness: None,
            });
        let counted = suspicion.add_accuser(accuser);
        let first_own = own && !suspicion.own;
        if !counted && !first_own {
            return;
        }
        suspicion.own |= own;
        let confirmations = suspicion
            .accusers
            .iter()
            .flatten()
            .count()
            .saturating_sub(1);
        suspicion.deadline =
            suspicion.began + suspicion_lasts(&self.settings.profile, members, confirmations);
        if !known {
            let entry = &self.table[accused];
            let claim = Claim {
                start: entry.incarnation.start,
                refutation: entry.refutation,
                standing: Standing::Suspect,
            };
            self.apply(cx, accused, claim);
            self.damping
                .disturb(accused, cx.now, self.settings.profile.flap_quiet);
        }
        if counted {
            self.news.tell(Item::Accusation { accused, accuser });
        }
        if first_own {
            self.begin_round(cx, accused, Errand::Fallback);
        } else if !own && !self.suspicions.is_own(accused) {
            self.rotation.hurry(accused);
        }
    }

    /// The member is no suspect any more; where it refuted, its accusers were wrong.
    pub(crate) fn end_suspicion(&mut self, cx: &mut Cx<'_>, who: Who, refuted: bool) {
        let Some(suspicion) = self.suspicions.suspected.remove(&who) else {
            return;
        };
        if !refuted {
            return;
        }
        let me = self.me;
        for accuser in suspicion
            .accusers
            .into_iter()
            .flatten()
            .filter(|by| *by != me)
        {
            if self.suspicions.count_mistake(cx.now, accuser) {
                let key = self.table[accuser].key;
                self.notice(cx, Notice::FalseAccuser(key));
            }
        }
    }

    /// Ends suspicions whose time has come: ours with a verdict, others' silently.
    pub(crate) fn judge_suspects(&mut self, cx: &mut Cx<'_>) {
        let stale = suspicion_lasts(&self.settings.profile, self.table.present(), 0).times(2);
        let mut due = Vec::new();
        for (who, suspicion) in &self.suspicions.suspected {
            let step = suspicion.due(cx.now, stale);
            due.extend(step.map(|step| (*who, step)));
        }
        for (who, step) in due {
            self.take_step(cx, who, step);
        }
    }

    /// Asks one of the voters how this member stands: that is another witness.
    fn ask_voter_about(&mut self, cx: &mut Cx<'_>, who: Who) {
        let witness = self
            .suspicions
            .suspected
            .get(&who)
            .and_then(|suspicion| suspicion.witness);
        let is_fit = |key: &NodeKey| {
            let other = self.table.find(key);
            other != Some(who) && other != witness.map(|(witness, _)| witness)
        };
        let mut voters = self.other_voters();
        voters.retain(|key| is_fit(key) && self.links.is_up(key));
        self.dice.draw(&mut voters, 1);
        if let Some(voter) = voters.pop() {
            let members = vec![Short::of(&self.table[who].key)];
            self.send(cx, voter, Class::Datagram, Body::Ask { members });
        }
    }

    fn take_step(&mut self, cx: &mut Cx<'_>, who: Who, step: Step) {
        let profile = self.settings.profile;
        let entry = &self.table[who];
        let (start, refutation) = (entry.incarnation.start, entry.refutation);
        let still_heard = entry.heard_within(cx.now, profile.first_hand);
        let Some(suspicion) = self.suspicions.suspected.get_mut(&who) else {
            return;
        };
        match step {
            Step::LastChance => {
                suspicion.last_chance = true;
                self.begin_round(cx, who, Errand::Fallback);
            }
            Step::AskVoter => {
                if let Some((_, asked)) = &mut suspicion.witness {
                    *asked = cx.now;
                }
                self.ask_voter_about(cx, who);
            }
            Step::Verdict if still_heard => {
                suspicion.deadline = cx.now + profile.probe_every;
                self.tell_accused(cx, who, refutation);
            }
            Step::Verdict => {
                let standing = Standing::Unreachable;
                self.apply(
                    cx,
                    who,
                    Claim {
                        start,
                        refutation,
                        standing,
                    },
                );
            }
            Step::Drop => {
                let standing = suspicion.before;
                self.suspicions.suspected.remove(&who);
                self.apply(
                    cx,
                    who,
                    Claim {
                        start,
                        refutation,
                        standing,
                    },
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_right_to_a_thousandth() {
        for (number, log) in [
            (1, 0),
            (2, 301),
            (3, 477),
            (10, 1_000),
            (11, 1_041),
            (1_000, 3_000),
        ] {
            assert!(
                log10_milli(number).abs_diff(log) <= 1,
                "{number}: {}",
                log10_milli(number)
            );
        }
    }

    #[test]
    fn more_accusers_and_fewer_members_make_a_suspicion_shorter() {
        let lasts = |members, accusers: usize| {
            suspicion_lasts(&Profile::LAN, members, accusers - 1).as_millis()
        };
        assert_eq!(lasts(3, 1), 1_200, "there is nobody to confirm");
        assert_eq!(lasts(10, 3), 1_200);
        assert_eq!(lasts(10, 1), 4_800);
        assert!((2_500..2_600).contains(&lasts(10, 2)));
        assert_eq!(lasts(100, 3), 2_400);
        assert_eq!(lasts(1_000, 3), 3_600);
    }

    #[test]
    fn news_are_told_more_often_where_more_members_are() {
        let times = |members| retransmits(&Profile::LAN, members);
        assert_eq!(
            [3, 9, 10, 100, 999, 1_000].map(times),
            [6, 6, 12, 18, 18, 24]
        );
    }
}
