//! The parts of a bundle.

use std::collections::BTreeMap;

use conduct_hocon::{Diagnostic, Entry, Value};
use conduct_model::{
    Check, Component, ComponentName, FileSystemType, Liveness, MountPoint, Span as Duration,
    VolumeName, Word,
};

use super::docker;
use super::endpoints::{self, Names};
use super::keys::{COMPONENT, LIVENESS};
use super::reader::{ConfKind, Fields, Reader};
use super::values::{choice, count, duration, parsed, prose, text, words, wrong};

const LIVENESS_MAX: Duration = Duration::secs(3600);
const FAILURES_MAX: u32 = 1000;

/// Reads all components; nothing if one of them has something wrong.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    fields: Fields<'_>,
) -> Option<BTreeMap<ComponentName, Component>> {
    reader.demand(fields, "components");
    let value = fields
        .object
        .get("components")
        .filter(|value| !value.is_null())?;
    let object = match value.as_object() {
        Ok(object) => object,
        Err(error) => {
            reader.report(error.named("components").into());
            return None;
        }
    };
    if object.is_empty() && reader.rules.kind == ConfKind::Bundle {
        reader.error(
            value.span(),
            "components is empty: a bundle has at least one",
        );
        return None;
    }
    let mut all = Some(BTreeMap::new());
    let mut names = Names::default();
    for entry in object.entries().filter(|entry| !entry.value.is_null()) {
        let name = name::<ComponentName>(reader, entry);
        let component = component(reader, entry, &mut names);
        match (name, component, &mut all) {
            (Some(name), Some(component), Some(all)) => {
                all.insert(name, component);
            }
            _ => all = None,
        }
    }
    all
}

/// The key of a field as the name that it is.
pub(crate) fn name<T>(reader: &mut Reader<'_>, entry: Entry<'_>) -> Option<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error,
{
    let key = Value::string(entry.key).with_span(entry.key_span);
    reader.kept(parsed(&key, entry.key))
}

fn component(reader: &mut Reader<'_>, entry: Entry<'_>, names: &mut Names) -> Option<Component> {
    let fields = reader.fields(entry.key, entry.value, COMPONENT)?;
    let description = reader.required(fields, "description", prose);
    let kind = reader.required(fields, "file-system-type", |value| {
        choice("file-system-type", FileSystemType::WORDS, value)
    });
    let command = reader.required(fields, "start-command", |value| {
        words("start-command", value)
    });
    let endpoints = endpoints::read(reader, fields, names);
    let volumes = volumes(reader, fields, kind);

    let command = command?;
    let kind = kind?;
    check_command(reader, fields, kind, &command);
    let check = check(reader, fields, kind, &command)?;
    Some(Component {
        description: description?,
        file_system_type: kind,
        start_command: command,
        endpoints: endpoints?,
        volumes: volumes?,
        check,
    })
}

fn check_command(
    reader: &mut Reader<'_>,
    fields: Fields<'_>,
    kind: FileSystemType,
    command: &[Word],
) {
    let Some(value) = fields.object.get("start-command") else {
        return;
    };
    let is_process = kind == FileSystemType::Universal;
    if is_process && command.first().is_none_or(|word| word.as_str().is_empty()) {
        let message = "start-command is empty, and there is no image that says what to run";
        reader.error(value.span(), message);
    }
    docker::judge(reader, value, kind, command);
}

/// The check that a component is, if it is one. The outer `None` means that something is wrong.
fn check(
    reader: &mut Reader<'_>,
    fields: Fields<'_>,
    kind: FileSystemType,
    command: &[Word],
) -> Option<Option<Check>> {
    let settings = fields
        .object
        .get("liveness")
        .filter(|value| !value.is_null());
    let is_check = kind == FileSystemType::Universal
        && command
            .first()
            .is_some_and(|word| word.as_str() == Check::COMMAND);
    if !is_check {
        if let Some(settings) = settings {
            let message = "liveness belongs to a component that runs check";
            reader.error(settings.span(), message);
        }
        return Some(None);
    }
    let place = fields.object.get("start-command")?;
    let words = command.iter().skip(1).map(Word::as_str);
    let parsed = Check::parse(words).map_err(|error| wrong(place, &error));
    let mut check = reader.kept(parsed)?;
    if let Some(settings) = settings {
        let said = check.liveness.unwrap_or_default();
        check.liveness = Some(liveness(reader, settings, said)?);
    }
    Some(Some(check))
}

fn liveness(reader: &mut Reader<'_>, value: &Value, said: Liveness) -> Option<Liveness> {
    let fields = reader.fields("liveness", value, LIVENESS)?;
    let some_time = |value: &Value| duration(Duration::millis(100), LIVENESS_MAX, value);
    let interval = reader.optional(fields, "interval", some_time);
    let timeout = reader.optional(fields, "timeout", some_time);
    let failures = reader.optional(fields, "failures", |value| count(FAILURES_MAX, value));
    Some(Liveness {
        interval: interval.unwrap_or(said.interval),
        timeout: timeout.unwrap_or(said.timeout),
        failures: failures.map_or(said.failures, std::num::NonZeroU32::get),
    })
}

fn volumes(
    reader: &mut Reader<'_>,
    fields: Fields<'_>,
    kind: Option<FileSystemType>,
) -> Option<BTreeMap<VolumeName, MountPoint>> {
    let Some(value) = fields
        .object
        .get("volumes")
        .filter(|value| !value.is_null())
    else {
        return Some(BTreeMap::new());
    };
    let object = match value.as_object() {
        Ok(object) => object,
        Err(error) => {
            reader.report(error.named("volumes").into());
            return None;
        }
    };
    if object.is_empty() {
        reader.report(Diagnostic::error(value.span(), "volumes is empty").help("leave it out"));
    }
    if kind == Some(FileSystemType::Universal) {
        reader.warn(
            value.span(),
            "volumes mean nothing to a component that is no container",
        );
    }
    let mut all = Some(BTreeMap::new());
    for entry in object.entries().filter(|entry| !entry.value.is_null()) {
        let name = name::<VolumeName>(reader, entry);
        let place = reader.kept(text::<MountPoint>(entry.value));
        match (name, place, &mut all) {
            (Some(name), Some(place), Some(all)) => {
                all.insert(name, place);
            }
            _ => all = None,
        }
    }
    all
}
