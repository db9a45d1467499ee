//! Clusters come together, and are looked at from outside.

use std::net::SocketAddr;

use conduct_model::NodeKey;
use conduct_node::restored::Settled;
use conduct_node::view::Verdict;

use super::World;
use crate::engine::Dice;
use crate::faults::Bug;
use crate::network::Gate;
use crate::watch::Watch;

impl World {
    /// Starts the daemon of a machine as a member of a cluster of long standing.
    pub fn start_settled(&mut self, host: usize, cluster: &Settled) {
        self.machines[host].settled = Some(cluster.clone());
        self.start_daemon(host);
    }

    /// Where the next daemon of this machine looks for its cluster.
    pub fn set_seeds(&mut self, host: usize, seeds: Vec<SocketAddr>) {
        self.machines[host].config.seeds = seeds;
    }

    /// Whether all nodes are one cluster, accept changes, and hold each other for reachable.
    pub fn is_gathered(&self) -> bool {
        let opinions = self.watch.checkers().opinions();
        let hosts = self.machines.len();
        (0..hosts)
            .filter(|host| !self.machines[*host].has_left)
            .all(|host| {
                let opinion = opinions.of(host);
                let reachable = opinion
                    .members
                    .values()
                    .filter(|(_, verdict)| *verdict == Verdict::Reachable)
                    .count();
                !opinion.quarantined && opinion.life != 0 && reachable >= self.staying().len()
            })
            && self.voters_are_complete()
    }

    /// Up to nine core members vote.
    fn voters_are_complete(&self) -> bool {
        let voters = self.watch.checkers().opinions().newest_voters();
        voters.keys.len() >= self.staying().len().min(9)
    }

    /// Every machine that has not left for good.
    pub fn staying(&self) -> Vec<usize> {
        (0..self.machines.len())
            .filter(|host| !self.machines[*host].has_left)
            .collect()
    }

    /// Some machines that are a quorum of the voters, drawn by chance.
    pub fn some_quorum(&self, dice: &mut Dice) -> Vec<usize> {
        let voters = self.watch.checkers().opinions().newest_voters().clone();
        let mut hosts = self.staying();
        dice.shuffle(&mut hosts);
        let mut core: Vec<usize> = Vec::new();
        for host in hosts {
            core.push(host);
            let keys: Vec<NodeKey> = core.iter().map(|host| self.machines[*host].key()).collect();
            if voters.is_quorum(&keys) {
                break;
            }
        }
        core.sort_unstable();
        core
    }

    /// Plants a bug.
    pub fn plant(&mut self, bug: Bug) {
        self.sabotage.plant(bug);
        match bug {
            Bug::AcceptedReplay => self.gate = Gate::TakesReplays,
            Bug::AcceptedForgery => self.gate = Gate::TakesForgeries,
            Bug::OneSidedMerge => self.watch.merge_one_sidedly(),
            _ => {}
        }
    }

    /// From now on these machines must be well.
    pub fn demand_liveness(&mut self, core: &[usize]) {
        let now = self.now;
        self.watch.demand_liveness(core, now);
    }

    /// A rule of a run itself was broken.
    pub fn object(&mut self, checker: &'static str, what: String) {
        let now = self.now;
        self.watch.object(checker, now, what);
    }

    /// Everything is over: what can only be said in the end is said.
    pub fn finish(&mut self) {
        if self.watch.is_content() {
            self.watching(Watch::finish);
        }
    }
}
