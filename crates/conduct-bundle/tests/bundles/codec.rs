//! Descriptors travel between nodes and lie on disks in a compact form.

use conduct_bundle::conf::read;
use conduct_model::Descriptor;

use crate::conf::{EVERYTHING, LEAST};

#[test]
fn a_descriptor_is_the_same_after_a_journey() {
    let config = bincode::config::standard();
    for text in [LEAST, EVERYTHING] {
        let descriptor = read(text, None).descriptor.unwrap();
        let bytes = bincode::serde::encode_to_vec(&descriptor, config).unwrap();
        let (again, used): (Descriptor, usize) =
            bincode::serde::decode_from_slice(&bytes, config).unwrap();
        assert_eq!((again, used), (descriptor, bytes.len()));
    }
}

#[test]
fn what_no_conf_could_say_is_not_taken_from_a_peer() {
    let config = bincode::config::standard();
    let descriptor = read(EVERYTHING, None).descriptor.unwrap();
    let bytes = bincode::serde::encode_to_vec(&descriptor, config).unwrap();
    for (right, wrong) in [
        (&b"/friends"[..], &b"/frien s"[..]),
        (b"friend-impl", b"friend impl"),
        (b"FRIEND_BIND_PORT", b"FRIEND_BIND\nPORT"),
        (b"/x/\\1-\\2", b"/x/\\1-\\7"),
        (b"REDIS_HOST", b"REDIS HOST"),
    ] {
        let at = bytes
            .windows(right.len())
            .rposition(|it| it == right)
            .unwrap();
        let mut bytes = bytes.clone();
        bytes[at..at + right.len()].copy_from_slice(wrong);
        let read = bincode::serde::decode_from_slice::<Descriptor, _>(&bytes, config);
        assert!(read.is_err(), "{}", String::from_utf8_lossy(wrong));
    }
}
