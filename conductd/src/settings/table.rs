//! Every setting: its name, its default, and what it is for. The reference page is made of this.

/// One setting.
pub(crate) struct Setting {
    /// Where it stands in a settings file.
    pub(crate) path: &'static str,
    /// What it is when nobody says otherwise, as it would be written in a file.
    pub(crate) default: &'static str,
    /// What it is for.
    pub(crate) what: &'static str,
}

const fn setting(path: &'static str, default: &'static str, what: &'static str) -> Setting {
    Setting {
        path,
        default,
        what,
    }
}

/// All of them, in the order in which a person wants to read them.
pub(crate) const SETTINGS: &[Setting] = &[
    setting(
        "conduct.ip",
        "127.0.0.1",
        "The address of this node: its peers and the callers of its instances use it.",
    ),
    setting(
        "conduct.state-dir",
        "/var/lib/conduct",
        "Where keys, state, archives and run directories are kept. One daemon has it for itself.",
    ),
    setting(
        "conduct.seeds",
        "[]",
        "Addresses (ip:port) of members to find the cluster by when nothing on disk says it.",
    ),
    setting(
        "conduct.duty",
        "both",
        "What the node takes part in: core (state, archives, votes), agent (instances), or both.",
    ),
    setting(
        "conduct.roles",
        "[web]",
        "The roles that this node offers to bundles.",
    ),
    setting(
        "conduct.match-roles",
        "off",
        "Whether roles decide where bundles run: off, all (a node offers every role that the \
         bundle asks for) or any.",
    ),
    setting(
        "conduct.profile",
        "lan",
        "How quickly peers are judged: lan (round trips up to 50 ms) or wan.",
    ),
    setting(
        "conduct.cluster.port",
        "9004",
        "The UDP port that nodes talk to each other by.",
    ),
    setting(
        "conduct.control.ip",
        "${conduct.ip}",
        "Where the control API, the status service and the locator listen. Anything but loopback \
         is refused until it can be guarded by TLS and a token.",
    ),
    setting(
        "conduct.control.port",
        "9005",
        "The port of the control API.",
    ),
    setting(
        "conduct.status.port",
        "9007",
        "The port where instances signal that they are healthy.",
    ),
    setting(
        "conduct.locator.port",
        "9008",
        "The port of the service locator.",
    ),
    setting(
        "conduct.ingress.enabled",
        "auto",
        "Whether this node passes requests on to active instances: on, off, or auto: on where \
         the node has the role proxy.",
    ),
    setting(
        "conduct.ingress.ip",
        "${conduct.ip}",
        "Where the ingress listens, also for the tcp ports that bundles ask for.",
    ),
    setting(
        "conduct.ingress.port",
        "9000",
        "The port of the ingress for HTTP.",
    ),
    setting(
        "conduct.ingress.status-port",
        "9009",
        "The port where load balancers ask for /status of the ingress.",
    ),
    setting(
        "conduct.ingress.tls.port",
        "9443",
        "The port of the ingress for HTTPS, where there is a certificate.",
    ),
    setting(
        "conduct.ingress.tls.certificate",
        "none",
        "A PEM file with the certificate and its chain, read again when it changes; or none.",
    ),
    setting(
        "conduct.ingress.tls.key",
        "${conduct.ingress.tls.certificate}",
        "A PEM file with the key of the certificate.",
    ),
    setting(
        "conduct.ingress.accept-proxy",
        "off",
        "Whether connections begin with a header of the PROXY protocol, as some load balancers \
         send it: on or off. With on, others are refused.",
    ),
    setting(
        "conduct.ingress.send-proxy",
        "[]",
        "TCP ports whose instances are told of the caller with the PROXY protocol.",
    ),
    setting(
        "conduct.ingress.trust-forwarded",
        "off",
        "Whether X-Forwarded-… headers of callers are passed on instead of replaced: on only \
         behind a proxy that sets them.",
    ),
    setting(
        "conduct.ingress.access-log",
        "on",
        "Whether each request of the ingress is logged: on or off.",
    ),
    setting(
        "conduct.capacity.cpus",
        "auto",
        "Processors that instances may use in all; auto takes what the machine has.",
    ),
    setting(
        "conduct.capacity.memory",
        "auto",
        "Memory that instances may use in all; auto takes what the machine has.",
    ),
    setting(
        "conduct.capacity.disk",
        "auto",
        "Room for unpacked bundles in all; auto takes what the state folder's file system has.",
    ),
    setting(
        "conduct.endpoints.first-port",
        "10000",
        "The first port that instances are given.",
    ),
    setting(
        "conduct.endpoints.last-port",
        "10999",
        "The last port that instances are given.",
    ),
    setting(
        "conduct.archives.replicas",
        "3",
        "How many core nodes should hold each archive.",
    ),
    setting(
        "conduct.archives.max-size",
        "1 GiB",
        "The largest archive that is taken.",
    ),
    setting(
        "conduct.archives.retain",
        "60 s",
        "How long an archive stays on disk after nothing that is loaded names it any more.",
    ),
    setting(
        "conduct.start-timeout",
        "60 s",
        "How long an instance may take to signal that it is healthy, unless its bundle says \
         otherwise.",
    ),
    setting(
        "conduct.stop-grace",
        "8 s",
        "How long an instance may take to end after SIGTERM, unless its bundle says otherwise.",
    ),
    setting("conduct.runc", "runc", "The program that runs containers."),
    setting(
        "conduct.docker",
        "docker",
        "The program that runs components of type docker.",
    ),
    setting(
        "conduct.limits.memory",
        "as-asked",
        "as-asked: an instance that uses more memory than its bundle asks for (but at least 32 MiB) is killed; none: it is not.",
    ),
    setting(
        "conduct.limits.processes",
        "1024",
        "How many processes and threads an instance may have at once.",
    ),
    setting(
        "conduct.testing.cut-file",
        "\"\"",
        "A file that names peers (ip:port, one a line) with which nothing is exchanged, so that a \
         split network can be tried on one machine; the sandbox writes it.",
    ),
    setting(
        "conduct.log.level",
        "info",
        "What the daemon writes to standard error: error, warn, info, debug or trace.",
    ),
    setting(
        "conduct.log.format",
        "auto",
        "human, json, or auto: human on a terminal and JSON elsewhere.",
    ),
];

/// The defaults as one settings file.
pub(crate) fn defaults() -> String {
    let line = |setting: &Setting| format!("{} = {}\n", setting.path, setting.default);
    SETTINGS.iter().map(line).collect()
}

/// The environment variable of a setting: `CONDUCT_LOG_LEVEL` for `conduct.log.level`.
pub(crate) fn variable(path: &str) -> String {
    path.to_ascii_uppercase().replace(['.', '-'], "_")
}
