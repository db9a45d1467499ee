//! Start signals: which instance speaks, and who remembers that it did.

use conduct_http::{Peer, Signals, Speaker};
use conduct_model::InstanceId;
use conduct_runtime::{Runtime, speaker};

/// Asks the kernel whose connection it is, and tells the instance's shim.
pub(crate) struct InstanceSignals(pub(crate) Runtime);

impl Signals for InstanceSignals {
    fn speaker(&self, connection: Peer, among: &[InstanceId]) -> Speaker {
        match speaker(connection.remote, connection.local, among) {
            conduct_runtime::Speaker::Instance(instance) => Speaker::Instance(instance),
            conduct_runtime::Speaker::Stranger => Speaker::Stranger,
            conduct_runtime::Speaker::Unknown => Speaker::Untold,
        }
    }

    fn signalled(&self, instance: InstanceId) {
        self.0.signalled(instance);
    }
}
