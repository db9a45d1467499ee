//! Does what nodes ask for.

use conduct_node::effect::{Effect, End, LinkOrder};
use conduct_node::input::{Input, StoreFailure};

use super::{Class, Occurrence, World};
use crate::machine::{Outcome, Synced, index_of};
use crate::watch::{Fact, Look, Watch};

impl World {
    /// Carries one effect out.
    pub(crate) fn perform(&mut self, host: usize, effect: Effect) {
        self.watch.mark(host, &effect);
        match effect {
            Effect::Datagram { to, bytes } => {
                self.send(host, index_of(to), Class::Datagram, bytes);
            }
            Effect::Frame { to, bytes } => self.send(host, index_of(to), Class::Frame, bytes),
            Effect::Link(order) => self.link_order(host, order),
            Effect::Persist { n, writes } => self.persist(host, n, writes),
            Effect::Runtime(order) => self.runtime_order(host, order),
            Effect::Archive(order) => self.archive_order(host, &order),
            Effect::Publish(event) => {
                if let Some(event) = self.sabotage.published(event) {
                    self.fact(&Fact::Published {
                        host,
                        event: &event,
                    });
                    self.reload_removed(host, &event);
                    self.proxy_hears(host, &event);
                }
            }
            Effect::Reply {
                client,
                request: _,
                reply,
            } => self.replied(host, client, reply),
            Effect::End(end) => self.ends_itself(host, &end),
            Effect::Arm(time) => {
                let at = self.machines[host].clock.when(time);
                self.plan_timer(host, at.max(self.now));
            }
        }
    }

    /// The daemon stops of its own will, and says goodbye to its peers.
    fn ends_itself(&mut self, host: usize, end: &End) {
        match end {
            End::Left => {
                self.machines[host].has_left = true;
                self.watch.cover("node left");
            }
            End::Stopped => self.watch.cover("daemon stopped"),
            End::Refused(_) => self.watch.cover("node refused"),
        }
        self.say_goodbye(host);
        self.kill_daemon(host);
    }

    fn link_order(&mut self, host: usize, order: LinkOrder) {
        match order {
            // The machines of a simulation stay where they are.
            LinkOrder::Address { .. } => {}
            LinkOrder::Keep { peer } => self.keep(host, index_of(peer)),
            LinkOrder::Release { peer } => self.release(host, index_of(peer)),
            LinkOrder::Dial { address } => self.dial_address(host, address),
            LinkOrder::AskKernel { peer } => self.ask_kernel(host, index_of(peer)),
        }
    }

    fn persist(&mut self, host: usize, n: u64, writes: Vec<conduct_node::effect::Write>) {
        let now = self.now;
        if self.sabotage.loses_write() {
            self.tell_in(host, crate::engine::millis(1), Input::Stored(n));
            return;
        }
        let machine = &mut self.machines[host];
        let life = machine.life;
        let outcome = machine.disk.write(now, n, writes, &mut machine.dice);
        let host = host as u32;
        match outcome {
            Outcome::SyncedAt(at) => {
                self.schedule.plan(
                    at,
                    Occurrence::Disk {
                        host,
                        life,
                        n,
                        failure: None,
                    },
                );
            }
            Outcome::FailsAt(at, why) => {
                self.schedule.plan(
                    at,
                    Occurrence::Disk {
                        host,
                        life,
                        n,
                        failure: Some(why),
                    },
                );
            }
        }
    }

    /// The moment of a sync has come.
    pub(crate) fn disk_done(
        &mut self,
        host: usize,
        life: u32,
        n: u64,
        failure: Option<StoreFailure>,
    ) {
        let machine = &mut self.machines[host];
        if machine.life != life || machine.daemon.is_none() {
            return;
        }
        if let Some(why) = failure {
            self.watch.cover("write failed");
            self.tell(host, life, Input::StoreFailed { n, why });
            return;
        }
        match machine.disk.sync(self.now, n) {
            Synced::Yes => self.tell(host, life, Input::Stored(n)),
            Synced::Nothing => {}
            Synced::Later(at) => {
                let again = Occurrence::Disk {
                    host: host as u32,
                    life,
                    n,
                    failure: None,
                };
                self.schedule.plan(at, again);
            }
        }
    }

    /// Tells the watchers what happened.
    pub(crate) fn fact(&mut self, fact: &Fact<'_>) {
        if !matches!(fact, Fact::Sent { .. }) {
            self.truth.changed = self.now;
        }
        self.watching(|watch, look| watch.fact(look, fact));
    }

    /// Lets the watchers look at everything else.
    pub(crate) fn watching(&mut self, see: impl FnOnce(&mut Watch, &Look<'_>)) {
        let look = Look {
            now: self.now,
            seed: self.seed,
            machines: &self.machines,
            truth: &self.truth,
            clients: &self.clients,
            programs: &self.programs,
            links: &self.links,
            conditions: &self.conditions,
        };
        see(&mut self.watch, &look);
    }
}
