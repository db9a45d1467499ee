//! From material and flags to what is packed.

use conduct_bundle::archive::{CONF_NAME, EntryPath, Mode, Packing, SCRIPT_NAME, Stamp};
use conduct_bundle::conf::{Conf, ConfKind};
use conduct_hocon::Value;
use conduct_image::{DockerChoice, Export, Image, ImageError, Kind, Place, TarIndex};
use conduct_model::BundleName;

use super::files::{ImageContent, TarContent};
use super::flags::{ConfFlags, Defaults};
use super::material::{Content, Format, Material};
use super::refuse::refuse_wrong;
use super::{defaults, edit, image_conf, script, written};
use crate::exit::{Exit, Failure, OrFail as _};
use crate::screen::Screen;

/// What an archive's folder is called that has no name of its own.
const NO_NAME: &str = "bundle";

/// What the component of an image is called that has no name.
const NO_COMPONENT: &str = "component";

/// What `material` is turned into, before it is packed: its image if it is one.
#[derive(Debug)]
pub struct Prepared<'a> {
    material: &'a Material,
    export: Option<Export>,
    kind: ConfKind,
}

impl<'a> Prepared<'a> {
    /// Looks for the image in the material. This is where an archive's layers are read for the
    /// first time, which takes a while.
    pub fn new(
        material: &'a Material,
        format: Option<Format>,
        flags: &ConfFlags,
        screen: &mut Screen,
    ) -> Result<Prepared<'a>, Failure> {
        let kind = match format {
            Some(Format::Configuration) => ConfKind::Configuration,
            _ => ConfKind::Bundle,
        };
        let wanted = &flags.image;
        let export = match &material.content {
            Content::Docker(archive) => {
                let choice = DockerChoice {
                    name: wanted.image_name.as_deref(),
                    tag: wanted.image_tag.as_deref(),
                    platform: wanted.platform.as_ref(),
                };
                let mut progress = screen.progress(format!("reading {}", material.name), None);
                let export = Export::of_docker(archive, &choice, &mut |bytes| progress.add(bytes));
                Some(export.map_err(|error| no_export(&material.name, error, Exit::NotFound))?)
            }
            Content::Image(layout) => {
                let image = layout.resolve(wanted.image_tag.as_deref(), wanted.platform.as_ref());
                let export = image.and_then(|image| Export::of_layout(&image));
                Some(export.map_err(|error| no_export(&material.name, error, Exit::Usage))?)
            }
            _ => None,
        };
        if let Some(export) = &export {
            tell_choice(&export.image, flags, screen);
        }
        Ok(Prepared {
            material,
            export,
            kind,
        })
    }

    /// Applies the flags and collects the files.
    pub fn packing(&self, flags: &ConfFlags, screen: &mut Screen) -> Result<Packing<'_>, Failure> {
        let name_flag = flags.top.name.as_deref();
        let image = self.export.as_ref().map(|export| {
            let own = export.image.name.as_deref();
            let name = name_flag.or(own).unwrap_or(NO_NAME);
            (export, name, name_flag.or(own).unwrap_or(NO_COMPONENT))
        });
        let mut conf = match image {
            Some((export, name, component)) => {
                image_conf::conf(&export.image, name, component, flags)
            }
            None => self.source_conf(flags)?,
        };
        edit::apply(&mut conf, flags)?;
        if let Some((_, _, component)) = image {
            image_conf::add_check(&mut conf, component, flags);
        }
        check_has_a_check(&conf, flags)?;
        let kind = flags.with_defaults.or(image.map(|_| Defaults::Generic));
        if let Some(kind) = kind {
            defaults::fill(&mut conf, kind, "universal");
        }
        refuse_wrong(&conf, self.kind, flags, screen)?;

        let name = conf
            .get("name")
            .and_then(|name| name.as_str().ok())
            .unwrap_or(NO_NAME);
        let folder = if name.parse::<BundleName>().is_ok() {
            name
        } else {
            NO_NAME
        };
        let mut packing =
            Packing::new(folder, self.stamp()).or_fail(Exit::Failed, &self.material.name)?;
        self.fill(&mut packing, image.map(|(_, _, component)| component))?;
        self.add_script(&mut packing, flags)?;
        let text = written::text(&conf, self.kind);
        packing
            .bytes(CONF_NAME, Mode::FILE, text)
            .or_fail(Exit::Failed, CONF_NAME)?;
        Ok(packing)
    }

    /// What the material's own `bundle.conf` says.
    fn source_conf(&self, flags: &ConfFlags) -> Result<Value, Failure> {
        let (name, bytes) = match self.material.conf_bytes()? {
            Some((name, bytes)) => (name, bytes),
            None if self.kind == ConfKind::Configuration || says_enough(flags) => {
                return Ok(Value::object());
            }
            None => {
                let sentence = format!("{} has no bundle.conf", self.material.name);
                return Err(Failure::new(Exit::Failed, sentence)
                    .hint("write one, or let flags do it: --with-defaults generic --name … --start-command …")
                    .hint("for a configuration: -f configuration"));
            }
        };
        let source = conduct_hocon::Source::from_bytes(&name, &bytes);
        let conf = source.and_then(|source| Conf::parse_named(&name, source.text(), None));
        match conf {
            Ok(conf) => Ok(conf.value().clone()),
            Err(error) => Err(Failure::lines(Exit::Failed, error.render())),
        }
    }

    /// The one time of all entries: an image's own, or that of a zip all of whose entries agree, or
    /// the first there is. The times of files in a folder, or in a tar of one, say when somebody
    /// checked them out, not what they are.
    fn stamp(&self) -> Stamp {
        if let Some(export) = &self.export {
            let created = export.image.config.created_seconds();
            return created.map_or(Stamp::EARLIEST, Stamp::from_unix_secs);
        }
        match &self.material.content {
            Content::Zip(archive) => agreed(archive.entries().iter().map(|entry| entry.stamp)),
            _ => Stamp::EARLIEST,
        }
    }

    /// Adds all files but the descriptor.
    fn fill<'p>(
        &'p self,
        packing: &mut Packing<'p>,
        component: Option<&str>,
    ) -> Result<(), Failure> {
        let failed = &self.material.name;
        match &self.material.content {
            Content::Folder(folder) => packing.tree(folder).or_fail(Exit::Failed, failed),
            Content::Zip(archive) => packing.archive(archive).or_fail(Exit::Failed, failed),
            Content::Tar(index, root) => add_tar(packing, index, root, failed),
            Content::Conf(_) | Content::Nothing => Ok(()),
            Content::Docker(_) | Content::Image(_) => {
                let component = component.unwrap_or(NO_COMPONENT);
                for file in self.export.iter().flat_map(|export| &export.files) {
                    let path = format!("{component}/{}", file.path);
                    let content = Box::new(ImageContent(file));
                    packing
                        .file(&path, Mode::FILE, content)
                        .or_fail(Exit::Failed, failed)?;
                }
                Ok(())
            }
        }
    }

    fn add_script(&self, packing: &mut Packing<'_>, flags: &ConfFlags) -> Result<(), Failure> {
        if flags.env.is_empty() {
            return Ok(());
        }
        let own = self.material.script_bytes()?;
        let text = script::with_exports(own.unwrap_or_default(), &flags.env);
        packing
            .bytes(SCRIPT_NAME, Mode::FILE, text)
            .or_fail(Exit::Failed, SCRIPT_NAME)
    }
}

/// An image that is damaged is wrong; one that is not there was asked for wrongly, which ends as its
/// kind of image says.
fn no_export(name: &str, error: ImageError, otherwise: Exit) -> Failure {
    let exit = match error {
        ImageError::Digest { .. } | ImageError::Json { .. } | ImageError::TooLarge { .. } => {
            Exit::Failed
        }
        _ => otherwise,
    };
    Failure::from_error(exit, anyhow::Error::from(error).context(name.to_owned()))
}

/// Whether flags alone can be meant to make a bundle.
fn says_enough(flags: &ConfFlags) -> bool {
    flags.with_defaults.is_some() || flags.make_a_configuration()
}

/// Says which of several images was taken, unless that was asked for.
fn tell_choice(image: &Image, flags: &ConfFlags, screen: &mut Screen) {
    if !image.platforms.is_empty() && flags.image.platform.is_none() {
        let platforms = image.platforms.join(", ");
        screen.note(format_args!(
            "the image is made for {platforms}: took {}",
            image.config.platform()
        ));
    }
    let asked = flags.image.image_tag.is_some() || flags.image.image_name.is_some();
    if !image.others.is_empty() && !asked {
        let name = image
            .name
            .as_ref()
            .map(|name| format!("{name}:"))
            .unwrap_or_default();
        let others = image.others.join(", ");
        screen.note(format_args!(
            "took {name}{}, there is also {others}",
            image.tag
        ));
    }
}

/// Options of a check that is not there would be lost without a word.
fn check_has_a_check(conf: &Value, flags: &ConfFlags) -> Result<(), Failure> {
    let options = flags.check.initial_delay.is_some() || flags.check.connection_timeout.is_some();
    let there = conf
        .get("components")
        .is_some_and(|all| all.get(super::check::COMPONENT).is_some());
    if options && !there {
        let sentence =
            "--initial-delay and --connection-timeout belong to a check, and there is none";
        return Err(Failure::new(Exit::Usage, sentence).hint("add one: --check '$WEB_HOST'"));
    }
    Ok(())
}

fn agreed(mut stamps: impl Iterator<Item = Stamp>) -> Stamp {
    let first = stamps.next().unwrap_or(Stamp::EARLIEST);
    if stamps.all(|stamp| stamp == first) {
        first
    } else {
        Stamp::EARLIEST
    }
}

fn add_tar<'p>(
    packing: &mut Packing<'p>,
    index: &'p TarIndex,
    root: &str,
    name: &str,
) -> Result<(), Failure> {
    for place in index
        .entries()
        .iter()
        .filter(|place| !place.name.is_empty())
    {
        // Also what is not packed has to be sound: it says what the others mean.
        if let Err(rule) = place.name.parse::<EntryPath>() {
            let sentence = format!("{name}: {:?} is refused: {rule}", place.name);
            return Err(Failure::new(Exit::Failed, sentence));
        }
        let inside = match root {
            "" => Some(place.name.as_str()),
            root => place
                .name
                .strip_prefix(root)
                .and_then(|name| name.strip_prefix('/')),
        };
        let Some(path) = inside.filter(|path| !path.is_empty()) else {
            continue;
        };
        let added = match &place.kind {
            Kind::Folder => packing.folder(path),
            Kind::File => {
                let mode = Mode::from_unix(place.mode).plain();
                packing.file(path, mode, Box::new(TarContent(index, place)))
            }
            Kind::Link(_) | Kind::HardLink(_) => {
                return Err(no_bundle_entry(name, place, "a link"));
            }
            Kind::Other(what) => return Err(no_bundle_entry(name, place, what)),
        };
        added.or_fail(Exit::Failed, name)?;
    }
    Ok(())
}

pub(crate) fn no_bundle_entry(name: &str, place: &Place, what: &str) -> Failure {
    let sentence = format!(
        "{name}: {} is {what}, and bundles hold files and folders only",
        place.name
    );
    Failure::new(Exit::Failed, sentence)
}
