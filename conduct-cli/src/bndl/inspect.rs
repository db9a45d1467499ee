//! `bndl inspect`: what an archive is and what is in it.

use conduct_bundle::archive::Archive;
use conduct_bundle::conf::{Conf, ConfKind, Rules};
use conduct_hocon::Severity;
use conduct_model::{BundleId, Descriptor, Digest, Word};
use serde_json::json;

use super::judge::{Examined, Form, Thoroughness, examine, kind_word, says_little};
use super::material::{Content, Format, Material};
use super::problem::Problem;
use crate::exit::{Exit, Failure, OrFail as _};
use crate::screen::{Screen, resource, size};

/// So many files are shown to people; programs see all.
const SHOWN_FILES_MAX: usize = 20;

/// Show what a bundle or configuration is and what is in it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A zip; - means stdin
    file: String,
    /// How to show it
    #[arg(long, value_name = "FORM", default_value = "table")]
    output: Form,
}

/// Everything that is shown.
struct Seen<'a> {
    material: &'a Material,
    archive: &'a Archive<std::fs::File>,
    digest: Digest,
    examined: Examined,
}

/// Runs the command.
pub(super) fn run(args: &Args, screen: &mut Screen) -> Result<Exit, Failure> {
    let material = Material::open(Some(&args.file), None, screen)?;
    let Content::Zip(archive) = &material.content else {
        let sentence = format!("{} is no zip archive", material.name);
        return Err(Failure::new(Exit::Usage, sentence)
            .hint(format_args!("to check it: bndl validate {}", material.name))
            .hint(format_args!(
                "to make an archive out of it: bndl {} -o bundle.zip",
                material.name
            )));
    };
    let digest = archive.digest().or_fail(Exit::Failed, &material.name)?;
    let mut examined = examine(&material, None, Thoroughness::Directory)?;
    if examined
        .conf
        .as_ref()
        .is_some_and(|conf| says_little(conf.value()))
    {
        examined = examine(
            &material,
            Some(Format::Configuration),
            Thoroughness::Directory,
        )?;
    }
    if let Some(told) = archive.trailer().filter(|told| *told != digest) {
        let message = format!("its trailer says {told}, which is another archive");
        examined
            .problems
            .push(Problem::plain(Severity::Warning, message, None));
    }
    let seen = Seen {
        material: &material,
        archive,
        digest,
        examined,
    };
    let text = match args.output {
        Form::Table => seen.table(),
        Form::Json => format!("{:#}\n", seen.json()),
    };
    screen.print(&text)?;
    Ok(Exit::Done)
}

impl Seen<'_> {
    fn name(&self) -> Option<&str> {
        self.examined
            .conf
            .as_ref()?
            .value()
            .get("name")?
            .as_str()
            .ok()
    }

    /// What clients call it once it is loaded. A configuration is never loaded by itself.
    fn id(&self) -> Option<String> {
        let is_bundle = self.examined.kind == ConfKind::Bundle;
        is_bundle.then(|| BundleId::plain(self.digest).to_string())
    }

    fn unpacked(&self) -> u64 {
        self.archive.entries().iter().map(|entry| entry.bytes).sum()
    }

    fn json(&self) -> serde_json::Value {
        let files = self
            .archive
            .entries()
            .iter()
            .filter(|entry| !entry.is_folder);
        let files: Vec<_> = files
            .map(|entry| {
                json!({
                    "path": entry.path.as_str(),
                    "bytes": entry.bytes,
                    "packedBytes": entry.packed_bytes,
                    "mode": format!("{:04o}", entry.mode.bits()),
                })
            })
            .collect();
        json!({
            "file": self.material.name,
            "kind": kind_word(self.examined.kind),
            "id": self.id(),
            "name": self.name(),
            "digest": self.digest.to_string(),
            "trailerDigest": self.archive.trailer().map(|digest| digest.to_string()),
            "bytes": self.archive.bytes(),
            "unpackedBytes": self.unpacked(),
            "root": self.archive.root(),
            "conf": self.examined.conf.as_ref().map(|conf| conf.value().to_json()),
            "files": files,
            "problems": self.examined.problems.iter().map(Problem::to_json).collect::<Vec<_>>(),
        })
    }

    fn table(&self) -> String {
        let mut text = format!(
            "{}  {}  {}  {}\n",
            self.name().unwrap_or("(no name)"),
            kind_word(self.examined.kind),
            self.digest.short(),
            size(self.archive.bytes()),
        );
        let mut line = |label: &str, value: &str| {
            if !value.is_empty() {
                text += &format!("{label:<12}{value}\n");
            }
        };
        line("digest", &self.digest.to_string());
        let rules = Rules {
            kind: self.examined.kind,
            ..Rules::default()
        };
        let descriptor = self
            .examined
            .conf
            .as_ref()
            .and_then(|conf| conf.read(&rules).descriptor);
        match (&descriptor, &self.examined.conf) {
            (Some(descriptor), _) => describe(descriptor, &mut line),
            (None, Some(conf)) => line("says", &keys(conf)),
            (None, None) => {}
        }
        text += &self.files();
        for problem in &self.examined.problems {
            text += &format!("{}\n", problem.rendered);
        }
        text
    }

    fn files(&self) -> String {
        let files: Vec<_> = self
            .archive
            .entries()
            .iter()
            .filter(|entry| !entry.is_folder)
            .collect();
        let mut text = format!(
            "{:<12}{}, {} unpacked\n",
            "files",
            files.len(),
            size(self.unpacked())
        );
        for entry in files.iter().take(SHOWN_FILES_MAX) {
            let (mode, bytes) = (entry.mode.bits(), size(entry.bytes));
            text += &format!("  {mode:04o}  {bytes:>8}  {}\n", entry.path);
        }
        let more = files.len().saturating_sub(SHOWN_FILES_MAX);
        if more > 0 {
            text += &format!("  … and {more} more (--output json lists all)\n");
        }
        text
    }
}

fn describe(descriptor: &Descriptor, line: &mut impl FnMut(&str, &str)) {
    let words = |words: Vec<String>| words.join(", ");
    line(
        "system",
        &format!("{} {}", descriptor.system.name, descriptor.system.version),
    );
    line("compatible", descriptor.compatibility_version.as_str());
    line(
        "tags",
        &words(descriptor.tags.iter().map(ToString::to_string).collect()),
    );
    let needs = &descriptor.resources;
    line(
        "needs",
        &format!(
            "{} CPUs, {} memory, {} disk",
            millis(needs.cpu_millis),
            resource(needs.memory_bytes),
            resource(needs.disk_bytes)
        ),
    );
    line(
        "roles",
        &words(descriptor.roles.iter().map(ToString::to_string).collect()),
    );
    for (name, component) in &descriptor.components {
        let command: Vec<&str> = component.start_command.iter().map(Word::as_str).collect();
        let command = match command.is_empty() {
            true => "as its image says".to_owned(),
            false => command.join(" "),
        };
        line(
            "component",
            &format!("{name}  {}  {command}", component.file_system_type),
        );
        for (name, endpoint) in &component.endpoints {
            let port = match endpoint.bind_port {
                0 => "any port".to_owned(),
                port => format!("port {port}"),
            };
            let service = endpoint.service_name.as_ref();
            let service = service
                .map(|name| format!("  service {name}"))
                .unwrap_or_default();
            line(
                "  endpoint",
                &format!("{name}  {}  {port}{service}", endpoint.bind_protocol),
            );
        }
        for (name, path) in &component.volumes {
            line("  volume", &format!("{name}  {path}"));
        }
    }
}

/// `0.1` for 100 thousandths.
fn millis(thousandths: u64) -> String {
    let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What a configuration speaks of.
fn keys(conf: &Conf) -> String {
    let object = conf.value().as_object();
    object
        .map(|object| object.keys().collect::<Vec<_>>().join(", "))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_of_a_processor_are_shown_as_people_write_them() {
        assert_eq!(
            [100, 1000, 2500, 0, 25].map(millis),
            ["0.1", "1", "2.5", "0", "0.025"]
        );
    }

    #[test]
    fn a_configuration_is_told_by_its_keys() {
        let conf = Conf::parse("memory = 5, nrOfCpus = 1", None).expect("sound");
        assert_eq!(keys(&conf), "memory, nr-of-cpus");
        assert!(says_little(conf.value()));
        let bundle = Conf::parse("components.a.file-system-type = docker", None).expect("sound");
        assert!(!says_little(bundle.value()));
    }
}
