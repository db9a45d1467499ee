//! `shazar`: packs a folder as it is, and names the archive by its digest.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::{ArgAction, CommandFactory, Parser};
use conduct_bundle::archive::{ArchiveName, FileContent, Mode, Packing, Stamp, Trailer};
use conduct_image::{Kind, TarIndex};

use crate::bndl::{Style, TarContent, no_bundle_entry, write};
use crate::exit::{Exit, Failure, OrFail as _};
use crate::output::{Output, write_named};
use crate::screen::Screen;

/// Pack a folder as it is into a bundle that is named by its digest
///
/// A folder or file becomes NAME-DIGEST.zip, whose path is printed. A tar becomes a zip on stdout.
#[derive(Debug, Parser)]
#[command(
    name = "shazar",
    version,
    disable_version_flag = true,
    max_term_width = 100
)]
struct Cli {
    /// A folder or file; nothing means a tar from stdin
    source: Option<PathBuf>,
    /// Write to this file instead of one named by the digest; - means stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where a file goes that is named by its digest
    #[arg(long, value_name = "DIR", default_value = ".")]
    output_dir: PathBuf,
    /// SOURCE is a tar file
    #[arg(long)]
    tar: bool,
    /// Print the program's version
    #[arg(short = 'V', action = ArgAction::Version)]
    _version: Option<bool>,
}

/// Runs the program.
pub fn main(screen: &mut Screen) -> Result<Exit, Failure> {
    let cli = Cli::parse();
    match &cli.source {
        Some(source) if source != Path::new("-") && !cli.tar => pack(&cli, source, screen),
        source => {
            let file = source.as_deref().filter(|source| *source != Path::new("-"));
            if file.is_none() && io::stdin().is_terminal() {
                screen.note(Cli::command().render_help());
                return Ok(Exit::Usage);
            }
            repack(&cli, file, screen)
        }
    }
}

/// A folder with all that is below it, or one file.
fn pack(cli: &Cli, source: &Path, screen: &mut Screen) -> Result<Exit, Failure> {
    let unreadable = || format!("could not read {}", source.display());
    let real = source.canonicalize().or_fail(Exit::Failed, unreadable())?;
    let label = real
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let label = label.unwrap_or_else(|| "bundle".to_owned());
    let failed = || format!("could not pack {}", source.display());
    let packing = if real.is_dir() {
        let mut packing = Packing::new(&label, Stamp::EARLIEST).or_fail(Exit::Failed, failed())?;
        packing.tree(&real).or_fail(Exit::Failed, failed())?;
        packing
    } else {
        let mut packing = Packing::new("", Stamp::EARLIEST).or_fail(Exit::Failed, failed())?;
        let content = Box::new(FileContent(real));
        packing
            .file(&label, Mode::FILE, content)
            .or_fail(Exit::Failed, failed())?;
        packing
    };
    if cli.output.is_some() {
        let output = Output::new(cli.output.as_deref());
        output.refuse_terminal("shazar")?;
        write(&packing, &output, Style::Zip, screen)?;
        return Ok(Exit::Done);
    }
    let mut progress = screen.progress("packing", None);
    let (path, _) = write_named(
        &cli.output_dir,
        &mut progress,
        |out| {
            packing
                .write_to(out, Trailer::Append)
                .or_fail(Exit::Failed, failed())
        },
        |written| {
            cli.output_dir
                .join(ArchiveName::new(&label, written.digest).to_string())
        },
    )?;
    screen.print(&format!("{}\n", path.display()))?;
    Ok(Exit::Done)
}

/// A tar, from a file or a stream, as a zip.
fn repack(cli: &Cli, file: Option<&Path>, screen: &mut Screen) -> Result<Exit, Failure> {
    let output = Output::new(cli.output.as_deref());
    output.refuse_terminal("shazar")?;
    let name = file.map_or("stdin".to_owned(), |path| path.display().to_string());
    let spool;
    let path = match file {
        Some(path) => path,
        None => {
            spool = spooled()?;
            spool.path()
        }
    };
    let unreadable = || format!("could not read {name} as a tar");
    std::fs::metadata(path).or_fail(Exit::Failed, unreadable())?;
    let index = TarIndex::read(path).or_fail(Exit::Usage, unreadable())?;
    if index.entries().is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            format_args!("{name} is no tar, or an empty one"),
        ));
    }
    let mut packing = Packing::new("", Stamp::EARLIEST).or_fail(Exit::Failed, &name)?;
    for place in index
        .entries()
        .iter()
        .filter(|place| !place.name.is_empty())
    {
        let added = match &place.kind {
            Kind::Folder => packing.folder(&place.name),
            Kind::File => {
                let mode = Mode::from_unix(place.mode).plain();
                packing.file(&place.name, mode, Box::new(TarContent(&index, place)))
            }
            Kind::Link(_) | Kind::HardLink(_) => {
                return Err(no_bundle_entry(&name, place, "a link"));
            }
            Kind::Other(what) => return Err(no_bundle_entry(&name, place, what)),
        };
        added.or_fail(Exit::Failed, &name)?;
    }
    write(&packing, &output, Style::Zip, screen)?;
    Ok(Exit::Done)
}

fn spooled() -> Result<tempfile::NamedTempFile, Failure> {
    let mut spool =
        tempfile::NamedTempFile::new().or_fail(Exit::Failed, "could not make a temporary file")?;
    io::copy(&mut io::stdin().lock(), spool.as_file_mut())
        .or_fail(Exit::Failed, "could not read stdin")?;
    Ok(spool)
}
