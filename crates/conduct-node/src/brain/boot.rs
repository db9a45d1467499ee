//! How a node begins: what it makes of its settings and of what it finds on its disk.

use bytes::Bytes;
use conduct_gossip::{
    Boot, Card, Command, DiskRecord, Membership, Profile as Timing, Record, Register, Settings,
    Standing, VOTERS_MAX,
};
use conduct_model::{Incarnation, Now, RequestId, System};
use conduct_scheduler::{
    ExecutionRecord, Host, HostDuty, HostInput, HostRestored, HostSettings, Promise, RoleRule,
    Scheduler, Version,
};
use conduct_state::{Pool, State, Tidy, WriterId};

use super::reporting::Own;
use super::shelf::{Found, state_key};
use super::{Alarms, Brain, Work};
use crate::archives::Archives;
use crate::book::Book;
use crate::config::{Config, Profile, RoleMatching};
use crate::confirm::Confirms;
use crate::copies::Copies;
use crate::dice::{Dice, mixed};
use crate::disk::Disk;
use crate::event::EventKind;
use crate::journal::Journal;
use crate::outbox::Outbox;
use crate::poison::Poison;
use crate::requests::{Entry, Remembered, Requests, Stage};
use crate::restored::{Folder, Restored, Settled};
use crate::sync::Sync;

/// What is to be done in the first step.
pub(super) struct Awakening {
    state: Vec<(Bytes, Bytes)>,
    folder: Folder,
    strays: u32,
    first_start: bool,
}

/// The start of the life that begins now: what this daemon counts its turns from. The others may
/// know of a later one; then what it says is lifted to that.
fn next_start(records: &[DiskRecord]) -> u64 {
    let start = |record: &DiskRecord| match record {
        DiskRecord::Start(start) => Some(*start),
        _ => None,
    };
    records.iter().filter_map(start).max().unwrap_or(0) + 1
}

/// The nonce of a life that was made with this seed: no two lives share it.
fn nonce(seed: u64) -> u64 {
    mixed(&[seed, 0x6e6f_6e63_6521])
}

impl Brain {
    /// A node in the first moment of its life, before it has done anything.
    pub(crate) fn begin(
        now: Now,
        config: Config,
        seed: u64,
        restored: Restored,
        pool: Option<Pool>,
    ) -> Brain {
        let mut dice = Dice::new(seed);
        let mut found = Found::sort(restored.records);
        let mut said = Vec::new();
        let first_start = found.gossip.is_empty() && restored.settled.is_none();
        let start = next_start(&found.gossip);
        let boot = match &restored.settled {
            Some(settled) => warm(settled),
            None => Boot::Disk(std::mem::take(&mut found.gossip)),
        };
        let settings = settings(&config, seed, dice.bits());
        let membership = Membership::new(settings, boot, now.time, &mut said);
        let awakening = Awakening {
            state: found.state,
            folder: restored.folder,
            strays: found.strays,
            first_start,
        };
        Brain {
            awakening: Some(awakening),
            me: config.key,
            now,
            out: Vec::new(),
            work: said.into_iter().map(Work::Membership).collect(),
            state: State::new(config.key, WriterId::from_u64(dice.bits())),
            scheduler: scheduler(now, &config, start, found.promises),
            host: host(&config, start, found.executions, found.fences),
            disk: Disk::new(),
            outbox: Outbox::default(),
            book: Book::default(),
            reaches: Default::default(),
            sync: Sync::new(now.time),
            tidy: Tidy::default(),
            confirms: Confirms::new(),
            requests: requests(found.requests),
            archives: Archives::new(),
            askers: Vec::new(),
            copies: Copies::new(),
            journal: Journal::new(config.key),
            poison: Poison::new(&restored.crashes),
            hands: Default::default(),
            own: Own::new(start, config.capacity),
            quarantine: None,
            departure: None,
            alarms: Alarms::new(),
            ended: false,
            pool,
            membership,
            config,
            dice,
        }
    }

    /// The first step of a life: what was on disk is read. Not before, since a record that panics
    /// its reader has to be named by what this node was handling.
    pub(super) fn awake(&mut self) {
        let Some(awakening) = self.awakening.take() else {
            return;
        };
        self.restore_state(awakening.state, awakening.folder);
        self.note_reaches();
        if awakening.strays > 0 {
            let (entries, why) = (
                awakening.strays,
                "nothing that this version writes".to_owned(),
            );
            self.tell(EventKind::StateDamaged { entries, why });
        }
        self.introduce(awakening.first_start);
    }

    /// Fills the state with what was on disk, as far as that can be believed.
    fn restore_state(&mut self, entries: Vec<(Bytes, Bytes)>, folder: Folder) {
        let drawn = WriterId::from_u64(self.dice.bits());
        let old: Vec<Bytes> = entries.iter().map(|(key, _)| key.clone()).collect();
        let restored = State::restore(self.me, drawn, entries);
        self.state = restored.state;
        if let Some(pool) = &self.pool {
            self.state.share(pool.clone());
        }
        let damaged = !restored.damage.is_empty();
        if let Some(first) = restored.damage.first() {
            let (entries, why) = (restored.damage.len() as u32, first.why.to_string());
            self.tell(EventKind::StateDamaged { entries, why });
        }
        if let Some(salvage) = restored.salvage
            && self.is_alone()
        {
            // Nobody else could fill the gaps.
            let _ = self.state.adopt(salvage);
        }
        if damaged || old.is_empty() {
            for key in old {
                self.disk.write(state_key(&key), None);
            }
            self.write_state(self.state.snapshot());
        } else if folder == Folder::Repaired {
            self.own.new_writer_wanted = true;
        }
        self.read_records();
    }

    /// Reads everything that the state holds, at the start of a life.
    fn read_records(&mut self) {
        for (key, record) in self.state.readings() {
            match &record {
                Some(record) if self.is_poison(record.payload()) => {
                    self.book.leave_unread(&key);
                    continue;
                }
                Some(record) => self.poison.begin_record(record.payload()),
                None => {}
            }
            // What is not understood is listed in the book.
            let _ = self.book.follow(&self.config, &key, record.as_deref());
            self.poison.end_record();
        }
    }

    /// An empty state, as when nothing was on disk.
    pub(super) fn boot_state(&self, writer: WriterId) -> State {
        let mut state = State::new(self.me, writer);
        if let Some(pool) = &self.pool {
            state.share(pool.clone());
        }
        state
    }

    /// Whether this node knows of no other.
    fn is_alone(&self) -> bool {
        self.membership
            .members()
            .all(|member| member.key == self.me)
    }

    /// Lets the machines know what they need before anything happens.
    fn introduce(&mut self, first_start: bool) {
        self.new_writer_if_wanted();
        self.pass_host(HostInput::Capacity(self.config.capacity));
        let drained = self.book.drained.contains(&self.me);
        self.pass_host(HostInput::Close {
            why: conduct_scheduler::Closed::Draining,
            closed: drained,
        });
        self.hand_over_all_assignments();
        if let Some(register) = self.membership.voters() {
            let keys = register.keys().iter().copied().collect();
            let voters = conduct_model::Voters {
                epoch: register.epoch,
                keys,
            };
            self.pass_scheduler(conduct_scheduler::Input::Voters(voters));
        }
        if first_start && self.config.seeds.is_empty() && self.config.duty.is_core() {
            // Nobody to ask: this node is the cluster. Only a node that belongs to none may.
            let _ = self.member_command(Command::Bootstrap);
        }
    }
}

fn settings(config: &Config, seed: u64, dice: u64) -> Settings {
    Settings {
        key: config.key,
        card: card(config.address, config.duty),
        profile: match config.profile {
            Profile::Lan => Timing::LAN,
            Profile::Wan => Timing::WAN,
        },
        seeds: config.seeds.clone(),
        nonce: nonce(seed),
        dice,
        update_bytes_max: conduct_wire::DATAGRAM_BYTES_MAX - MEMBERSHIP_BYTES,
    }
}

/// What a membership message takes beside its news: headers of packet and section, and its own.
const MEMBERSHIP_BYTES: usize = 100;

fn card(address: std::net::SocketAddr, duty: crate::config::Duty) -> Card {
    Card {
        address,
        core: duty.is_core(),
        agent: duty.runs_instances(),
        note: Vec::new(),
    }
}

/// Membership of a node that has been in a cluster for long.
fn warm(settled: &Settled) -> Boot {
    let record = |(seat, member): (usize, &crate::restored::SettledMember)| Record {
        key: member.key,
        incarnation: Incarnation {
            start: 1,
            nonce: nonce(member.seed),
        },
        refutation: 0,
        standing: Standing::Alive,
        seat: seat as u32,
        card: card(member.address, member.duty),
    };
    let members: Vec<Record> = settled.members.iter().enumerate().map(record).collect();
    let cores = members.iter().filter(|member| member.card.core);
    let voters = cores.map(|member| member.key).take(VOTERS_MAX).collect();
    Boot::Warm {
        start: 1,
        register: Register::new(1, 1, voters),
        members,
    }
}

fn scheduler(now: Now, config: &Config, start: u64, promises: Vec<(System, Promise)>) -> Scheduler {
    Scheduler::new(now.time, (config.key, start), role_rule(config), promises)
}

/// How roles decide where bundles may run.
pub(super) fn role_rule(config: &Config) -> RoleRule {
    match config.role_matching {
        RoleMatching::Off => RoleRule::Ignored,
        RoleMatching::All => RoleRule::All,
        RoleMatching::Any => RoleRule::Any,
    }
}

fn host(
    config: &Config,
    start: u64,
    executions: Vec<ExecutionRecord>,
    fences: Vec<(System, Version)>,
) -> Host {
    let duty = match config.duty.runs_instances() {
        true => HostDuty::Runs,
        false => HostDuty::RunsNothing,
    };
    let settings = HostSettings {
        me: config.key,
        start,
        roles: config.roles.clone(),
        kinds: config.kinds.iter().copied().collect(),
        duty,
    };
    Host::new(settings, HostRestored { executions, fences })
}

fn requests(found: Vec<(RequestId, Remembered)>) -> Requests {
    let mut requests = Requests::default();
    let mut found = found;
    found.sort_by_key(|(id, remembered)| (remembered.at, *id));
    for (id, remembered) in found {
        // What is forgotten here is forgotten on disk with the next of its kind.
        let _ = requests.insert(
            id,
            Entry {
                remembered,
                stage: Stage::Open,
            },
        );
    }
    requests
}
