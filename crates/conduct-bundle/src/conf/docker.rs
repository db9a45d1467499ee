//! What a start command asks of Docker that reaches out of the container.
//!
//! A bundle may say how its container is run, but not that it gets the host's files, devices or
//! network: that is for whoever operates the host, in a configuration. Options that are known to
//! be harmless pass, any other is taken for a privilege.

use conduct_hocon::{Diagnostic, Span, Value};
use conduct_model::{FileSystemType, Part, Word};

use super::reader::Reader;

/// Something that a bundle asks for and only an operator can grant.
#[derive(Clone, Debug)]
pub struct Privilege {
    /// The option of Docker, as far as it matters.
    pub option: String,
    /// Where it is asked for.
    pub span: Span,
    /// Whether the configuration asks, and not the bundle.
    pub by_configuration: bool,
}

/// The word that arguments of Docker begin with in a component of that kind.
const DOCKER_ARGS: &str = "dockerArgs";

/// Notes the privileges that `command`, written at `value`, asks for.
pub(crate) fn judge(
    reader: &mut Reader<'_>,
    value: &Value,
    kind: FileSystemType,
    command: &[Word],
) {
    let at = |index: usize| command.get(index).map_or("", Word::as_str);
    let asked = match kind {
        FileSystemType::Docker if at(0) == DOCKER_ARGS => {
            privileges(command.get(1..).unwrap_or_default(), true)
        }
        FileSystemType::Universal if (at(0), at(1)) == ("docker", "run") => {
            privileges(command.get(2..).unwrap_or_default(), false)
        }
        _ => return,
    };
    for option in asked {
        let by_configuration = reader.is_overlay(value.span());
        if !by_configuration {
            let message = format!(
                "start-command asks docker for {option}, which reaches out of the container"
            );
            let help = "leave it to a configuration of whoever runs the host";
            reader.report(Diagnostic::error(value.span(), message).help(help));
        }
        let span = value.span().clone();
        reader.privileges.push(Privilege {
            option,
            span,
            by_configuration,
        });
    }
}

/// The options among `args` that are not known to be harmless. Where there are `only_options`, a
/// word that is none would be taken for the image to run.
fn privileges(args: &[Word], only_options: bool) -> Vec<String> {
    let mut asked = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let text = arg.as_str();
        // What the shell puts here may be any option, though never more than one word.
        let is_open = matches!(
            arg.parts().next(),
            Some(Part::Variable(_) | Part::Command(_))
        );
        if is_open || (only_options && !text.starts_with('-')) {
            asked.push(text.to_owned());
            continue;
        }
        if !text.starts_with('-') || text == "--" {
            break;
        }
        let mut next = || args.next().map(Word::as_str);
        let found = match text.strip_prefix("--") {
            Some(long) => judge_long(long, &mut next),
            None => judge_short(&text[1..], &mut next),
        };
        asked.extend(found);
    }
    asked
}

fn judge_long<'a>(long: &'a str, next: &mut dyn FnMut() -> Option<&'a str>) -> Option<String> {
    let (name, attached) = match long.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (long, None),
    };
    if FLAGS.contains(&name) {
        return None;
    }
    let value = attached.or_else(next).unwrap_or_default();
    (!is_harmless(name, value)).then(|| format!("--{name} {value}").trim_end().to_owned())
}

/// Flags may stand together behind one dash, and the last of them may be an option with its value.
fn judge_short<'a>(letters: &'a str, next: &mut dyn FnMut() -> Option<&'a str>) -> Option<String> {
    for (at, letter) in letters.char_indices() {
        let Some((_, name)) = SHORT.iter().find(|(short, _)| *short == letter) else {
            return Some(format!("-{letter}"));
        };
        if FLAGS.contains(name) {
            continue;
        }
        let rest = letters[at + 1..].trim_start_matches('=');
        let value = if rest.is_empty() {
            next().unwrap_or_default()
        } else {
            rest
        };
        return (!is_harmless(name, value)).then(|| format!("-{letter} {value}"));
    }
    None
}

/// Options without a value that concern only the container.
const FLAGS: &[&str] = &[
    "detach",
    "init",
    "interactive",
    "no-healthcheck",
    "publish-all",
    "read-only",
    "rm",
    "tty",
];

/// Options that concern only the container, whatever their value.
const HARMLESS: &[&str] = &[
    "add-host",
    "cap-drop",
    "cpu-shares",
    "cpus",
    "dns",
    "dns-search",
    "entrypoint",
    "env",
    "expose",
    "health-cmd",
    "health-interval",
    "health-retries",
    "health-timeout",
    "hostname",
    "label",
    "memory",
    "memory-reservation",
    "memory-swap",
    "name",
    "pids-limit",
    "platform",
    "publish",
    "pull",
    "restart",
    "shm-size",
    "stop-signal",
    "stop-timeout",
    "tmpfs",
    "ulimit",
    "user",
    "workdir",
];

const SHORT: &[(char, &str)] = &[
    ('P', "publish-all"),
    ('c', "cpu-shares"),
    ('d', "detach"),
    ('e', "env"),
    ('h', "hostname"),
    ('i', "interactive"),
    ('l', "label"),
    ('m', "memory"),
    ('p', "publish"),
    ('t', "tty"),
    ('u', "user"),
    ('v', "volume"),
    ('w', "workdir"),
];

fn is_harmless(name: &str, value: &str) -> bool {
    match name {
        "volume" => is_named_volume(value),
        "mount" => is_mount_of_volume(value),
        "network" | "net" => !value.contains('$') && value != "host" && !value.contains(':'),
        "security-opt" => value.starts_with("no-new-privileges"),
        _ => HARMLESS.contains(&name),
    }
}

/// `data:/var/lib/data`, or `/var/lib/data` for one without a name; a path of the host before the
/// colon is none.
fn is_named_volume(value: &str) -> bool {
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            && !text.starts_with('.')
    };
    match value.split_once(':') {
        None => value.starts_with('/'),
        Some((source, _)) => is_name(source),
    }
}

fn is_mount_of_volume(value: &str) -> bool {
    let mut kind = "volume";
    for field in value.split(',') {
        match field.split_once('=').unwrap_or((field, "")) {
            ("type", found) => kind = found,
            ("source" | "src", source) if !is_named_volume(&format!("{source}:")) => return false,
            ("source" | "src" | "target" | "destination" | "dst" | "readonly" | "ro", _) => {}
            _ => return false,
        }
    }
    ["volume", "tmpfs"].contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Vec<String> {
        let words: Vec<Word> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        privileges(&words, false)
    }

    #[test]
    fn what_concerns_only_the_container_passes() {
        for line in [
            "--name $BUNDLE_ID-$BUNDLE_NAME --rm -p $BUNDLE_HOST_IP:$WEB_HOST_PORT:80 nginx",
            "-it -e A=b -eC=d --memory=1g -v data:/var/lib/data -v /cache redis --privileged",
            "--mount type=volume,source=data,target=/x --network back --read-only=true x",
            "--security-opt no-new-privileges:true -- --privileged",
        ] {
            assert!(asked(line).is_empty(), "{line}: {:?}", asked(line));
        }
    }

    #[test]
    fn what_reaches_the_host_is_a_privilege_however_it_is_written() {
        for (line, option) in [
            ("--privileged x", "--privileged x"),
            ("-v /:/host x", "-v /:/host"),
            ("-v/:/host x", "-v /:/host"),
            ("-itv /:/host x", "-v /:/host"),
            ("--volume=$HOME:/host x", "--volume $HOME:/host"),
            ("--volume ../..:/host x", "--volume ../..:/host"),
            ("--network=host x", "--network host"),
            ("--net container:other x", "--net container:other"),
            (
                "--mount type=bind,source=/,target=/host x",
                "--mount type=bind,source=/,target=/host",
            ),
            (
                "--mount source=d,volume-opt=device=/ x",
                "--mount source=d,volume-opt=device=/",
            ),
            ("--pid host x", "--pid host"),
            ("--cap-add=ALL x", "--cap-add ALL"),
            (
                "--security-opt seccomp=unconfined x",
                "--security-opt seccomp=unconfined",
            ),
            ("--env-file /etc/shadow x", "--env-file /etc/shadow"),
            ("$OPTIONS x", "$OPTIONS"),
            ("-X x", "-X"),
        ] {
            assert_eq!(asked(line), [option], "{line}");
        }
    }

    #[test]
    fn a_word_that_would_replace_the_image_is_a_privilege() {
        let words: Vec<Word> = vec!["--rm".parse().unwrap(), "evil".parse().unwrap()];
        assert_eq!(privileges(&words, true), ["evil"]);
    }
}
