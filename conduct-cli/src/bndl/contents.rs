//! Whether the files of a bundle are those that its `bundle.conf` speaks of.

use std::collections::BTreeMap;

use conduct_bundle::archive::Mode;
use conduct_hocon::{Diagnostic, Object, Value};

/// The files of a bundle, below its root.
pub(super) type Listing = BTreeMap<String, Mode>;

/// What does not fit. Values carry their places, so messages can point at them.
pub(super) fn judge(conf: &Value, files: &Listing) -> Vec<Diagnostic> {
    let components = conf
        .get("components")
        .and_then(|components| components.as_object().ok());
    let mut found = Vec::new();
    for entry in components.into_iter().flat_map(Object::entries) {
        let kind = entry.value.get("file-system-type");
        let missing = |file: &str| {
            let path = format!("{}/{file}", entry.key);
            let place = kind.map_or(entry.key_span, Value::span);
            (!files.contains_key(&path))
                .then(|| Diagnostic::error(place, format!("the bundle has no file {path}")))
        };
        match kind.and_then(|kind| kind.as_str().ok()) {
            Some("oci-image") => {
                found.extend(missing("oci-layout").or_else(|| tag(conf, entry.key, files)));
            }
            Some("oci-bundle") => found.extend(missing("config.json")),
            Some("docker") => found.extend(missing("Dockerfile")),
            _ => found.extend(command(entry.value, files)),
        }
    }
    found
}

/// The tag that an annotation names has to be one of the layout. Without an index only `refs` can
/// tell.
fn tag(conf: &Value, component: &str, files: &Listing) -> Option<Diagnostic> {
    let keys = [
        "annotations",
        "com",
        "lightbend",
        "conductr",
        "oci-image-tags",
        component,
    ];
    let value = keys.iter().try_fold(conf, |value, key| value.get(key))?;
    let tag = value.as_str().ok()?;
    let is_there = files.contains_key(&format!("{component}/refs/{tag}"))
        || files.contains_key(&format!("{component}/index.json"));
    (!is_there).then(|| {
        Diagnostic::error(
            value.span(),
            format!("the image in {component} has no tag {tag}"),
        )
    })
}

/// A program that is named by its path from the root should be there, and be one.
fn command(component: &Value, files: &Listing) -> Option<Diagnostic> {
    let word = component
        .get("start-command")?
        .as_list()
        .ok()?
        .first()
        .copied()?;
    let path = word.as_str().ok()?;
    let inside = path.strip_prefix("./").unwrap_or(path);
    if !path.contains('/') || path.starts_with('/') || path.contains(['$', '`', '~']) {
        return None;
    }
    match files.get(inside) {
        None => Some(
            Diagnostic::warning(word.span(), format!("the bundle has no file {inside}"))
                .help("paths begin at the folder of bundle.conf"),
        ),
        Some(mode) if mode.bits() & 0o111 == 0 => Some(
            Diagnostic::warning(word.span(), format!("{inside} is not executable"))
                .help(format!("chmod +x {inside}")),
        ),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(conf: &str, files: &[&str]) -> Vec<String> {
        let conf = conduct_hocon::parse(conf).expect("sound");
        let file = |name: &&str| match name.strip_prefix('*') {
            Some(program) => (program.to_owned(), Mode::PROGRAM),
            None => ((*name).to_owned(), Mode::FILE),
        };
        let files = files.iter().map(file).collect();
        judge(&conf, &files)
            .iter()
            .map(|it| it.message().to_owned())
            .collect()
    }

    #[test]
    fn a_command_should_be_a_program_of_the_bundle() {
        let conf = |word: &str| format!("components.a.start-command = [{word:?}]");
        let files = ["*a/bin/run", "a/data"];
        for fine in [
            "a/bin/run",
            "./a/bin/run",
            "java",
            "/bin/sh",
            "$HOME/x",
            "a/$X",
        ] {
            assert!(found(&conf(fine), &files).is_empty(), "{fine}");
        }
        assert_eq!(
            found(&conf("bin/run"), &files),
            ["the bundle has no file bin/run"]
        );
        assert_eq!(found(&conf("a/data"), &files), ["a/data is not executable"]);
    }

    #[test]
    fn an_image_has_its_layout_and_its_tag() {
        let conf = "components.a.file-system-type = oci-image
                    annotations.com.lightbend.conductr.oci-image-tags.a = \"1\"";
        assert_eq!(found(conf, &[]), ["the bundle has no file a/oci-layout"]);
        assert_eq!(
            found(conf, &["a/oci-layout", "a/refs/2"]),
            ["the image in a has no tag 1"]
        );
        assert!(found(conf, &["a/oci-layout", "a/refs/1"]).is_empty());
        assert!(found(conf, &["a/oci-layout", "a/index.json"]).is_empty());
        let docker = "components.a.file-system-type = docker";
        assert_eq!(found(docker, &[]), ["the bundle has no file a/Dockerfile"]);
    }
}
