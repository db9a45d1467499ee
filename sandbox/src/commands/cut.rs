//! `sandbox cut` and `sandbox heal`: a split network, without being root.

use std::collections::BTreeSet;

use conduct_terminal::exit::{Exit, Failure, OrFail as _};

use super::{DONE, Ended, Session, show};
use crate::folders::{Folder, replace};
use crate::place::Held;
use crate::ready;
use crate::record::{CLUSTER_PORT, Node, Record, host_and_port};

/// Split the network: the nodes that are named on one side, all others on the other
///
/// Nodes lose every packet to and from the other side, as with a cut wire. A second cut comes on top
/// of the first. Bundles, and you, still reach all nodes.
#[derive(Debug, clap::Args)]
pub(crate) struct CutArgs {
    /// Nodes by number or address
    #[arg(required = true)]
    nodes: Vec<String>,
}

/// End all cuts, or those of the nodes that are named
#[derive(Debug, clap::Args)]
pub(crate) struct HealArgs {
    /// Nodes by number or address
    nodes: Vec<String>,
}

pub(crate) async fn cut(args: &CutArgs, session: &mut Session<'_>) -> Result<Ended, Failure> {
    let mut held = session.place.hold(session.screen)?;
    let side = numbers(&held.record, &args.nodes)?;
    if side.len() == held.record.nodes.len() {
        return Err(
            Failure::new(Exit::Usage, "a cut has two sides, and these are all nodes")
                .hint("name the nodes of one side only"),
        );
    }
    ready::wait_for_votes(&held.record).await;
    split(&mut held.record, &side);
    apply(&mut held)?;
    session.note(sides(&held.record));
    session.note(format_args!("End it with: {}", session.command("heal")));
    show_all(&held, session)
}

pub(crate) fn heal(args: &HealArgs, session: &mut Session<'_>) -> Result<Ended, Failure> {
    let mut held = session.place.hold(session.screen)?;
    let meant = match args.nodes.as_slice() {
        [] => held.record.nodes.iter().map(|node| node.number).collect(),
        named => numbers(&held.record, named)?,
    };
    join(&mut held.record, &meant);
    apply(&mut held)?;
    session.note(sides(&held.record));
    show_all(&held, session)
}

fn numbers(record: &Record, names: &[String]) -> Result<BTreeSet<usize>, Failure> {
    let number = |name: &String| Ok(record.nodes[record.find(name)?].number);
    names.iter().map(number).collect()
}

/// Cuts one side off from the other.
fn split(record: &mut Record, side: &BTreeSet<usize>) {
    let all: Vec<usize> = record.nodes.iter().map(|node| node.number).collect();
    for node in &mut record.nodes {
        let is_here = side.contains(&node.number);
        let others = all.iter().filter(|other| side.contains(other) != is_here);
        node.cut_from.extend(others);
    }
}

/// Takes back every cut that one of these is a side of.
fn join(record: &mut Record, meant: &BTreeSet<usize>) {
    for node in &mut record.nodes {
        if meant.contains(&node.number) {
            node.cut_from.clear();
        }
        node.cut_from.retain(|other| !meant.contains(other));
    }
}

/// Tells the daemons, which look at their files a few times a second. What is written down comes
/// first: it is what the next command goes by.
fn apply(held: &mut Held) -> Result<(), Failure> {
    held.record.write(&held.folder)?;
    for node in &held.record.nodes {
        write(&held.folder, &held.record, node)?;
    }
    Ok(())
}

fn write(folder: &Folder, record: &Record, node: &Node) -> Result<(), Failure> {
    let peers = record
        .nodes
        .iter()
        .filter(|peer| node.cut_from.contains(&peer.number));
    let lines: String = peers
        .map(|peer| host_and_port(peer.address, CLUSTER_PORT) + "\n")
        .collect();
    let path = folder.cut(node.number);
    replace(&path, lines.as_bytes()).or_fail(
        Exit::Failed,
        format_args!("could not write {}", path.display()),
    )
}

/// Who reaches whom, in words.
pub(crate) fn sides(record: &Record) -> String {
    let mut sides: Vec<Vec<usize>> = Vec::new();
    for node in &record.nodes {
        let reaches = |side: &Vec<usize>| side.iter().all(|other| !node.cut_from.contains(other));
        match sides.iter_mut().find(|side| reaches(side)) {
            Some(side) => side.push(node.number),
            None => sides.push(vec![node.number]),
        }
    }
    let list = |side: &Vec<usize>| {
        let numbers: Vec<String> = side.iter().map(usize::to_string).collect();
        numbers.join(" ")
    };
    match sides.as_slice() {
        [_] => "The network is whole.".to_owned(),
        several => {
            let sides: Vec<String> = several.iter().map(list).collect();
            format!("The network is split: {}", sides.join(" | "))
        }
    }
}

fn show_all(held: &Held, session: &mut Session<'_>) -> Result<Ended, Failure> {
    session.show(String::new, &show::sandbox(&held.folder, &held.record))?;
    Ok(DONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::node;

    fn record(count: usize) -> Record {
        let mut record = Record::new("x", Vec::new());
        record.nodes = (1..=count).map(|number| node(number, None)).collect();
        record
    }

    #[test]
    fn both_sides_of_a_cut_lose_each_other_and_only_each_other() {
        let mut record = record(5);
        split(&mut record, &[2, 4].into());
        let lost = |record: &Record, number: usize| -> Vec<usize> {
            record.nodes[number - 1].cut_from.iter().copied().collect()
        };
        assert_eq!(lost(&record, 2), [1, 3, 5]);
        assert_eq!(lost(&record, 1), [2, 4]);
        assert_eq!(sides(&record), "The network is split: 1 3 5 | 2 4");

        split(&mut record, &[1].into());
        assert_eq!(sides(&record), "The network is split: 1 | 2 4 | 3 5");
        join(&mut record, &[1].into());
        assert_eq!(lost(&record, 1), [0; 0]);
        assert_eq!(lost(&record, 2), [3, 5]);
        join(&mut record, &(1..=5).collect());
        assert_eq!(sides(&record), "The network is whole.");
    }

    #[test]
    fn a_daemon_finds_its_lost_peers_by_address_and_port() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(home.path().to_owned());
        let mut record = record(3);
        split(&mut record, &[3].into());
        let text = |number: usize| std::fs::read_to_string(folder.cut(number)).expect("written");
        for node in &record.nodes {
            write(&folder, &record, node).expect("written");
        }
        assert_eq!(text(3), "127.0.10.1:9004\n127.0.10.2:9004\n");
        assert_eq!(text(1), "127.0.10.3:9004\n");
    }
}
