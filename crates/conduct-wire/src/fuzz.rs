//! What must hold for any bytes at all: bodies for a fuzzer, which the property tests run too.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{codec, packet, sections};

/// Any bytes are refused or are sections that, written again, are the same bytes.
pub fn read_packet(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    if let Ok(row) = packet::read(&bytes) {
        let mut again = BytesMut::new();
        again.put_u8(packet::VERSION);
        for section in row {
            sections::write(&mut again, section.kind, &section.body);
        }
        assert_eq!(again.freeze(), bytes, "a packet has one spelling");
    }
}

/// Any bytes are refused or are a message that, written again, reads as the same one.
pub fn read_message(bytes: &[u8]) {
    type Message = (u64, Option<String>, Vec<(u16, Vec<u8>)>, [u8; 4]);
    if let Ok(message) = codec::decode::<Message>(bytes) {
        let again: Message = codec::decode(&codec::encode(&message))
            .expect("what was written by this build is read by it");
        assert_eq!(again, message);
    }
}
