//! Requests on their way to a quorum: remembered, repeated, answered.

use conduct_model::{BundleId, RequestId};
use conduct_state::Dot;

use super::Brain;
use super::commands::Change;
use super::confirming::Purpose;
use super::shelf::{disk_value, request_key};
use crate::command::{ClientHandle, Refusal, Reply};
use crate::event::EventKind;
use crate::requests::{Entry, Remembered, Stage};

impl Brain {
    /// A command that came before: it is answered, but not done again.
    pub(super) fn repeated(
        &mut self,
        client: ClientHandle,
        id: RequestId,
        asked: u64,
    ) -> Option<Option<Reply>> {
        let entry = self.requests.get(&id)?;
        let remembered = entry.remembered;
        if remembered.asked != asked {
            return Some(Some(Reply::Refused(Refusal::RequestIdReused)));
        }
        match self.requests.stage(&id)? {
            Stage::Sure(durability) => Some(Some(Reply::Acknowledged {
                durability: *durability,
            })),
            Stage::Confirming(clients) => {
                clients.push(client);
                Some(None)
            }
            stage @ Stage::Open => {
                *stage = Stage::Confirming(vec![client]);
                let archives = self.archives_of(remembered.bundle, remembered.dot);
                let confirm = self.confirm(remembered.dot, Purpose::Request(id), archives);
                self.confirm_written_before(confirm, remembered.dot);
                Some(None)
            }
        }
    }

    pub(super) fn begin_confirming(
        &mut self,
        client: ClientHandle,
        id: RequestId,
        (asked, bundle): (u64, Option<BundleId>),
        change: Change,
    ) {
        let Change {
            dot,
            archives,
            made,
        } = change;
        let remembered = Remembered {
            at: self.now.wall,
            asked,
            bundle,
            dot,
        };
        let entry = Entry {
            remembered,
            stage: Stage::Confirming(vec![client]),
        };
        self.disk
            .write(request_key(&id), Some(disk_value(&remembered)));
        for forgotten in self.requests.insert(id, entry) {
            self.disk.write(request_key(&forgotten), None);
        }
        let confirm = self.confirm(dot, Purpose::Request(id), archives);
        match made {
            Some(written) => self.take_written(written),
            None => self.confirm_written_before(confirm, dot),
        }
    }

    /// A quorum has it: everyone who waits is told.
    pub(super) fn request_sure(&mut self, id: RequestId, durability: u32) {
        let Some(bundle) = self.requests.get(&id).map(|entry| entry.remembered.bundle) else {
            return;
        };
        let Some(stage) = self.requests.stage(&id) else {
            return;
        };
        if let Stage::Confirming(clients) = std::mem::replace(stage, Stage::Sure(durability)) {
            for client in clients {
                self.reply(client, id, Reply::Acknowledged { durability });
            }
        }
        self.tell_asked(Some(id), bundle, EventKind::Written { durability });
        if let Some(bundle) = bundle.filter(|bundle| self.book.bundles.contains_key(bundle)) {
            self.fold_offsets(bundle);
        }
    }

    /// Nobody knows what will become of it.
    pub(super) fn request_unknown(&mut self, id: RequestId, durability: u32) {
        let Some(stage) = self.requests.stage(&id) else {
            return;
        };
        if let Stage::Confirming(clients) = std::mem::replace(stage, Stage::Open) {
            for client in clients {
                self.reply(client, id, Reply::Unknown { durability });
            }
        }
    }

    /// The disk of this node did not take what was asked for: it was undone.
    pub(super) fn refuse_unstored(&mut self) {
        let stored = self.state.stored_version();
        let writer = self.state.writer();
        let undone = |dot: Dot| dot.writer == writer && dot.version > stored;
        let lost: Vec<_> = self
            .confirms
            .iter()
            .filter(|(_, confirm)| undone(confirm.dot))
            .map(|(id, confirm)| (id, confirm.purpose.clone()))
            .collect();
        for (confirm, purpose) in lost {
            self.confirms.end(confirm);
            if let Purpose::Request(id) = purpose {
                if let Some(Stage::Confirming(clients)) = self.requests.stage(&id) {
                    for client in std::mem::take(clients) {
                        self.reply(client, id, Reply::Refused(Refusal::DiskFailed));
                    }
                }
                self.requests.remove(&id);
                self.disk.write(request_key(&id), None);
            }
        }
    }
}
