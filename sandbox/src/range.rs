//! A range of addresses, as `--addr-range` names it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Addresses with a common beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    first: IpAddr,
    prefix: u8,
}

impl Range {
    /// `127.0.THIRD.0/24`
    pub(crate) fn loopback(third: u8) -> Range {
        Range {
            first: Ipv4Addr::new(127, 0, third, 0).into(),
            prefix: 24,
        }
    }

    /// The first `count` addresses that a host may have; fewer where the range holds no more.
    pub(crate) fn hosts(self, count: usize) -> Vec<IpAddr> {
        let width = match self.first {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        let bits = width - u32::from(self.prefix);
        let size = 1_u128.checked_shl(bits).unwrap_or(u128::MAX);
        // The first address of a range names the range and the last one all of it; a range of one
        // or two has neither.
        let (from, to) = if bits > 1 { (1, size - 1) } else { (0, size) };
        let at = |offset: u128| -> IpAddr {
            match self.first {
                IpAddr::V4(first) => Ipv4Addr::from(u32::from(first) + offset as u32).into(),
                IpAddr::V6(first) => Ipv6Addr::from(u128::from(first) + offset).into(),
            }
        };
        (from..to).take(count).map(at).collect()
    }

    /// Whether all of it is on this machine and nowhere else.
    pub(crate) fn is_loopback(self) -> bool {
        match self.first {
            IpAddr::V4(first) => first.is_loopback() && self.prefix >= 8,
            IpAddr::V6(first) => first.is_loopback() && self.prefix == 128,
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Range, String> {
        let meant = || "a range such as 127.0.10.0/24 is meant".to_owned();
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| meant())?;
        let width = if first.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| meant())?,
            None => width,
        };
        if prefix > width {
            return Err(meant());
        }
        let value = match first {
            IpAddr::V4(first) => u128::from(u32::from(first)),
            IpAddr::V6(first) => u128::from(first),
        };
        let host_bits = u32::from(width - prefix);
        let mask = 1_u128
            .checked_shl(host_bits)
            .map_or(u128::MAX, |size| size - 1);
        if value & mask != 0 {
            return Err(format!("{address} is no beginning of a range of /{prefix}"));
        }
        Ok(Range { first, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str, count: usize) -> Vec<String> {
        let range: Range = text.parse().expect("a range");
        range.hosts(count).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn hosts_are_taken_in_ascending_order_without_both_ends() {
        assert_eq!(hosts("127.0.10.0/24", 2), ["127.0.10.1", "127.0.10.2"]);
        assert_eq!(hosts("127.0.10.4/30", 9), ["127.0.10.5", "127.0.10.6"]);
        assert_eq!(hosts("127.0.10.7/32", 9), ["127.0.10.7"]);
        assert_eq!(hosts("127.0.10.7", 9), ["127.0.10.7"]);
        assert_eq!(hosts("::1/128", 9), ["::1"]);
        assert_eq!(hosts("::/0", 1), ["::1"]);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "x",
            "127.0.10.1/24",
            "127.0.10.0/33",
            "127.0.0/8",
            "127.0.10.0/",
            "::1/64",
        ] {
            assert!(text.parse::<Range>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_loopback_is_known_to_be_this_machine() {
        let is_loopback = |text: &str| text.parse::<Range>().expect("a range").is_loopback();
        assert!(is_loopback("127.0.10.0/24") && is_loopback("::1/128"));
        assert!(!is_loopback("192.168.10.0/24") && !is_loopback("126.0.0.0/7"));
    }
}
