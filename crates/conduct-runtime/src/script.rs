//! The script that becomes a component's process.
//!
//! A start command is a list of words. Variables and `$(…)` in them are the shell's to fill in;
//! everything else is taken as it stands, so a space or a semicolon in a word is just that.

use std::path::Path;

/// The whole script.
pub(crate) fn script(root: &Path, runtime_configs: &[&Path], words: &[&str]) -> String {
    let mut text = format!("cd {} || exit\n", quoted(&root.display().to_string()));
    for config in runtime_configs {
        let config = quoted(&config.display().to_string());
        text.push_str(&format!(". {config} || exit\n"));
    }
    let words: Vec<String> = words.iter().map(|word| expanded(word)).collect();
    text.push_str(&format!("exec {}\n", words.join(" ")));
    text
}

/// Taken letter by letter.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// In double quotes the shell fills in `$NAME`, `${…}` and `$(…)`; backslash, backtick and double
/// quote would mean something too, so they are escaped – except inside `$(…)`, which is a command.
fn expanded(word: &str) -> String {
    let mut text = String::from("\"");
    let mut depth = 0usize;
    let mut before = '\0';
    for c in word.chars() {
        match c {
            '(' if before == '$' || depth > 0 => depth += 1,
            ')' if depth > 0 => depth -= 1,
            '"' | '`' | '\\' if depth == 0 => text.push('\\'),
            _ => {}
        }
        text.push(c);
        before = c;
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What the words become once a shell has filled them in, a line each.
    fn run(words: &[&str]) -> Vec<String> {
        let print = ["printf", "%s\\n"]
            .iter()
            .chain(words)
            .copied()
            .collect::<Vec<_>>();
        let text = script(Path::new("/"), &[], &print);
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
        let text = script(Path::new("/"), &[&config], &["echo", "hello $WHO"]);
        let ran = Command::new("bash").args(["-c", &text]).output().unwrap();
        assert!(!ran.status.success() && ran.stdout.is_empty());
        std::fs::write(&config, "export WHO=world\n").unwrap();
        let ran = Command::new("bash").args(["-c", &text]).output().unwrap();
        assert_eq!(ran.stdout, b"hello world\n");
    }
}
