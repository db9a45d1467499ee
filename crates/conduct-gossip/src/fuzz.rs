//! Any sequence of inputs, made of any bytes: the machine may refuse what it is told, but it
//! never panics, never lets its own life fall, and never grows beyond its bounds.

use conduct_model::{Digest, Incarnation, NodeKey, Span, Time};

use crate::ballot::{Accepted, Ballot};
use crate::bounds::{ROUND_MAX, START_JUMP_MAX, START_MAX};
use crate::effect::{Effect, Ticket, Token};
use crate::identity::{Card, Record, Short, Standing};
use crate::interface::{Boot, Command, Link, Settings};
use crate::membership::Membership;
use crate::message::{Body, Found, Header, Message, Opinion, Refusal, Update, Vote};
use crate::profile::Profile;
use crate::register::Register;

/// Peers that appear in a run.
const PEERS: u8 = 6;
/// Inputs of one run.
const INPUTS_MAX: usize = 2_000;

/// Bytes read as decisions; when they end, all further decisions are zero.
struct Source<'a> {
    bytes: &'a [u8],
}

/// One run: every rule is asserted after every input.
pub fn run(bytes: &[u8]) {
    let mut source = Source { bytes };
    let mut out = Vec::new();
    let mut now = Time::from_millis(1_000);
    let mut machine = booted(&mut source, now, &mut out);
    let mut held = (0, 0);
    let mut tokens = Vec::new();
    let mut tickets = Vec::new();
    for _ in 0..INPUTS_MAX {
        if source.bytes.is_empty() {
            break;
        }
        now += Span::millis(u64::from(source.byte()) * u64::from(source.byte() % 16));
        for effect in out.drain(..) {
            match effect {
                Effect::Persist { token, .. } => tokens.push(token),
                Effect::Sync { ticket, with } => tickets.push((ticket, with)),
                _ => {}
            }
        }
        step(
            &mut machine,
            &mut source,
            now,
            &mut tokens,
            &mut tickets,
            &mut out,
        );
        held = check(&machine, held);
    }
}

/// The own life only rises, and nothing outgrows its bound.
fn check(machine: &Membership, held: (u64, u32)) -> (u64, u32) {
    let own = (machine.incarnation().start, machine.refutation());
    assert!(own >= held, "S2: {own:?} after {held:?}");
    let sizes = machine.sizes();
    let peers = usize::from(PEERS) + 1;
    assert!(
        sizes.members <= peers && sizes.suspicions <= peers,
        "S18: {sizes:?}"
    );
    assert!(
        sizes.cases <= peers && sizes.news <= 6 * peers,
        "S18: {sizes:?}"
    );
    assert!(sizes.rounds <= crate::round::ROUNDS_MAX, "S18: {sizes:?}");
    own
}

fn booted(source: &mut Source<'_>, now: Time, out: &mut Vec<Effect>) -> Membership {
    let settings = Settings {
        key: key(0),
        card: source.card(),
        profile: Profile::LAN,
        seeds: Vec::new(),
        nonce: source.number(),
        dice: source.number(),
        update_bytes_max: 300,
    };
    let boot = if source.byte().is_multiple_of(2) {
        Boot::Disk(Vec::new())
    } else {
        let member = |no| {
            let mut record = source.record();
            record.key = key(no);
            record.incarnation = Incarnation {
                start: 1,
                nonce: u64::from(no) << 48,
            };
            record.standing = Standing::Alive;
            record
        };
        let members = (0..=PEERS).map(member).collect();
        let register = Register::new(7, 1, (0..4).map(key).collect());
        Boot::Warm {
            start: 1,
            register,
            members,
        }
    };
    Membership::new(settings, boot, now, out)
}

fn step(
    machine: &mut Membership,
    source: &mut Source<'_>,
    now: Time,
    tokens: &mut Vec<Token>,
    tickets: &mut Vec<(Ticket, NodeKey)>,
    out: &mut Vec<Effect>,
) {
    match source.byte() % 16 {
        0..3 => machine.tick(now, out),
        3..11 => {
            let (from, message) = (source.peer(), source.message());
            machine.message(now, from, message, out);
        }
        11 => {
            let link = source.link();
            machine.link(now, source.peer(), link, out);
        }
        12 | 13 => {
            if let Some(token) = tokens.pop() {
                if source.byte() < 200 {
                    machine.stored(now, token, out);
                } else {
                    machine.store_failed(now, token, out);
                }
            }
        }
        14 => {
            if let Some((ticket, with)) = tickets.pop() {
                machine.synced(now, ticket, with, out);
            }
        }
        _ => {
            let command = source.command();
            // A command that makes no sense is refused: that is one of the outcomes.
            let _refused = machine.command(now, command, out).is_err();
        }
    }
}

fn key(no: u8) -> NodeKey {
    NodeKey::from_digest(Digest::of(&[no]))
}

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        *first
    }

    /// Mostly small, now and then anything, or at an edge where counting ends.
    fn number(&mut self) -> u64 {
        match self.byte() {
            244..=249 => self.edge(),
            250..=255 => (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte())),
            small => u64::from(small % 4),
        }
    }

    /// A few more or less than a number that something is bounded by.
    fn edge(&mut self) -> u64 {
        let edges = [
            0,
            START_JUMP_MAX,
            START_MAX,
            u64::from(ROUND_MAX),
            u64::from(u32::MAX),
            u64::from(u32::MAX) << 32 | u64::from(u32::MAX),
        ];
        let edge = edges[usize::from(self.byte()) % edges.len()];
        edge.wrapping_add(u64::from(self.byte() % 6))
            .wrapping_sub(3)
    }

    fn small(&mut self) -> u32 {
        u32::try_from(self.number() & u64::from(u32::MAX)).unwrap_or_default()
    }

    fn peer(&mut self) -> NodeKey {
        key(self.byte() % (PEERS + 1))
    }

    fn short(&mut self) -> Short {
        Short::of(&self.peer())
    }

    fn tag(&mut self) -> [u8; 2] {
        [0, self.byte() % (PEERS + 1)]
    }

    fn seq(&mut self) -> u16 {
        u16::from(self.byte() % 64)
    }

    fn standing(&mut self) -> Standing {
        [
            Standing::Unknown,
            Standing::Joining,
            Standing::Alive,
            Standing::Leaving,
            Standing::Suspect,
            Standing::Unreachable,
            Standing::Restarting,
            Standing::Down,
            Standing::Left,
        ][usize::from(self.byte() % 9)]
    }

    fn card(&mut self) -> Card {
        let address = std::net::SocketAddr::from(([10, 0, 0, self.byte() % 3], 9004));
        let core = !self.byte().is_multiple_of(4);
        Card {
            address,
            core,
            agent: true,
            note: vec![0; usize::from(self.byte() % 34).min(32)],
        }
    }

    fn record(&mut self) -> Record {
        Record {
            key: self.peer(),
            incarnation: Incarnation {
                start: self.number(),
                nonce: self.number() << 48,
            },
            refutation: self.small(),
            standing: self.standing(),
            seat: self.small(),
            card: self.card(),
        }
    }

    fn register(&mut self) -> Register {
        let count = 1 + self.byte() % PEERS;
        let keys = (0..count).map(|_| self.peer()).collect();
        Register::new(7, self.number(), keys)
    }

    fn ballot(&mut self) -> Ballot {
        Ballot {
            round: self.small(),
            proposer: self.peer(),
        }
    }

    fn header(&mut self) -> Header {
        Header {
            start: self.number(),
            tag: self.tag(),
            refutation: self.small(),
            standing: self.standing(),
            epoch: self.number(),
            view: [self.byte(); 4],
        }
    }

    fn updates(&mut self) -> Vec<Update> {
        (0..self.byte() % 4).map(|_| self.update()).collect()
    }

    fn update(&mut self) -> Update {
        let (member, start, refutation) = (self.short(), self.number(), self.small());
        match self.byte() % 3 {
            0 => Update::Brief {
                member,
                start,
                refutation,
                standing: self.standing(),
            },
            1 => Update::Suspicion {
                member,
                start,
                refutation,
                accuser: self.short(),
            },
            _ => Update::Full(Box::new(self.record())),
        }
    }

    fn refusal(&mut self) -> Refusal {
        match self.byte() % 6 {
            0 => Refusal::NoCluster,
            1 => Refusal::OtherCluster,
            2 => Refusal::Superseded {
                start: self.number(),
            },
            3 => Refusal::Lingering,
            4 => Refusal::Clone,
            _ => Refusal::Full,
        }
    }

    fn link(&mut self) -> Link {
        [Link::Connected, Link::Connecting, Link::Lost, Link::Refused][usize::from(self.byte() % 4)]
    }

    fn command(&mut self) -> Command {
        match self.byte() % 32 {
            0..12 => Command::Bootstrap,
            12..16 => Command::Change(self.card()),
            16..20 => Command::ForceMajority(vec![key(0), self.peer()]),
            20 => Command::Leave,
            21 => Command::Stop,
            _ => Command::Join(Vec::new()),
        }
    }

    fn message(&mut self) -> Message {
        Message {
            header: self.header(),
            body: self.body(),
        }
    }

    fn body(&mut self) -> Body {
        let contact = Some(u16::from(self.byte()) * 16);
        match self.byte() % 28 {
            0 | 1 => Body::Probe {
                seq: self.seq(),
                chosen: true,
                updates: self.updates(),
            },
            2 | 3 => Body::Answer {
                seq: self.seq(),
                contact,
                updates: self.updates(),
            },
            4 => Body::Relay {
                seq: self.seq(),
                target: self.short(),
            },
            5 => Body::ProbeFor {
                seq: self.seq(),
                origin: self.short(),
                start: self.number(),
            },
            6 => Body::AnswerFor {
                seq: self.seq(),
                contact,
                down: self.byte() > 200,
            },
            7 => {
                let header = self.header();
                let found = Found {
                    header,
                    contact,
                    down: self.byte() > 200,
                };
                Body::Relayed {
                    seq: self.seq(),
                    found: Some(found),
                }
            }
            8 | 9 => Body::Gossip {
                updates: self.updates(),
            },
            10 => Body::Alarm,
            11 => Body::WhoAreYou,
            12 | 13 => Body::Hello {
                cluster: 7 * u64::from(self.byte() % 2),
                record: Box::new(self.record()),
                wants_members: true,
            },
            14 => Body::Welcome {
                register: self.register(),
                previous: None,
                seat: self.small(),
            },
            15 => Body::Refused {
                start: self.number(),
                tag: self.tag(),
                why: self.refusal(),
            },
            16 => Body::YouAreDown {
                start: self.number(),
            },
            17 => Body::Accused {
                refutation: self.small(),
            },
            18 => Body::Ask {
                members: vec![self.short()],
            },
            19 => Body::Compare {
                groups: vec![[self.byte(); 4]; crate::table::GROUPS],
            },
            20 => Body::Records {
                records: vec![self.record()],
                groups: self.small(),
            },
            21 => Body::AskVoters,
            22 => Body::Voters {
                register: self.register(),
                previous: Some(self.register()),
            },
            23 => {
                let (member, start) = (self.short(), self.number());
                let vote = Vote {
                    member,
                    start,
                    age: u16::from(self.byte()) * 32,
                };
                Body::Judge {
                    opinions: vec![Opinion { member, start }],
                    votes: vec![vote],
                }
            }
            24 => Body::Prepare {
                epoch: self.number(),
                ballot: self.ballot(),
            },
            25 => {
                let accepted = Accepted {
                    ballot: self.ballot(),
                    register: self.register(),
                };
                let (epoch, ballot) = (self.number(), self.ballot());
                Body::Promise {
                    epoch,
                    ballot,
                    accepted: Some(accepted),
                }
            }
            26 => Body::Accept {
                ballot: self.ballot(),
                register: self.register(),
            },
            _ => Body::Declined {
                epoch: self.number(),
                ballot: self.ballot(),
                promised: (self.byte() < 200).then(|| self.ballot()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

        #[test]
        fn no_sequence_of_inputs_breaks_a_rule(bytes in proptest::collection::vec(any::<u8>(), 0..4_000)) {
            run(&bytes);
        }

        #[test]
        fn the_same_inputs_have_the_same_effects(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let trace = || {
                let mut source = Source { bytes: &bytes };
                let mut out = Vec::new();
                let mut machine = booted(&mut source, Time::from_millis(1_000), &mut out);
                for round in 0..20 {
                    let now = Time::from_millis(1_000 + 100 * round);
                    machine.message(now, source.peer(), source.message(), &mut out);
                }
                out
            };
            prop_assert_eq!(trace(), trace());
        }
    }
}
