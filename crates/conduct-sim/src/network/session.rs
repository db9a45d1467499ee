//! The seal on packets: a receiver takes what a member sealed in this session, once.

/// The receiving end of a session: which packet numbers it has taken already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Session {
    highest: u64,
    window: u64,
}

/// Why a packet was dropped unread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The seal does not fit the bytes.
    Broken,
    /// The session is not open (any more).
    Unknown,
    /// This number came already, or is too old to know.
    Replayed,
}

/// What an attacker did to a packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Forgery {
    /// Sent again what went over the wire before.
    Replay,
    /// Made up by someone without a key.
    Forged,
    /// Bits were flipped on the way.
    Flipped,
}

/// How strict the door is. The product's transport is strict; the others exist so that the
/// checkers can prove that they notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Gate {
    /// As the transport is.
    #[default]
    Strict,
    /// Takes the same packet again.
    TakesReplays,
    /// Takes what nobody sealed.
    TakesForgeries,
}

/// How far back numbers are remembered.
const WINDOW_PACKETS_MAX: u64 = 64;

impl Session {
    /// Takes the packet with this number unless it came before.
    pub fn take(&mut self, number: u64) -> Result<(), Refusal> {
        if number > self.highest {
            let step = number - self.highest;
            self.window = if step >= WINDOW_PACKETS_MAX {
                0
            } else {
                self.window << step
            };
            self.window |= 1;
            self.highest = number;
            return Ok(());
        }
        let back = self.highest - number;
        let bit = if back >= WINDOW_PACKETS_MAX {
            0
        } else {
            1 << back
        };
        if bit == 0 || self.window & bit != 0 {
            return Err(Refusal::Replayed);
        }
        self.window |= bit;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_once_in_any_order() {
        let mut session = Session::default();
        for number in [3, 1, 2, 70, 69, 200, 140] {
            assert_eq!(session.take(number), Ok(()), "{number}");
            assert_eq!(session.take(number), Err(Refusal::Replayed), "{number}");
        }
        assert_eq!(
            session.take(4),
            Err(Refusal::Replayed),
            "older than the window"
        );
    }
}
