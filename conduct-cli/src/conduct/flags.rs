//! Flags that many commands share.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use conduct_client::{ApiVersion, Scheme};

/// What is said of the cluster and of how to show it, with any command.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) looks: Looks,
    #[command(flatten)]
    pub(crate) places: Places,
}

/// Which cluster.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct Connection {
    /// A node to ask, HOST or HOST:PORT; may be repeated, then they are tried in turn
    /// [env: CONDUCTR_HOST] [default: the running sandbox, else 127.0.0.1]
    #[arg(
        long = "host",
        value_name = "HOST",
        global = true,
        value_delimiter = ','
    )]
    pub(crate) hosts: Vec<String>,
    /// The same in the old spelling [env: CONDUCTR_IP]
    #[arg(short, long, value_name = "HOST", global = true)]
    pub(crate) ip: Option<String>,
    /// The port of the control API [env: CONDUCTR_PORT] [default: 9005]
    #[arg(short, long, value_name = "PORT", global = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// http or https; always https where there are credentials [env: CONDUCTR_SCHEME]
    /// [default: http]
    #[arg(long, value_name = "SCHEME", global = true)]
    pub(crate) scheme: Option<Scheme>,
    /// What stands before all paths [env: CONDUCTR_BASE_PATH] [default: /]
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) base_path: Option<String>,
    /// Which version of the control API: 1 or 2 [env: CONDUCTR_API_VERSION] [default: 2]
    #[arg(long, value_name = "VERSION", global = true)]
    pub(crate) api_version: Option<ApiVersion>,
    /// Guessed by old wrappers; means nothing.
    #[arg(long, global = true, hide = true)]
    pub(crate) local_connection: bool,
}

/// How to show things.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Looks {
    /// How to show the result
    #[arg(
        short,
        long,
        value_name = "FORM",
        global = true,
        default_value = "table"
    )]
    pub(crate) output: Form,
    /// Say nothing but errors, and of results only the id
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Print the answers of the cluster before the result
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Show ids in full
    #[arg(long, global = true)]
    pub(crate) long_ids: bool,
    /// Do not say what could be done next
    #[arg(long, global = true)]
    pub(crate) disable_instructions: bool,
}

/// Where things of this program are.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Places {
    /// The folder of settings and caches [env: CONDUCTR_CLI_SETTINGS_DIR] [default: ~/.conductr]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) settings_dir: Option<PathBuf>,
    /// The settings file [env: CONDUCTR_CUSTOM_SETTINGS_FILE]
    /// [default: settings.conf in the folder of settings]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) custom_settings_file: Option<PathBuf>,
    /// Held modules of old releases; means nothing.
    #[arg(long, value_name = "DIR", global = true, hide = true)]
    pub(crate) custom_plugins_dir: Option<PathBuf>,
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Form {
    /// For people
    #[default]
    Table,
    /// One document, for programs
    Json,
    /// The same as YAML
    Yaml,
    /// Only what things are called, one a line
    Id,
}

/// Whether and how long to wait for the effect.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Waiting")]
pub(crate) struct Waiting {
    /// How many seconds to wait for the effect
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait_timeout: u32,
    /// Return as soon as the cluster has accepted it
    #[arg(long)]
    pub(crate) no_wait: bool,
}

impl Waiting {
    /// How long to wait.
    pub(crate) fn limit(&self) -> Duration {
        Duration::from_secs(self.wait_timeout.into())
    }
}

/// How times are shown, and how many lines.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Times {
    /// Show times in UTC
    #[arg(long)]
    pub(crate) utc: bool,
}
