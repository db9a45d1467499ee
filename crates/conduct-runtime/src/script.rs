//! The script that becomes a component's process.
//!
//! A start command is a list of words. Variables and `$(…)` in them are the shell's to fill in;
//! everything else is taken as it stands, so a space or a semicolon in a word is just that.

use std::path::Path;

use conduct_model::{Part, Word};

use crate::docker::Run;

/// What a script ends with.
pub(crate) enum Ending<'a> {
    /// The start command itself.
    Command,
    /// A program of the host's, with these words before those of the start command.
    Before(&'a [&'a str]),
    /// The machine's Docker.
    Docker(&'a Run<'a>),
}

/// The whole script.
pub(crate) fn script(
    root: &Path,
    runtime_configs: &[&Path],
    ending: &Ending<'_>,
    words: &[Word],
) -> String {
    let mut text = format!("cd {} || exit\n", quoted(&root.display().to_string()));
    for config in runtime_configs {
        let config = quoted(&config.display().to_string());
        text.push_str(&format!(". {config} || exit\n"));
    }
    let words = match ending {
        Ending::Command => words.iter().map(expanded).collect(),
        Ending::Before(before) => {
            let before = before.iter().map(|word| quoted(word));
            before.chain(words.iter().map(expanded)).collect()
        }
        Ending::Docker(run) => {
            text.push_str(LET_IN);
            docker(run)
        }
    };
    text.push_str(&format!("exec {}\n", words.join(" ")));
    text
}

/// Docker takes the names of variables, and their values from its own.
const LET_IN: &str = "let_in=()
for name in ${CONTAINER_ENV//:/ }; do let_in+=(--env \"$name\"); done
";

fn docker(run: &Run<'_>) -> Vec<String> {
    let (arguments, command) = run.words();
    let mut words: Vec<String> = run.before().iter().map(|word| quoted(word)).collect();
    for port in run.published() {
        words.extend(["--publish".to_owned(), port]);
    }
    words.push("\"${let_in[@]}\"".to_owned());
    words.extend(arguments.iter().map(expanded));
    words.push(quoted(run.image));
    words.extend(command.iter().map(expanded));
    words
}

/// Taken letter by letter.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The pieces of a word put together: texts as they stand, variables and commands in double quotes,
/// so that what they come to is one piece as well.
fn expanded(word: &Word) -> String {
    let pieces = word.parts().map(|part| match part {
        Part::Text(text) => quoted(text),
        Part::Variable(name) => format!("\"${{{name}}}\""),
        Part::Command(command) => format!("\"$({command})\""),
    });
    let joined: String = pieces.collect();
    if joined.is_empty() {
        quoted("")
    } else {
        joined
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn word(text: &str) -> Word {
        text.parse().expect("a word")
    }

    /// What the words become once a shell has filled them in, a line each.
    fn run(words: &[&str]) -> Vec<String> {
        let print = ["printf", "%s\\n"]
            .iter()
            .chain(words)
            .map(|word| self::word(word));
        let text = script(
            Path::new("/"),
            &[],
            &Ending::Command,
            &print.collect::<Vec<_>>(),
        );
        let ran = Command::new("bash")
            .args(["-c", &text])
            .env("PORT", "8080")
            .output();
        let output = ran.expect("bash runs").stdout;
        String::from_utf8_lossy(&output)
            .lines()
            .map(ToOwned::to_owned)
            .collect()
    }

    #[test]
    fn variables_and_commands_are_filled_in_and_nothing_else_is() {
        assert_eq!(run(&["-p", "$PORT"]), ["-p", "8080"]);
        assert_eq!(
            run(&["a b;  c", "*", "~", "x && y"]),
            ["a b;  c", "*", "~", "x && y"]
        );
        assert_eq!(run(&["$(echo \"one  two\")"]), ["one  two"]);
        assert_eq!(run(&["it's \"so\" `so` \\n"]), ["it's \"so\" `so` \\n"]);
        assert_eq!(run(&["", "${PORT}0"]), ["", "80800"]);
    }

    #[test]
    fn a_failing_runtime_config_fails_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("it's.sh");
        std::fs::write(&config, "export WHO=world\nfalse\n").unwrap();
        let text = script(
            Path::new("/"),
            &[&config],
            &Ending::Command,
            &["echo", "hello $WHO"].map(word),
        );
        let ran = Command::new("bash").args(["-c", &text]).output().unwrap();
        assert!(!ran.status.success() && ran.stdout.is_empty());
        std::fs::write(&config, "export WHO=world\n").unwrap();
        let ran = Command::new("bash").args(["-c", &text]).output().unwrap();
        assert_eq!(ran.stdout, b"hello world\n");
    }
}
