//! What a caller of the locator asks for.
//!
//! Callers are handed an address that ends in `/services`. Some put `/<name>` behind it, some the
//! whole path, some cut it off first. All of them are understood, which is why no service can be
//! called like the first segment of one of these paths.

use crate::query::decoded;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Wanted<'a> {
    /// To be sent to an instance, with the rest of the path.
    Locate {
        /// The service.
        service: String,
        /// Empty, or a path that begins with a slash.
        rest: &'a str,
    },
    /// A list of all.
    Hosts {
        /// The service.
        service: String,
        /// Which shape.
        version: Version,
    },
    /// The one on a host.
    Host {
        /// The service.
        service: String,
        /// The host's address.
        host: String,
        /// Which shape.
        version: Version,
    },
    /// To be told when one comes or goes.
    Events {
        /// The service.
        service: String,
        /// Which shape.
        version: Version,
    },
}

/// The shape of what is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Version {
    /// `"ip:port"`.
    One,
    /// An object.
    Two,
}

impl Wanted<'_> {
    /// Reads a path; nothing for one that names no service.
    pub(crate) fn read(path: &str) -> Option<Wanted<'_>> {
        let path = whole(path);
        let (first, rest) = segment(path)?;
        match first {
            "services" => locate(rest),
            "service-hosts" => hosts(rest, Version::One),
            "v1" | "v2" => {
                let version = if first == "v1" {
                    Version::One
                } else {
                    Version::Two
                };
                let (second, rest) = segment(rest)?;
                (second == "service-hosts").then(|| hosts(rest, version))?
            }
            _ => locate(path),
        }
    }
}

/// Without the `/services` of the address, where a whole path follows it.
fn whole(path: &str) -> &str {
    let Some(("services", rest)) = segment(path) else {
        return path;
    };
    match segment(rest) {
        Some(("services" | "service-hosts", _)) => rest,
        Some(("v1" | "v2", behind)) if matches!(segment(behind), Some(("service-hosts", _))) => {
            rest
        }
        _ => path,
    }
}

/// The first segment and what follows, which begins with a slash or is empty. Slashes before it do
/// not count: callers may give names with or without one.
fn segment(path: &str) -> Option<(&str, &str)> {
    let path = path.trim_start_matches('/');
    let end = path.find('/').unwrap_or(path.len());
    (end > 0).then(|| path.split_at(end))
}

fn locate(path: &str) -> Option<Wanted<'_>> {
    let (service, rest) = segment(path)?;
    Some(Wanted::Locate {
        service: decoded(service),
        rest,
    })
}

fn hosts(path: &str, version: Version) -> Option<Wanted<'_>> {
    let (service, rest) = segment(path)?;
    let service = decoded(service);
    let Some((host, rest)) = segment(rest) else {
        return Some(Wanted::Hosts { service, version });
    };
    if segment(rest).is_some() {
        return None;
    }
    Some(match host {
        "events" => Wanted::Events { service, version },
        host => Wanted::Host {
            service,
            host: decoded(host),
            version,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(service: &str, rest: &'static str) -> Option<Wanted<'static>> {
        Some(Wanted::Locate {
            service: service.to_owned(),
            rest,
        })
    }

    #[test]
    fn a_name_is_found_behind_all_readings_of_the_address() {
        for path in [
            "/services/customers/123",
            "/customers/123",
            "/services/services/customers/123",
            "/services//customers/123",
            "//customers/123",
        ] {
            assert_eq!(Wanted::read(path), locate("customers", "/123"), "{path}");
        }
        assert_eq!(Wanted::read("/services/jms"), locate("jms", ""));
        assert_eq!(Wanted::read("/jms/"), locate("jms", "/"));
        assert_eq!(Wanted::read("/a%7Eb"), locate("a~b", ""));
        assert_eq!(Wanted::read("/services/v2"), locate("v2", ""));
    }

    #[test]
    fn hosts_are_listed_in_both_shapes() {
        for (prefix, version) in [
            ("", Version::One),
            ("/v1", Version::One),
            ("/v2", Version::Two),
        ] {
            for root in ["", "/services"] {
                let read = |rest: &str| {
                    let path = format!("{root}{prefix}/service-hosts/{rest}");
                    Wanted::read(Box::leak(path.into_boxed_str()))
                };
                let service = "web".to_owned();
                let wanted = Wanted::Hosts {
                    service: service.clone(),
                    version,
                };
                assert_eq!(read("web"), Some(wanted.clone()));
                assert_eq!(read("web/"), Some(wanted));
                let wanted = Wanted::Events {
                    service: service.clone(),
                    version,
                };
                assert_eq!(read("web/events"), Some(wanted));
                let wanted = Wanted::Host {
                    service,
                    host: "10.0.0.7".to_owned(),
                    version,
                };
                assert_eq!(read("web/10.0.0.7"), Some(wanted));
                assert_eq!(read("web/10.0.0.7/x"), None);
            }
        }
    }

    #[test]
    fn what_names_nothing_is_nothing() {
        for path in [
            "",
            "/",
            "//",
            "/services",
            "/services/",
            "/v2",
            "/v2/x",
            "/service-hosts",
        ] {
            assert_eq!(Wanted::read(path), None, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_rest_of_a_path_can_never_name_another_host(path in "[ -~]{0,40}") {
            if let Some(Wanted::Locate { rest, .. }) = Wanted::read(&path) {
                proptest::prop_assert!(rest.is_empty() || rest.starts_with('/'));
            }
        }
    }
}
