//! Whatever comes in, a step returns.

use ::bytes::Bytes;
use conduct_model::{Digest, InstanceId, Span};
use conduct_wire::packet;
use proptest::collection::vec;
use proptest::prelude::*;

use super::Cluster;
use crate::archive::{ArchiveEvent, GoneWhy};
use crate::input::{Hint, Input, LinkNews};
use crate::runtime::{Exit, ExitStatus, RuntimeEvent};

/// Bytes that get past the first looks more often than chance would have it.
fn packets() -> impl Strategy<Value = Vec<u8>> {
    let section = (1..14_u16, vec(any::<u8>(), 0..120));
    let sections = vec(section, 0..4).prop_map(|sections| {
        let mut writer = packet::PacketWriter::new(conduct_wire::FRAME_BYTES_MAX);
        for (kind, body) in sections {
            assert!(writer.section(kind, &body));
        }
        writer.finish().to_vec()
    });
    prop_oneof![vec(any::<u8>(), 0..200), sections]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_stop_a_node(
        rain in vec((packets(), 0..3_usize, any::<bool>()), 1..30),
    ) {
        let mut cluster = Cluster::settled(1);
        for (bytes, from, framed) in rain {
            let from = super::cluster::key_of(from);
            let bytes = Bytes::from(bytes);
            let input = match framed {
                true => Input::Frame { from, bytes },
                false => Input::Datagram { from, bytes },
            };
            let key = cluster.key(0);
            cluster.input(key, input);
        }
        cluster.run(Span::secs(1));
        prop_assert!(cluster.view(0).quarantine.is_none());
    }

    #[test]
    fn events_out_of_nowhere_never_stop_a_node(
        picks in vec((0..8_u8, any::<u64>(), 0..3_usize), 1..40),
    ) {
        let mut cluster = Cluster::settled(1);
        let key = cluster.key(0);
        for (pick, number, peer) in picks {
            let instance = InstanceId::from_u128(u128::from(number % 4));
            let digest = Digest::of(&[number as u8 % 4]);
            let peer = super::cluster::key_of(peer);
            let exit = Exit::seen(ExitStatus::Unknown, conduct_model::Wall::default());
            let input = match pick {
                0 => Input::Stored(number),
                1 => Input::Runtime(RuntimeEvent::Prepared { instance }),
                2 => Input::Runtime(RuntimeEvent::Started { instance }),
                3 => Input::Runtime(RuntimeEvent::Ended { instance, exit }),
                4 => Input::Archive(ArchiveEvent::Verified { digest, bytes: number }),
                5 => Input::Archive(ArchiveEvent::Gone { digest, why: GoneWhy::Lost }),
                6 => Input::Link { peer, news: LinkNews::Lost },
                _ => Input::Link { peer, news: LinkNews::Hinted(Hint::DaemonGone) },
            };
            cluster.input(key, input);
        }
        cluster.run(Span::secs(1));
    }
}
