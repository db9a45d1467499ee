//! Members and agents as clients read them.

use conduct_api::{
    Agent, AgentObserver, AgentResources, Cpus, Member, MemberDetail, MemberStatus, Members,
    UniqueAddress, Unreachable, agent_uri, member_uri,
};
use conduct_model::{NodeKey, Resources};
use conduct_node::config::Duty;
use conduct_node::view::{MemberView, Verdict, View};

use super::{authority, short_uid};

/// The role that every core node has for old clients.
const REPLICATOR: &str = "replicator";

/// The members that keep the cluster's state.
pub(crate) fn members(view: &View) -> Members {
    let own = unique_address(view, view.node);
    let core = || view.members.iter().filter(|(_, member)| is_core(member));
    let unreachable = core()
        .filter(|(_, member)| !answers(member))
        .map(|(key, _)| Unreachable {
            node: unique_address(view, *key),
            observed_by: vec![own.clone()],
        });
    Members {
        members: core().map(|(key, it)| render(view, *key, it)).collect(),
        unreachable: unreachable.collect(),
        self_node: own,
    }
}

/// One member by itself.
pub(crate) fn member(view: &View, key: NodeKey, member: &MemberView) -> MemberDetail {
    let own = unique_address(view, view.node);
    let silent = view.members.iter().filter(|(_, member)| !answers(member));
    let silent = silent.map(|(_, member)| member_uri(&authority(member)));
    MemberDetail {
        node: unique_address(view, key),
        status: status(member),
        roles: core_roles(),
        is_unreachable_from: if answers(member) {
            Vec::new()
        } else {
            vec![own]
        },
        detected_unreachable: if key == view.node {
            silent.collect()
        } else {
            Vec::new()
        },
        key: key.to_string(),
    }
}

/// The member that a client names: by its URI, by `ip:port`, by its key or the beginning of it, or
/// by its ip where no other has it.
pub(crate) fn find_member(view: &View, reference: &str) -> Option<NodeKey> {
    const KEY_CHARS_MIN: usize = 7;
    let wanted = UniqueAddress::authority(reference);
    let one = |is: &dyn Fn(&NodeKey, &MemberView) -> bool| {
        let mut found = view.members.iter().filter(|(key, member)| is(key, member));
        let first = found.next().map(|(key, _)| *key);
        if found.next().is_some() { None } else { first }
    };
    let ip = |member: &MemberView| member.address.map(|address| address.ip().to_string());
    one(&|_, member| authority(member) == wanted)
        .or_else(|| one(&|_, member| ip(member).as_deref() == Some(wanted)))
        .or_else(|| {
            let is_long = wanted.len() >= KEY_CHARS_MIN;
            one(&|key, _| is_long && key.to_string().starts_with(&wanted.to_ascii_lowercase()))
        })
}

/// The nodes that run instances. A life that was declared over runs none.
pub(crate) fn agents(view: &View) -> Vec<Agent> {
    let runs = |member: &MemberView| {
        let is_gone = matches!(member.verdict, Verdict::Down | Verdict::Left);
        member.duty.is_some_and(Duty::runs_instances) && !is_gone
    };
    let agents = view.members.iter().filter(|(_, member)| runs(member));
    agents
        .map(|(key, member)| agent(view, *key, member))
        .collect()
}

fn agent(view: &View, key: NodeKey, member: &MemberView) -> Agent {
    let observer = AgentObserver {
        node: unique_address(view, view.node).as_text(),
    };
    Agent {
        address: agent_uri(&authority(member), short_uid(member.uid)),
        roles: member.roles.iter().map(ToString::to_string).collect(),
        observed_by: if answers(member) {
            vec![observer]
        } else {
            Vec::new()
        },
        resource_available: Some(resources(&member.free)),
        resource_capacity: Some(resources(&member.capacity)),
        key: key.to_string(),
        draining: member.draining,
    }
}

/// A member and its life. One that is known only by its key has an address that nobody has.
pub(crate) fn unique_address(view: &View, node: NodeKey) -> UniqueAddress {
    match view.members.get(&node) {
        Some(member) => UniqueAddress::of(&authority(member), short_uid(member.uid)),
        None => UniqueAddress::of("0.0.0.0:0", 0),
    }
}

fn render(view: &View, key: NodeKey, member: &MemberView) -> Member {
    Member {
        node: unique_address(view, key),
        status: status(member),
        roles: core_roles(),
        key: key.to_string(),
        build: member.build.clone(),
        voter: view.voters.contains(&key),
        verdict: verdict_name(member.verdict).to_owned(),
        draining: member.draining,
    }
}

/// A node that has not said yet what it takes part in is taken for a core: it is one to come.
fn is_core(member: &MemberView) -> bool {
    member.duty.is_none_or(Duty::is_core)
}

fn answers(member: &MemberView) -> bool {
    member.verdict == Verdict::Reachable
}

fn status(member: &MemberView) -> MemberStatus {
    match member.verdict {
        Verdict::Down => MemberStatus::Down,
        Verdict::Left => MemberStatus::Removed,
        _ if member.duty.is_none() || !member.ready => MemberStatus::Joining,
        Verdict::Reachable | Verdict::Unreachable | Verdict::Restarting => MemberStatus::Up,
    }
}

pub(crate) const fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Reachable => "reachable",
        Verdict::Unreachable => "unreachable",
        Verdict::Restarting => "restarting",
        Verdict::Down => "down",
        Verdict::Left => "left",
    }
}

/// What a core does for old clients; what it offers to instances is said of it as an agent.
fn core_roles() -> Vec<String> {
    vec![REPLICATOR.to_owned()]
}

const fn resources(resources: &Resources) -> AgentResources {
    AgentResources {
        nr_of_cpus: Cpus {
            millis: resources.cpu_millis,
        },
        memory: resources.memory_bytes,
        disk_space: resources.disk_bytes,
    }
}
