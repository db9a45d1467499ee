//! Messages to bytes and back: the only place that knows the encoding.
//!
//! Fields go by position, so the shape of a message never changes: what must change becomes a new
//! kind of section, or a new variant at the end of an enum. `skip_serializing_if`, `flatten` and
//! `untagged` would corrupt what follows, `default` would not do what it says.

use bincode::config::{Config, Configuration, Limit, LittleEndian, Varint};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::FRAME_BYTES_MAX;

/// Why bytes are no such message.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// They end too early, hold what no such message has, or claim more than fits.
    #[error("not such a message")]
    Malformed(#[source] bincode::error::DecodeError),
    /// A message, and then something else.
    #[error("{0} bytes follow the message")]
    Trailing(usize),
}

const fn config() -> Configuration<LittleEndian, Varint, Limit<FRAME_BYTES_MAX>> {
    bincode::config::standard().with_limit::<FRAME_BYTES_MAX>()
}

/// The bytes of a message.
///
/// # Panics
/// When the message is longer than [`FRAME_BYTES_MAX`] or of a shape that the encoding has not:
/// both are bugs of whoever made it.
pub fn encode<T: Serialize + ?Sized>(message: &T) -> Vec<u8> {
    let bytes = bincode::serde::encode_to_vec(message, unlimited())
        .expect("every message has a shape that can be encoded");
    assert!(
        bytes.len() <= FRAME_BYTES_MAX,
        "a message of {} bytes",
        bytes.len()
    );
    bytes
}

/// Encoding has no limit of its own: only the length is counted, once it is known.
fn unlimited() -> impl Config {
    bincode::config::standard()
}

/// How many bytes [`encode`] would give, without keeping them.
pub fn encoded_bytes<T: Serialize + ?Sized>(message: &T) -> usize {
    encode(message).len()
}

/// The message that `bytes` are, all of them. Never takes more memory than a small multiple of the
/// longest message, whatever lengths the bytes claim.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let (message, taken) =
        bincode::serde::decode_from_slice(bytes, config()).map_err(CodecError::Malformed)?;
    match bytes.len() - taken {
        0 => Ok(message),
        trailing => Err(CodecError::Trailing(trailing)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back() {
        let message = (7_u64, String::from("web"), vec![Some(1_u8), None]);
        let read: (u64, String, Vec<Option<u8>>) = decode(&encode(&message)).unwrap();
        assert_eq!(read, message);
    }

    #[test]
    fn bytes_behind_the_message_are_refused() {
        let mut bytes = encode(&7_u64);
        bytes.push(0);
        assert!(matches!(
            decode::<u64>(&bytes),
            Err(CodecError::Trailing(1))
        ));
    }

    #[test]
    fn a_length_that_claims_gigabytes_takes_no_memory() {
        // Varint marker for eight bytes, then a length of 2^63 - 1.
        let claim = [0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        assert!(matches!(
            decode::<Vec<u64>>(&claim),
            Err(CodecError::Malformed(_))
        ));
        assert!(matches!(
            decode::<String>(&claim),
            Err(CodecError::Malformed(_))
        ));
    }

    #[test]
    fn a_cut_message_is_refused_at_every_length() {
        let bytes = encode(&(7_u64, String::from("web"), vec![1_u32, 2, 300]));
        for cut in 0..bytes.len() {
            assert!(
                decode::<(u64, String, Vec<u32>)>(&bytes[..cut]).is_err(),
                "cut at {cut}"
            );
        }
    }
}
