//! Bundles for the world.

use conduct_model::{BundleId, Digest, Resources, Span, System};

use crate::terms::{Kind, Terms};

/// A bundle to put into the world.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Which.
    pub bundle: BundleId,
    /// Its system.
    pub system: System,
    /// What it asks for.
    pub terms: Terms,
}

impl Sample {
    /// A small plain bundle of a system called `system`.
    pub fn of(name: &str, system: &str) -> Sample {
        let word = |text: &str| text.parse().expect("a name");
        let needs = Resources {
            cpu_millis: 100,
            memory_bytes: 64 << 20,
            disk_bytes: 64 << 20,
        };
        Sample {
            bundle: BundleId::plain(Digest::of(name.as_bytes())),
            system: System {
                name: word(system),
                version: word("1"),
            },
            terms: Terms {
                name: name.into(),
                needs,
                roles: ["web".parse().expect("a role")].into(),
                kinds: [Kind::Universal].into_iter().collect(),
                max_per_node: 1,
                exclusive: false,
                start_timeout: Span::secs(60),
                stop_grace: Span::secs(8),
            },
        }
    }
}
