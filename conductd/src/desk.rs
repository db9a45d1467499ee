//! Who is let into the cluster: whoever brings a token that this node gave out.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use conduct_model::{Span, Time};
use conduct_net::{Authority, JoinDesk, JoinRefusal, Welcome};
use conduct_node::view::View;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::clock;
use crate::tokens::Tokens;

/// Refused tries of one address within a minute.
const TRIES_MAX: usize = 5;
const TRIES_SPAN: Span = Span::secs(60);
/// Addresses whose tries are remembered; when there are more, the ones that tried first go.
const ADDRESSES_MAX: usize = 1024;

/// What a node is told when it is let in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hospitality {
    /// Where members are found.
    pub(crate) members: Vec<SocketAddr>,
}

/// What this node knows, as soon as it knows anything.
pub(crate) type Views = Arc<OnceLock<watch::Receiver<Arc<View>>>>;

/// Answers those who want to join.
pub(crate) struct Desk {
    pub(crate) tokens: Tokens,
    pub(crate) authority: Authority,
    pub(crate) own: SocketAddr,
    pub(crate) views: Views,
    pub(crate) tries: Tries,
}

impl JoinDesk for Desk {
    fn redeem(
        &self,
        from: SocketAddr,
        secret: [u8; 32],
        request: &[u8],
    ) -> Result<Welcome, JoinRefusal> {
        let now = clock::time();
        if self.tries.are_too_many(from.ip(), now) {
            return Err(JoinRefusal::Rate);
        }
        let outcome = self.let_in(&secret, request);
        let result = match &outcome {
            Ok(_) => "let in".to_owned(),
            Err(refusal) => refusal.to_string(),
        };
        tracing::info!(target: "audit", what = "join", %from, result, "changed");
        if outcome.is_err() {
            self.tries.note(from.ip(), now);
        }
        outcome
    }
}

impl Desk {
    fn let_in(&self, secret: &[u8; 32], request: &[u8]) -> Result<Welcome, JoinRefusal> {
        let view = self.views.get().ok_or(JoinRefusal::Quarantined)?;
        let members = {
            let view = view.borrow();
            if view.quarantine.is_some() {
                return Err(JoinRefusal::Quarantined);
            }
            self.members(&view)
        };
        let wall = clock::wall();
        self.tokens.check(secret, wall)?;
        // Signed before the token is used up: a request that cannot be signed costs none.
        let certificate = self.authority.sign(request).map_err(|error| {
            tracing::warn!(%error, "a joiner's request cannot be signed");
            JoinRefusal::Request
        })?;
        self.tokens.redeem(secret, wall)?;
        Ok(Welcome {
            certificate,
            authority: self.authority.certificate_der(),
            message: serde_json::to_vec(&Hospitality { members }).expect("addresses are texts"),
        })
    }

    fn members(&self, view: &View) -> Vec<SocketAddr> {
        let others = view
            .members
            .values()
            .filter_map(|member| member.address)
            .filter(|address| *address != self.own);
        std::iter::once(self.own).chain(others).collect()
    }
}

/// Refused tries, by the address that they came from.
#[derive(Default)]
pub(crate) struct Tries(Mutex<BTreeMap<IpAddr, VecDeque<Time>>>);

impl Tries {
    fn are_too_many(&self, from: IpAddr, now: Time) -> bool {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(times) = tries.get_mut(&from) else {
            return false;
        };
        times.retain(|at| now.since(*at) < TRIES_SPAN);
        times.len() >= TRIES_MAX
    }

    fn note(&self, from: IpAddr, now: Time) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries.entry(from).or_default().push_back(now);
        if tries.len() > ADDRESSES_MAX {
            let first = tries
                .iter()
                .min_by_key(|(_, times)| times.back().copied())
                .map(|(address, _)| *address);
            first.and_then(|address| tries.remove(&address));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_waits_a_minute_and_others_do_not() {
        let tries = Tries::default();
        let (guesser, other) = (IpAddr::from([127, 0, 0, 9]), IpAddr::from([127, 0, 0, 8]));
        let at = |seconds: u64| Time::from_millis(seconds * 1000);
        for second in 0..5 {
            assert!(!tries.are_too_many(guesser, at(second)));
            tries.note(guesser, at(second));
        }
        assert!(tries.are_too_many(guesser, at(5)));
        assert!(!tries.are_too_many(other, at(5)));
        assert!(tries.are_too_many(guesser, at(59)));
        assert!(!tries.are_too_many(guesser, at(61)));
    }

    #[test]
    fn a_flood_of_addresses_takes_no_more_than_its_bound() {
        let tries = Tries::default();
        for n in 0..3000_u32 {
            tries.note(IpAddr::from(n.to_be_bytes()), Time::from_millis(n.into()));
        }
        assert_eq!(tries.0.lock().unwrap().len(), ADDRESSES_MAX);
    }
}
