//! Flags that say what a `bundle.conf` should say. `bndl` has them, and so has whatever else makes
//! configurations on the fly.

use clap::ValueEnum;
use conduct_hocon::{Path, Value};
use conduct_image::Platform;
use conduct_model::Check;

use super::component_flags::ComponentFlags;

/// All of them. A group for [`clap`], to be flattened into a command.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ConfFlags {
    /// Keys of the top level.
    #[command(flatten)]
    pub top: TopFlags,
    /// Keys of components and their endpoints.
    #[command(flatten)]
    pub components: ComponentFlags,
    /// The check that signals the start.
    #[command(flatten)]
    pub check: CheckFlags,
    /// Add an export of this variable to runtime-config.sh; may be repeated
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Configuration")]
    pub env: Vec<String>,
    /// What becomes of images.
    #[command(flatten)]
    pub image: ImageFlags,
    /// Fill in missing keys as this kind of application has them
    #[arg(long, value_name = "KIND", help_heading = "Defaults and validation")]
    pub with_defaults: Option<Defaults>,
    /// Skip a rule of the validation; may be repeated
    #[arg(long, value_name = "RULE", help_heading = "Defaults and validation")]
    pub validation_exclude: Vec<ValidationRule>,
}

/// Flags for keys of the top level. Each replaces what is there.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Keys of the bundle")]
pub struct TopFlags {
    /// The bundle's name
    #[arg(long)]
    pub name: Option<String>,
    /// The version of the descriptor's format
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// Which releases may stand in for each other
    #[arg(long, value_name = "VERSION")]
    pub compatibility_version: Option<String>,
    /// The cluster system that it belongs to
    #[arg(long)]
    pub system: Option<String>,
    /// The version of that system
    #[arg(long, value_name = "VERSION")]
    pub system_version: Option<String>,
    /// Processors, fractions allowed
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    pub nr_of_cpus: Option<Value>,
    /// Memory in bytes, or as in 384MiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub memory: Option<Value>,
    /// Disk space in bytes, or as in 200MiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub disk_space: Option<Value>,
    /// A role that nodes must have; replaces all, may be repeated
    #[arg(long = "role", alias = "roles", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// A tag; replaces all, may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// An annotation, dots in the key nest; may be repeated
    #[arg(long = "annotation", value_name = "KEY=VALUE", value_parser = annotation)]
    pub annotations: Vec<Annotation>,
}

/// Flags for the component that checks others.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Check")]
pub struct CheckFlags {
    /// Signal the start when these addresses answer, such as '$WEB_HOST/health'
    #[arg(long = "check", value_name = "ADDRESS", num_args = 1.., value_parser = address)]
    pub addresses: Vec<String>,
    /// Seconds before the first try of the check
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub initial_delay: Option<String>,
    /// Seconds that a try of the check may take
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub connection_timeout: Option<String>,
}

/// Flags for images.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Images")]
pub struct ImageFlags {
    /// Which image of a docker archive
    #[arg(long, value_name = "NAME")]
    pub image_name: Option<String>,
    /// Which tag of the image
    #[arg(long, value_name = "TAG")]
    pub image_tag: Option<String>,
    /// Which platform of an image for several, such as linux/arm64 [default: this machine's]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    pub platform: Option<Platform>,
    /// No endpoints, and so no check, for exposed ports
    #[arg(long)]
    pub no_default_endpoints: bool,
    /// No check for exposed ports
    #[arg(long)]
    pub no_default_check: bool,
    /// No volumes for the volumes of the image
    #[arg(long)]
    pub no_default_volumes: bool,
}

/// Kinds of applications, by what they usually need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Defaults {
    /// An Akka application
    Akka,
    /// Any application
    Generic,
    /// A Lagom application
    Lagom,
    /// A Play application
    Play,
}

/// Rules of the validation that can be skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ValidationRule {
    /// Unknown keys are let through
    PropertyNames,
    /// Keys may be missing
    Required,
}

/// A path into the annotations and a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The keys that lead there.
    pub keys: Vec<String>,
    /// What it says.
    pub value: String,
}

impl ConfFlags {
    /// Whether any of them asks for a configuration to be made when a bundle is loaded. Those that
    /// only matter while a bundle is made do not.
    pub fn make_a_configuration(&self) -> bool {
        let TopFlags {
            name,
            version,
            compatibility_version,
            system,
            system_version,
            nr_of_cpus,
            memory,
            disk_space,
            roles,
            tags,
            annotations,
        } = &self.top;
        let texts = [name, version, compatibility_version, system, system_version];
        let values = [nr_of_cpus, memory, disk_space];
        texts.into_iter().any(Option::is_some)
            || values.into_iter().any(Option::is_some)
            || !(roles.is_empty() && tags.is_empty() && annotations.is_empty())
            || !(self.env.is_empty() && self.check.addresses.is_empty())
            || self.components.make_a_configuration()
    }

    pub(super) fn excludes(&self, rule: ValidationRule) -> bool {
        self.validation_exclude.contains(&rule)
    }
}

fn number(text: &str) -> Result<Value, String> {
    let value = Value::number(text.trim()).filter(|value| value.as_decimal().is_ok());
    value.ok_or_else(|| "it is no number".to_owned())
}

/// Plain bytes, whatever the unit was: old readers know no others.
fn size(text: &str) -> Result<Value, String> {
    let bytes = Value::string(text).as_bytes();
    bytes
        .map(Value::from)
        .map_err(|_| "it is no size such as 402653184 or 384MiB".to_owned())
}

fn seconds(text: &str) -> Result<String, String> {
    let words = ["--initial-delay", text, "$X"];
    Check::parse(words)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

fn address(text: &str) -> Result<String, String> {
    if text.starts_with('-') {
        return Err("it is no address".to_owned());
    }
    let hint = "addresses begin with $NAME, http:// or tcp://; a SOURCE goes before --check";
    let told = |error: conduct_model::CheckError| {
        let cause = std::error::Error::source(&error).map(|cause| format!("{cause}; "));
        format!("{}{hint}", cause.unwrap_or_default())
    };
    Check::parse([text]).map(|_| text.to_owned()).map_err(told)
}

fn annotation(text: &str) -> Result<Annotation, String> {
    let (key, value) = text.split_once('=').ok_or("it has no =")?;
    let keys: Vec<String> = if key.contains('"') {
        let path = Path::parse(key).map_err(|error| error.to_string())?;
        path.keys().map(str::to_owned).collect()
    } else {
        key.split('.').map(str::to_owned).collect()
    };
    if keys.iter().any(String::is_empty) {
        return Err("a part of its key is empty".to_owned());
    }
    Ok(Annotation {
        keys,
        value: value.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{FromArgMatches as _, Parser};

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        flags: ConfFlags,
    }

    fn parse(line: &[&str]) -> Result<ConfFlags, clap::Error> {
        let whole = std::iter::once("test").chain(line.iter().copied());
        let matches = <Cli as clap::CommandFactory>::command()
            .disable_version_flag(true)
            .try_get_matches_from(whole)?;
        Ok(Cli::from_arg_matches(&matches)?.flags)
    }

    #[test]
    fn sizes_become_bytes_and_numbers_keep_their_text() {
        let top = parse(&[
            "--memory",
            "384MiB",
            "--nr-of-cpus",
            "0.10",
            "--disk-space",
            "5",
        ])
        .expect("sound")
        .top;
        assert_eq!(top.memory, Some(Value::from(402_653_184_u64)));
        assert_eq!(top.disk_space, Some(Value::from(5_u64)));
        assert_eq!(top.nr_of_cpus, Value::number("0.10"));
        for line in [
            ["--memory", "much"],
            ["--nr-of-cpus", "x"],
            ["--disk-space", "-1"],
        ] {
            assert!(parse(&line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn annotations_nest_by_dots_unless_quoted() {
        let keys = |text: &str| annotation(text).map(|annotation| annotation.keys);
        assert_eq!(keys("a.b=x=y"), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(
            keys("\"a.b\".c=x"),
            Ok(vec!["a.b".to_owned(), "c".to_owned()])
        );
        assert!(keys("a").is_err() && keys("a..b=x").is_err() && keys("=x").is_err());
    }

    #[test]
    fn both_spellings_of_roles_are_taken() {
        let flags = parse(&["--role", "web", "--roles", "data"]).expect("sound");
        assert_eq!(flags.top.roles, ["web", "data"]);
    }

    #[test]
    fn a_check_takes_many_addresses_and_nothing_else() {
        let flags = parse(&["--check", "$A_HOST", "http://b:1/x", "--initial-delay", "3"]);
        assert_eq!(
            flags.expect("sound").check.addresses,
            ["$A_HOST", "http://b:1/x"]
        );
        let refused = parse(&["--check", "$A_HOST", "shop.zip"]).expect_err("no address");
        assert!(
            refused.to_string().contains("a SOURCE goes before --check"),
            "{refused}"
        );
    }

    #[test]
    fn only_what_a_cluster_sees_asks_for_a_configuration() {
        let asks = |line: &[&str]| parse(line).expect("sound").make_a_configuration();
        assert!(asks(&["--env", "A=b"]) && asks(&["--memory", "1"]) && asks(&["--endpoint", "x"]));
        assert!(!asks(&["--description", "x"]) && !asks(&["--image-tag", "1"]) && !asks(&[]));
    }
}
