//! S6: what was acknowledged is on the disks of a quorum, so that no single disk's death loses it.
//!
//! The oracle is a node made from what is synced on a disk at this moment, and nothing else: what
//! it would know if the power went now is what the disk is worth.

use conduct_model::BundleId;
use conduct_node::command::Reply;

use super::{Opinions, Report};
use crate::clients::{Operation, Wish};
use crate::watch::{Fact, Look};

const NAME: &str = "s06_acked_is_durable";

/// Whether each acknowledgement was kept.
#[derive(Debug, Default)]
pub(crate) struct AckedIsDurable {
    wiped: Vec<usize>,
}

impl AckedIsDurable {
    pub(crate) fn fact(
        &mut self,
        look: &Look<'_>,
        opinions: &Opinions,
        fact: &Fact<'_>,
        report: &mut Report<'_>,
    ) {
        match *fact {
            Fact::Answered {
                operation,
                host,
                reply: Reply::Acknowledged { durability },
            } => {
                let asked = look.clients.get(operation);
                if is_alone(look, asked) {
                    acknowledged(look, opinions, asked, host, *durability, report);
                }
            }
            Fact::Wiped { host } => self.wiped.push(host),
            _ => {}
        }
    }

    /// In the end every load that no unload may have undone is known and on disk.
    pub(crate) fn finish(&self, look: &Look<'_>, core: &[usize], report: &mut Report<'_>) {
        if self.wiped.len() > 1 {
            return;
        }
        for load in look
            .clients
            .history()
            .iter()
            .filter(|o| o.wish == Wish::Load && o.is_ok())
        {
            if !may_be_undone(look, load) {
                check_kept(look, core, load.bundle, report);
            }
        }
    }
}

fn acknowledged(
    look: &Look<'_>,
    opinions: &Opinions,
    asked: &Operation,
    host: usize,
    durability: u32,
    report: &mut Report<'_>,
) {
    let disks: Vec<usize> = (0..look.machines.len())
        .filter(|&disk| keeps(look, disk, asked))
        .collect();
    // Voters change by one at a time, and any quorum of one epoch meets any of the next: a node
    // that has not heard of the newest yet may count by the one before.
    let counted = &opinions.of(host).voters;
    let keys: Vec<_> = disks
        .iter()
        .map(|disk| look.machines[*disk].key())
        .collect();
    let by_the_one_before =
        counted.epoch + 1 == opinions.newest_voters().epoch && counted.is_quorum(&keys);
    if !by_the_one_before && !opinions.is_quorum(look, disks.iter().copied()) {
        report.object(
            NAME,
            format!("n{host} acknowledged {asked}, which is on the disks of {disks:?} only: no quorum of the voters"),
        );
    }
    let voters = opinions.newest_voters().keys.len();
    if voters >= 2 && disks.len() < 2 && two_voters_up(look, opinions, host) {
        report.object(
            NAME,
            format!(
                "n{host} acknowledged {asked}, which is on one disk, with durability {durability}"
            ),
        );
    }
    if asked.wish == Wish::Load {
        let copies = look
            .machines
            .iter()
            .filter(|m| m.archives.is_good(asked.bundle.bundle));
        let copies = copies.count();
        if copies < 2 && two_voters_up(look, opinions, host) {
            report.object(
                NAME,
                format!("n{host} acknowledged {asked}, whose archive is on {copies} disks"),
            );
        }
    }
}

/// Whether a node made from this disk alone would know what was asked.
fn keeps(look: &Look<'_>, disk: usize, asked: &Operation) -> bool {
    let machine = &look.machines[disk];
    if machine.life == 0 {
        return false;
    }
    let node = machine.as_if_restarted(look.now);
    let view = node.view(machine.read_clock(look.now));
    let known = view.bundles.get(&asked.bundle);
    match asked.wish {
        Wish::Load => known.is_some(),
        Wish::Unload => known.is_none(),
        Wish::Scale(scale, _) => known
            .and_then(|bundle| bundle.wish)
            .is_some_and(|wish| wish.scale == scale),
        Wish::Offset(_) | Wish::Drain(_) | Wish::Undrain(_) | Wish::Leave => true,
    }
}

/// Whether nothing else that was asked can have touched what this is about meanwhile.
fn is_alone(look: &Look<'_>, asked: &Operation) -> bool {
    look.clients.about(asked.bundle).all(|other| {
        other.id == asked.id
            || !other.may_have_effect()
            || (other.is_ok() && other.settled < asked.begun)
            || (other.wish == Wish::Load && asked.wish != Wish::Unload)
    })
}

/// Two voters, the one that answered among them, that are up and reach each other.
fn two_voters_up(look: &Look<'_>, opinions: &Opinions, host: usize) -> bool {
    let keys = &opinions.newest_voters().keys;
    let up = |other: &usize| {
        *other != host
            && look.awake(*other).is_some()
            && !opinions.of(*other).quarantined
            && keys.contains(&look.machines[*other].key())
    };
    look.sides().peers(host).any(|other| up(&other))
}

fn may_be_undone(look: &Look<'_>, load: &Operation) -> bool {
    look.clients.about(load.bundle).any(|other| {
        other.wish == Wish::Unload && other.may_have_effect() && other.settled > load.begun
    })
}

fn check_kept(look: &Look<'_>, core: &[usize], bundle: BundleId, report: &mut Report<'_>) {
    let lost = core.iter().find(|&&host| {
        look.view(host)
            .is_some_and(|view| !view.bundles.contains_key(&bundle))
    });
    if let Some(host) = lost {
        let name = look.bundle_name(bundle);
        report.object(
            NAME,
            format!("{name} was acknowledged and n{host} does not know it in the end"),
        );
    }
    if !look
        .machines
        .iter()
        .any(|machine| machine.archives.is_good(bundle.bundle))
    {
        let name = look.bundle_name(bundle);
        report.object(
            NAME,
            format!("{name} was acknowledged and no disk holds its archive"),
        );
    }
}
