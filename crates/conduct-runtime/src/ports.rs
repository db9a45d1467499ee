//! Ports for endpoints: in sequence and around, like pids, so that a port that was just given back is
//! not the next one given out.

use std::collections::BTreeSet;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

use crate::error::RuntimeError;

#[derive(Debug)]
pub(crate) struct PortPool {
    ip: IpAddr,
    range: RangeInclusive<u16>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: u16,
    given: BTreeSet<u16>,
}

impl PortPool {
    pub(crate) fn new(ip: IpAddr, range: RangeInclusive<u16>) -> PortPool {
        let state = Mutex::new(State {
            next: *range.start(),
            given: BTreeSet::new(),
        });
        PortPool { ip, range, state }
    }

    /// The next port that nobody holds.
    pub(crate) fn take(&self) -> Result<u16, RuntimeError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in self.range.clone() {
            let port = state.next;
            state.next = if port == *self.range.end() {
                *self.range.start()
            } else {
                port + 1
            };
            if !state.given.contains(&port) && self.is_free(port) {
                state.given.insert(port);
                return Ok(port);
            }
        }
        let (first, last) = (*self.range.start(), *self.range.end());
        Err(RuntimeError::NoPort {
            first,
            last,
            ip: self.ip,
        })
    }

    /// A port that a bundle insists on.
    pub(crate) fn take_fixed(&self, port: u16, endpoint: &str) -> Result<(), RuntimeError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.given.contains(&port) || !self.is_free(port) {
            return Err(RuntimeError::PortTaken {
                port,
                endpoint: endpoint.to_owned(),
            });
        }
        state.given.insert(port);
        Ok(())
    }

    /// Notes a port that an adopted instance holds.
    pub(crate) fn adopt(&self, port: u16) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .given
            .insert(port);
    }

    pub(crate) fn give_back(&self, port: u16) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .given
            .remove(&port);
    }

    fn is_free(&self, port: u16) -> bool {
        TcpListener::bind((self.ip, port)).is_ok() && UdpSocket::bind((self.ip, port)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 88, 0, 1));

    #[test]
    fn ports_go_around_and_are_given_once() {
        let pool = PortPool::new(LOOPBACK, 20000..=20002);
        let first = pool.take().unwrap();
        pool.give_back(first);
        let second = pool.take().unwrap();
        let third = pool.take().unwrap();
        assert_eq!((first, second, third), (20000, 20001, 20002));
        assert_eq!(pool.take().unwrap(), 20000);
        let why = pool.take().unwrap_err().to_string();
        assert_eq!(why, "no port from 20000 to 20002 is free on 127.88.0.1");
    }

    #[test]
    fn a_port_that_a_stranger_holds_is_passed_over_or_named() {
        let stranger = TcpListener::bind((LOOPBACK, 20010)).unwrap();
        let pool = PortPool::new(LOOPBACK, 20010..=20011);
        assert_eq!(pool.take().unwrap(), 20011);
        let why = pool.take_fixed(20010, "web").unwrap_err().to_string();
        assert_eq!(
            why,
            "port 20010 for endpoint web is taken by another program"
        );
        drop(stranger);
        assert!(pool.take_fixed(20010, "web").is_ok());
    }
}
