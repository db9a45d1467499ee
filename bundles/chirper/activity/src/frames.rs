//! Cutting a stream of server-sent events where one ends: only whole ones are handed on.

use bytes::{Bytes, BytesMut};

/// The longest event that is waited for.
const FRAME_BYTES_MAX: usize = 64 << 10;

/// Bytes that came in and do not make a whole event yet.
#[derive(Default)]
pub(crate) struct Frames {
    pending: BytesMut,
}

impl Frames {
    /// Takes in what came. Says no if an event is longer than any that is sent.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        self.pending.extend_from_slice(bytes);
        self.pending.len() <= FRAME_BYTES_MAX
    }

    /// All events that are whole by now, as they were written.
    pub(crate) fn whole(&mut self) -> Option<Bytes> {
        let end = self.pending.windows(2).rposition(|two| two == b"\n\n")?;
        Some(self.pending.split_to(end + 2).freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_events_come_out() {
        let mut frames = Frames::default();
        assert!(frames.push(b"event: chirp\ndata: 1\n"));
        assert_eq!(frames.whole(), None);
        assert!(frames.push(b"\nevent: beat\ndata: \n\nevent: ch"));
        let whole = frames.whole().expect("two events");
        assert_eq!(
            &whole[..],
            b"event: chirp\ndata: 1\n\nevent: beat\ndata: \n\n"
        );
        assert_eq!(frames.whole(), None);
        assert!(frames.push(b"irp\ndata: 2\n\n"));
        assert_eq!(
            &frames.whole().expect("one")[..],
            b"event: chirp\ndata: 2\n\n"
        );
    }

    #[test]
    fn an_endless_event_is_not_waited_for() {
        let mut frames = Frames::default();
        assert!(!frames.push(&vec![b'x'; FRAME_BYTES_MAX + 1]));
    }
}
