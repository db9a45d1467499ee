//! `conduct agents`.

use conduct_client::answers::Agent;
use serde_json::{Value, json};

use super::session::Session;
use super::table::{Align, Table};
use crate::exit::{Exit, Failure};

/// List the nodes that run instances
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only those with this role
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let answered = session.client.agents().await;
    let answered = answered.map_err(|error| session.failure(error))?;
    session.heard(&answered)?;
    let has_role = |it: &Agent| {
        args.role
            .as_ref()
            .is_none_or(|role| it.roles.contains(role))
    };
    let agents: Vec<Agent> = answered.value.into_iter().filter(has_role).collect();
    session.show(
        || table(&agents),
        || agents.iter().map(value).collect(),
        || {
            let id = |it: &Agent| it.key.clone().unwrap_or_else(|| it.address.clone());
            agents.iter().map(id).collect()
        },
    )?;
    Ok(Exit::Done)
}

fn table(agents: &[Agent]) -> String {
    let resources = [
        ("DISK", Align::Right),
        ("MEM", Align::Right),
        ("CPUS", Align::Right),
    ];
    let has_resources = agents.iter().any(|it| it.resource_available.is_some());
    let mut columns = vec![("ADDRESS", Align::Left)];
    if has_resources {
        columns.extend(resources);
    }
    columns.extend([("ROLES", Align::Left), ("OBSERVED BY", Align::Left)]);
    let mut table = Table::new(&columns);
    for agent in agents {
        let mut cells = vec![agent.address.clone()];
        if has_resources {
            let left = agent.resource_available.clone().unwrap_or_default();
            let cpus = left.nr_of_cpus.map(|it| it.to_string());
            cells.extend([
                left.disk_space.map(disk).unwrap_or_default(),
                left.memory.map(memory).unwrap_or_default(),
                cpus.unwrap_or_default(),
            ]);
        }
        let observers = agent.observed_by.iter().map(|it| it.node.address.as_str());
        cells.push(agent.roles.join(","));
        cells.push(observers.collect::<Vec<_>>().join(","));
        table.row(cells);
    }
    table.text()
}

fn disk(bytes: u64) -> String {
    in_units(bytes, 1000, ["kB", "MB", "GB", "TB", "PB"])
}

fn memory(bytes: u64) -> String {
    in_units(bytes, 1024, ["KiB", "MiB", "GiB", "TiB", "PiB"])
}

/// With one digit behind the point, in the largest unit that leaves at least one before it.
fn in_units(bytes: u64, step: u64, units: [&str; 5]) -> String {
    if bytes < step {
        return format!("{bytes} B");
    }
    let (mut unit, mut at) = (step, 0);
    while bytes / unit >= step && at + 1 < units.len() {
        unit *= step;
        at += 1;
    }
    let tenths = (u128::from(bytes) * 10 + u128::from(unit) / 2) / u128::from(unit);
    format!("{}.{} {}", tenths / 10, tenths % 10, units[at])
}

fn value(agent: &Agent) -> Value {
    let observers = agent.observed_by.iter().map(|it| it.node.address.as_str());
    let left = agent.resource_available.clone();
    let left = left.map(|it| {
        json!({
            "nrOfCpus": it.nr_of_cpus,
            "memoryBytes": it.memory,
            "diskSpaceBytes": it.disk_space,
        })
    });
    json!({
        "key": agent.key,
        "address": agent.address,
        "host": agent.host(),
        "roles": agent.roles,
        "observedBy": observers.collect::<Vec<_>>(),
        "available": left,
        "isDraining": agent.draining,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_count_in_thousands_and_memory_in_powers_of_two() {
        assert_eq!(disk(130_841_165_824), "130.8 GB");
        assert_eq!(disk(999), "999 B");
        assert_eq!(disk(1_500), "1.5 kB");
        assert_eq!(memory(5_028_888_576), "4.7 GiB");
        assert_eq!(memory(512 << 20), "512.0 MiB");
        assert_eq!(memory(u64::MAX), "16384.0 PiB");
    }
}
