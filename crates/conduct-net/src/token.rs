//! What lets a machine in: one use, a short life, and the cluster's own name in it.

use std::fmt;
use std::str::FromStr;

use conduct_model::{Digest, Wall};

/// What an operator carries from a member to a machine that is to join.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinToken {
    /// The cluster: the joiner talks to nobody else, so the secret is safe with whom it dials.
    pub authority: Digest,
    /// Proves that a member made this token.
    pub secret: [u8; 32],
    /// After this it lets nobody in.
    pub expires: Wall,
}

/// Why a text is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Something else altogether.
    #[error("a join token begins with {start:?}", start = JoinToken::START)]
    Start,
    /// A part of it is missing, or a character was lost on the way.
    #[error("this join token is damaged; was all of it copied?")]
    Damaged,
}

impl JoinToken {
    const START: &'static str = "conduct-join-";
    const BODY_BYTES: usize = 32 + 32 + 8;
    const CHECK_BYTES: usize = 4;

    /// What a member keeps of a token: enough to know it again, not enough to use it.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.secret)
    }

    fn body(&self) -> Vec<u8> {
        let mut body = self.authority.as_bytes().to_vec();
        body.extend_from_slice(&self.secret);
        body.extend_from_slice(&self.expires.as_millis().to_be_bytes());
        body
    }
}

impl FromStr for JoinToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<JoinToken, TokenError> {
        let digits = text
            .trim()
            .strip_prefix(JoinToken::START)
            .ok_or(TokenError::Start)?;
        let bytes = hex::decode(digits).map_err(|_| TokenError::Damaged)?;
        if bytes.len() != JoinToken::BODY_BYTES + JoinToken::CHECK_BYTES {
            return Err(TokenError::Damaged);
        }
        let (body, check) = bytes.split_at(JoinToken::BODY_BYTES);
        if &Digest::of(body).as_bytes()[..JoinToken::CHECK_BYTES] != check {
            return Err(TokenError::Damaged);
        }
        let part = |from: usize| <[u8; 32]>::try_from(&body[from..from + 32]);
        let expires = <[u8; 8]>::try_from(&body[64..]).map_err(|_| TokenError::Damaged)?;
        Ok(JoinToken {
            authority: Digest::from_bytes(part(0).map_err(|_| TokenError::Damaged)?),
            secret: part(32).map_err(|_| TokenError::Damaged)?,
            expires: Wall::from_millis(u64::from_be_bytes(expires)),
        })
    }
}

impl fmt::Display for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.body();
        let digest = Digest::of(&body);
        let check = hex::encode(&digest.as_bytes()[..JoinToken::CHECK_BYTES]);
        write!(f, "{}{}{check}", JoinToken::START, hex::encode(&body))
    }
}

/// The secret stays out of logs.
impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "JoinToken({:?}, expires {})",
            self.authority,
            self.expires.as_millis()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> JoinToken {
        JoinToken {
            authority: Digest::of(b"authority"),
            secret: [7; 32],
            expires: Wall::from_millis(1_700_000_000_000),
        }
    }

    #[test]
    fn a_token_reads_back_also_with_space_around_it() {
        assert_eq!(format!(" {}\n", token()).parse(), Ok(token()));
    }

    #[test]
    fn a_token_that_lost_a_character_is_called_damaged() {
        let text = token().to_string();
        assert_eq!(
            text[..text.len() - 1].parse::<JoinToken>(),
            Err(TokenError::Damaged)
        );
        let swapped = text.replacen("07", "70", 1);
        assert_eq!(swapped.parse::<JoinToken>(), Err(TokenError::Damaged));
        assert_eq!("hello".parse::<JoinToken>(), Err(TokenError::Start));
    }

    #[test]
    fn the_secret_does_not_show_in_debug_output() {
        assert!(!format!("{:?}", token()).contains("0707"));
    }
}
