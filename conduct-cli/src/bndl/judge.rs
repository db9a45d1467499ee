//! `bndl validate`: everything that is wrong with a bundle or a configuration, at once.

use conduct_bundle::archive::{Archive, ArchiveName, Mode, Packing, Stamp};
use conduct_bundle::conf::{Conf, ConfKind, Rules};
use conduct_hocon::{Object, Severity, Source, Value};
use conduct_image::Kind;
use serde_json::json;

use super::contents::{self, Listing};
use super::material::{Content, Format, Material};
use super::problem::Problem;
use crate::exit::{Exit, Failure};
use crate::screen::Screen;

/// Check a bundle or a configuration and tell all problems at once
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A folder, a zip, a tar or a bundle.conf; - means stdin
    file: String,
    /// What FILE is [default: a bundle if it has a bundle.conf, else a configuration]
    #[arg(short, long)]
    format: Option<Format>,
    /// Fail on warnings, too
    #[arg(long)]
    strict: bool,
    /// How to tell
    #[arg(long, value_name = "FORM", default_value = "table")]
    output: Form,
}

/// What output looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// For people
    Table,
    /// For programs
    Json,
}

/// What looking at a bundle came to.
pub(super) struct Examined {
    pub(super) kind: ConfKind,
    pub(super) conf: Option<Conf>,
    pub(super) problems: Vec<Problem>,
}

/// Runs the command.
pub(super) fn run(args: &Args, screen: &mut Screen) -> Result<Exit, Failure> {
    let material = Material::open(Some(&args.file), args.format, screen)?;
    let examined = examine(&material, args.format, Thoroughness::Everything)?;
    let count = |severity| {
        examined
            .problems
            .iter()
            .filter(|it| it.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let valid = errors == 0 && !(args.strict && warnings > 0);
    let text = match args.output {
        Form::Json => {
            let problems: Vec<_> = examined.problems.iter().map(Problem::to_json).collect();
            let document = json!({
                "file": material.name,
                "kind": kind_word(examined.kind),
                "valid": valid,
                "errors": errors,
                "warnings": warnings,
                "problems": problems,
            });
            format!("{document:#}\n")
        }
        Form::Table => {
            let mut text: String = examined
                .problems
                .iter()
                .map(|it| format!("{}\n", it.rendered))
                .collect();
            text += &match (errors, warnings) {
                (0, 0) => format!("{} is a valid {}\n", args.file, kind_word(examined.kind)),
                _ => format!(
                    "{}, {}\n",
                    counted(errors, "error"),
                    counted(warnings, "warning")
                ),
            };
            text
        }
    };
    screen.print(&text)?;
    Ok(if valid { Exit::Done } else { Exit::Failed })
}

pub(super) fn kind_word(kind: ConfKind) -> &'static str {
    match kind {
        ConfKind::Bundle => "bundle",
        ConfKind::Configuration => "configuration",
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// How closely archives are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thoroughness {
    /// Every byte of every file is read.
    Everything,
    /// Only what has to be shown.
    Directory,
}

/// Looks at a bundle or configuration from all sides.
pub(super) fn examine(
    material: &Material,
    format: Option<Format>,
    how: Thoroughness,
) -> Result<Examined, Failure> {
    if let Content::Docker(_) | Content::Image(_) = material.content {
        let sentence = format!("{} is an image and no bundle", material.name);
        return Err(Failure::new(Exit::Usage, sentence).hint(format_args!(
            "make one out of it: bndl {} -o bundle.zip",
            material.name
        )));
    }
    let mut problems = Vec::new();
    if let (Content::Zip(archive), Thoroughness::Everything) = (&material.content, how) {
        check_archive(archive, &material.name, &mut problems);
    }
    let listing = listing(material, &mut problems);
    let bytes = material.conf_bytes()?;
    let kind = match (format, &bytes) {
        (Some(Format::Configuration), _) | (None, None) => ConfKind::Configuration,
        _ => ConfKind::Bundle,
    };
    let Some((name, bytes)) = bytes else {
        if kind == ConfKind::Bundle || !has_script(material, &listing) {
            let message = format!("{} has no bundle.conf", material.name);
            problems.push(Problem::plain(Severity::Error, message, None));
        }
        return Ok(Examined {
            kind,
            conf: None,
            problems,
        });
    };
    let conf = Source::from_bytes(&name, &bytes)
        .and_then(|source| Conf::parse_named(&name, source.text(), None));
    let conf = match conf {
        Ok(conf) => conf,
        Err(error) => {
            problems.push(Problem::at(error.diagnostic()));
            return Ok(Examined {
                kind,
                conf: None,
                problems,
            });
        }
    };
    let mut found = conf
        .read(&Rules {
            kind,
            ..Rules::default()
        })
        .diagnostics;
    let has_files = !matches!(material.content, Content::Conf(_) | Content::Nothing);
    if kind == ConfKind::Bundle && has_files {
        found.extend(contents::judge(conf.value(), &listing));
        found.sort_by_key(|it| it.span().start());
    }
    problems.extend(found.iter().map(Problem::at));
    let failed = problems.iter().any(|it| it.severity == Severity::Error);
    let unclear = failed && format.is_none() && says_little(conf.value());
    if let Some(last) = problems.last_mut().filter(|_| unclear) {
        last.rendered += "\n  if it is a configuration, say so: -f configuration";
    }
    Ok(Examined {
        kind,
        conf: Some(conf),
        problems,
    })
}

/// Whether no component says what it is, which only a configuration may do.
pub(super) fn says_little(conf: &Value) -> bool {
    let components = conf
        .get("components")
        .and_then(|components| components.as_object().ok());
    let mut all = components.into_iter().flat_map(Object::entries);
    !all.any(|entry| entry.value.get("file-system-type").is_some())
}

/// Reads all that is in an archive, which checks it, and compares it with what it is called by.
fn check_archive(archive: &Archive<std::fs::File>, name: &str, problems: &mut Vec<Problem>) {
    let mut report =
        |message: String| problems.push(Problem::plain(Severity::Error, message, None));
    for entry in archive.entries().iter().filter(|entry| !entry.is_folder) {
        let read = archive
            .open_entry(entry)
            .map_err(anyhow::Error::from)
            .and_then(|mut reader| {
                std::io::copy(&mut reader, &mut std::io::sink()).map_err(anyhow::Error::from)
            });
        if let Err(error) = read {
            report(format!("{name}: {error:#}"));
        }
    }
    match archive.digest() {
        Err(error) => report(format!("{name}: {:#}", anyhow::Error::from(error))),
        Ok(actual) => {
            let trailer = archive.trailer().filter(|told| *told != actual);
            if let Some(told) = trailer {
                report(format!(
                    "{name}: its trailer says {told}, its contents hash to {actual}"
                ));
            }
            let file = std::path::Path::new(name)
                .file_name()
                .and_then(|file| file.to_str());
            let named = file.and_then(|file| file.parse::<ArchiveName>().ok());
            if let Some(named) = named.filter(|named| named.digest != actual) {
                let told = named.digest;
                report(format!(
                    "{name}: its name says {told}, its contents hash to {actual}"
                ));
            }
        }
    }
}

/// The files below the root. What has no place in a bundle is reported.
fn listing(material: &Material, problems: &mut Vec<Problem>) -> Listing {
    let mut report =
        |message: String| problems.push(Problem::plain(Severity::Error, message, None));
    match &material.content {
        Content::Zip(archive) => archive
            .entries()
            .iter()
            .filter(|entry| !entry.is_folder)
            .filter_map(|entry| Some((entry.path.below(archive.root())?.to_owned(), entry.mode)))
            .collect(),
        Content::Folder(folder) => {
            let mut files = Listing::new();
            let packed = Packing::new("", Stamp::EARLIEST).and_then(|mut packing| {
                packing.tree(folder)?;
                let items = packing.items().filter(|(_, item)| item.content.is_some());
                files.extend(items.map(|(path, item)| (path.as_str().to_owned(), item.mode)));
                Ok(())
            });
            if let Err(error) = packed {
                report(format!("{:#}", anyhow::Error::from(error)));
            }
            files
        }
        Content::Tar(index, root) => {
            let mut files = Listing::new();
            for place in index.entries() {
                let inside = match root.as_str() {
                    "" => Some(place.name.as_str()),
                    root => place
                        .name
                        .strip_prefix(root)
                        .and_then(|name| name.strip_prefix('/')),
                };
                match (&place.kind, inside) {
                    (Kind::File, Some(path)) => {
                        files.insert(path.to_owned(), Mode::from_unix(place.mode));
                    }
                    (Kind::Folder, _) | (_, None) => {}
                    _ => report(format!("{} is neither a file nor a folder", place.name)),
                }
            }
            files
        }
        _ => Listing::new(),
    }
}

fn has_script(material: &Material, files: &Listing) -> bool {
    files.contains_key(conduct_bundle::archive::SCRIPT_NAME)
        || matches!(material.content, Content::Nothing)
}
