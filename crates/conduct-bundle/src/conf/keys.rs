//! The words of `bundle.conf`.

/// A key that has been spelled otherwise, and still is by some tools.
pub(crate) struct Alias {
    /// How it is spelled now.
    pub(crate) key: &'static str,
    /// How it was.
    pub(crate) old: &'static str,
}

pub(crate) const TOP_ALIASES: &[Alias] = &[
    Alias {
        key: "compatibility-version",
        old: "compatibilityVersion",
    },
    Alias {
        key: "disk-space",
        old: "diskSpace",
    },
    Alias {
        key: "nr-of-cpus",
        old: "nrOfCpus",
    },
    Alias {
        key: "system-version",
        old: "systemVersion",
    },
];

pub(crate) const ENDPOINT_ALIASES: &[Alias] = &[Alias {
    key: "bind-protocol",
    old: "protocol",
}];

pub(crate) const TOP: &[&str] = &[
    "annotations",
    "compatibility-version",
    "components",
    "disk-space",
    "exclusive",
    "max-per-node",
    "memory",
    "name",
    "nr-of-cpus",
    "on-quarantine",
    "roles",
    "secrets",
    "start-timeout",
    "stop-grace",
    "system",
    "system-version",
    "tags",
    "version",
];

pub(crate) const COMPONENT: &[&str] = &[
    "description",
    "endpoints",
    "file-system-type",
    "liveness",
    "start-command",
    "volumes",
];

/// What every component of a conf that is handed out has, since clients rely on it.
pub(crate) const COMPONENT_SERVED: &[&str] = &[
    "description",
    "file-system-type",
    "start-command",
    "endpoints",
];

pub(crate) const LIVENESS: &[&str] = &["failures", "interval", "timeout"];

pub(crate) const ENDPOINT: &[&str] = &[
    "acls",
    "bind-port",
    "bind-protocol",
    "service-name",
    "services",
];

pub(crate) const ACL: &[&str] = &["http", "tcp", "udp"];
pub(crate) const REQUESTS: &[&str] = &["requests"];
pub(crate) const HTTP_RULE: &[&str] = &[
    "host",
    "method",
    "path",
    "path-beg",
    "path-regex",
    "rewrite",
];

/// An example for each key that has to be there, for those who forgot it.
pub(crate) const EXAMPLES: &[(&str, &str)] = &[
    ("bind-port", "bind-port = 0"),
    ("bind-protocol", "bind-protocol = http"),
    ("compatibility-version", "compatibility-version = \"1\""),
    ("components", "components { … }"),
    ("description", "description = \"\""),
    ("disk-space", "disk-space = 200 MiB"),
    ("file-system-type", "file-system-type = universal"),
    ("memory", "memory = 384 MiB"),
    ("name", "name = shop"),
    ("nr-of-cpus", "nr-of-cpus = 0.1"),
    ("roles", "roles = [web]"),
    ("start-command", "start-command = [\"bin/shop\"]"),
    ("system", "system = shop"),
    ("system-version", "system-version = \"1\""),
    ("version", "version = \"1\""),
];
