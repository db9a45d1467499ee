//! Loopback addresses that nobody else on this machine uses.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// The socket whose owner has the whole block.
const CLAIM_PORT: u16 = 19_005;
const CLAIM_HOST: u8 = 250;

/// The second byte of the first and the number of second bytes that blocks are taken from. The rest
/// of the loopback network is left to people.
const FIRST: u32 = 100;
const SECONDS: u32 = 100;

/// A block of 249 addresses, held until it is dropped.
#[derive(Debug)]
pub struct Addresses {
    second: u8,
    third: u8,
    _claim: UdpSocket,
}

impl Addresses {
    /// Takes a block that is free.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn claim() -> Addresses {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let blocks = SECONDS * 256;
        // Processes begin at different places, so that most claims succeed at once.
        let begin = std::process::id().wrapping_mul(37) % blocks;
        for _ in 0..blocks {
            let at = (begin + NEXT.fetch_add(1, Ordering::Relaxed)) % blocks;
            let (second, third) = ((FIRST + at / 256) as u8, (at % 256) as u8);
            let claim = Ipv4Addr::new(127, second, third, CLAIM_HOST);
            if let Ok(claim) = UdpSocket::bind((claim, CLAIM_PORT)) {
                return Addresses {
                    second,
                    third,
                    _claim: claim,
                };
            }
        }
        panic!("no block of loopback addresses is free");
    }

    /// One of them, counted from 1.
    #[must_use]
    pub fn ip(&self, number: u8) -> Ipv4Addr {
        assert!(
            (1..CLAIM_HOST).contains(&number),
            "a block has 249 addresses"
        );
        Ipv4Addr::new(127, self.second, self.third, number)
    }
}
