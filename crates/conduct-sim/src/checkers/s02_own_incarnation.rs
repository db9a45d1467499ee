//! S2: only a node itself raises its life, and never lowers it: nobody holds a life of it that it
//! did not begin, and of its lives a later one is never older.

use std::collections::BTreeMap;

use conduct_model::Uid;
use conduct_node::Node;

use super::Report;
use crate::watch::Look;

const NAME: &str = "s02_own_incarnation";

/// The lives that each node showed while it accepted changes.
#[derive(Debug, Default)]
pub(crate) struct OwnIncarnation {
    shown: BTreeMap<Uid, (usize, u32)>,
    now: BTreeMap<usize, Uid>,
}

impl OwnIncarnation {
    /// A node that accepts changes shows its uid: it belongs to one node and one of its daemons,
    /// and never comes back after another.
    pub(crate) fn claimed(&mut self, look: &Look<'_>, host: usize, report: &mut Report<'_>) {
        let Some(uid) = look.node(host).and_then(Node::uid) else {
            return;
        };
        if self.now.get(&host) == Some(&uid) {
            return;
        }
        let life = look.machines[host].life;
        match self.shown.insert(uid, (host, life)) {
            None => {}
            Some((other, _)) if other != host => {
                report.object(NAME, format!("n{host} and n{other} are both {uid}"));
            }
            Some((_, earlier)) => {
                report.object(
                    NAME,
                    format!("n{host} is {uid} again, as its daemon {earlier} was, now as its daemon {life}"),
                );
            }
        }
        self.now.insert(host, uid);
    }

    /// What others hold of a node, the node itself has shown.
    pub(crate) fn told(&mut self, host: usize, member: usize, uid: Uid, report: &mut Report<'_>) {
        if let Some((owner, _)) = self.shown.get(&uid)
            && *owner != member
        {
            report.object(
                NAME,
                format!("n{host} holds n{member} for {uid}, which is n{owner}"),
            );
        }
    }
}
