//! Laws of packets and messages, over any bytes.

use bytes::Bytes;
use conduct_wire::{FRAME_BYTES_MAX, codec, fuzz, packet};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_bytes_are_refused_or_are_one_packet(bytes in vec(any::<u8>(), 0..300)) {
        fuzz::read_packet(&bytes);
    }

    #[test]
    fn any_bytes_behind_the_right_version_are_refused_or_are_one_packet(
        bytes in vec(any::<u8>(), 0..300),
    ) {
        let versioned: Vec<u8> = std::iter::once(packet::VERSION).chain(bytes).collect();
        fuzz::read_packet(&versioned);
    }

    #[test]
    fn any_bytes_are_refused_or_are_one_message(bytes in vec(any::<u8>(), 0..300)) {
        fuzz::read_message(&bytes);
    }

    #[test]
    fn what_is_written_is_read(rows in vec((any::<u16>(), vec(any::<u8>(), 0..400)), 0..8)) {
        let mut writer = packet::PacketWriter::new(FRAME_BYTES_MAX);
        for (kind, body) in &rows {
            prop_assert!(writer.section(*kind, body));
        }
        let read: Vec<(u16, Vec<u8>)> = packet::read(&writer.finish())
            .unwrap()
            .into_iter()
            .map(|section| (section.kind, section.body.to_vec()))
            .collect();
        prop_assert_eq!(read, rows);
    }

    #[test]
    fn sections_of_a_newer_build_do_not_hide_those_of_ours(
        stranger in vec(any::<u8>(), 0..200), value in any::<u64>(),
    ) {
        let mut writer = packet::PacketWriter::new(FRAME_BYTES_MAX);
        prop_assert!(writer.section(0x7000, &stranger));
        prop_assert!(writer.section(1, &codec::encode(&value)));
        let ours: Vec<u64> = packet::read(&writer.finish())
            .unwrap()
            .iter()
            .filter(|section| section.kind == 1)
            .map(|section| codec::decode(&section.body).unwrap())
            .collect();
        prop_assert_eq!(ours, [value]);
    }

    #[test]
    fn a_flipped_bit_never_makes_a_packet_longer_than_it_is(
        body in vec(any::<u8>(), 0..200), bit in any::<prop::sample::Index>(),
    ) {
        let mut bytes = packet::single(9, &body).to_vec();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(sections) = packet::read(&Bytes::from(bytes.clone())) {
            let bodies: usize = sections.iter().map(|section| section.body.len()).sum();
            prop_assert!(bodies < bytes.len());
        }
    }
}
