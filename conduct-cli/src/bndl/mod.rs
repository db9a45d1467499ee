//! `bndl`: makes a bundle or a configuration out of nearly anything.
//!
//! [`Material`] is what SOURCE turned out to be, [`ConfFlags`] say what its `bundle.conf` should
//! say, [`Prepared`] brings the two together, [`write()`] packs the result. Equal material and equal
//! flags give equal bytes, on any machine and at any time.

mod acl_flag;
mod check;
mod component_args;
mod component_flags;
mod contents;
mod defaults;
mod detect;
mod edit;
mod files;
mod flags;
mod image_conf;
mod inspect;
mod judge;
mod make;
mod material;
mod problem;
mod refuse;
mod script;
mod write;
mod written;

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

pub use component_flags::{Change, ComponentFlags, Edit, EndpointFlags};
pub(crate) use files::TarContent;
pub use flags::{
    Annotation, CheckFlags, ConfFlags, Defaults, ImageFlags, TopFlags, ValidationRule,
};
pub use make::Prepared;
pub(crate) use make::no_bundle_entry;
pub use material::{Format, Material};
pub use write::{Style, write};

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::screen::Screen;

/// Words that are commands where a SOURCE could stand.
const COMMANDS: [&str; 2] = ["inspect", "validate"];

/// Make a bundle or a configuration out of a folder, an archive, an image or a bundle.conf
///
/// SOURCE may be a folder, a zip or tar of a bundle, a bundle.conf, what `docker save` writes, or an
/// OCI image layout as folder or tar; what it is, is found out. Without SOURCE, stdin is read.
/// The result goes to stdout unless -o says where.
#[derive(Debug, Parser)]
#[command(
    name = "bndl",
    version,
    disable_version_flag = true,
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true,
    after_help = "A folder that is called like a command is reached as ./inspect.",
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    pack: Pack,
    /// Print the program's version
    #[arg(short = 'V', action = ArgAction::Version)]
    _version: Option<bool>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Inspect(inspect::Args),
    Validate(judge::Args),
}

#[derive(Debug, clap::Args)]
struct Pack {
    /// A folder or file; - or nothing means stdin
    source: Option<String>,
    /// What SOURCE is [default: found out]
    #[arg(short, long)]
    format: Option<Format>,
    /// Write to this file; - means stdout [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write a plain tar without digest instead of a zip
    #[arg(long)]
    no_shazar: bool,
    #[command(flatten)]
    flags: ConfFlags,
}

/// Runs the program.
pub fn main(screen: &mut Screen) -> Result<Exit, Failure> {
    let cli = Cli::parse();
    match cli.command {
        Some(Command::Inspect(args)) => inspect::run(&args, screen),
        Some(Command::Validate(args)) => judge::run(&args, screen),
        None => pack(&cli.pack, screen),
    }
}

fn pack(args: &Pack, screen: &mut Screen) -> Result<Exit, Failure> {
    let output = Output::new(args.output.as_deref());
    output.refuse_terminal("bndl")?;
    let material = Material::open(args.source.as_deref(), args.format, screen)?;
    let prepared = Prepared::new(&material, args.format, &args.flags, screen)?;
    let mut packing = prepared.packing(&args.flags, screen)?;
    if let Some(own) = material.place_of(&output).filter(|own| packing.remove(own)) {
        screen.note(format_args!("left out {own}, where the result goes"));
    }
    let style = if args.no_shazar {
        Style::Tar
    } else {
        Style::Zip
    };
    write(&packing, &output, style, screen)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_source_is_no_command_unless_it_is_called_like_one() {
        let source = |line: &[&str]| {
            let cli = Cli::try_parse_from(std::iter::once(&"bndl").chain(line)).expect("sound");
            (cli.command.is_none(), cli.pack.source)
        };
        assert_eq!(source(&["shop"]), (true, Some("shop".to_owned())));
        assert_eq!(source(&["./inspect"]), (true, Some("./inspect".to_owned())));
        assert_eq!(
            source(&["--name", "inspect", "x"]),
            (true, Some("x".to_owned()))
        );
        assert!(!source(&["inspect", "x"]).0);
    }
}
