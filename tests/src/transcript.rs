//! Runs the `console` blocks of a guide as they stand there.
//!
//! A line that begins with `$ ` is a command, lines that begin with `> ` continue it, what follows
//! is its output, of both streams. In expected output `[..]` stands for anything within a line, and
//! a line `...` for any lines. A command that fails has to be followed by `$ echo $?`. All blocks of
//! a guide share one folder. With `CONDUCT_TRANSCRIPTS=write` the guide is given the real output.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::programs::program;
use crate::tools::without;

#[derive(Debug, PartialEq, Eq)]
struct Step {
    /// The first line of the command, counted from 0.
    line: usize,
    command: String,
    /// The lines of the expected output: from where to where.
    expected: (usize, usize),
    section: usize,
}

/// Runs a guide from top to bottom, with the programs in reach and these variables set. A section
/// that needs one of `tools` is left out where the run was told to do without it.
///
/// # Panics
/// When the guide says anything that is not so.
pub fn run(guide: &Path, tools: &[&str], variables: &[(&str, String)]) {
    let text =
        fs::read_to_string(guide).unwrap_or_else(|error| panic!("{}: {error}", guide.display()));
    let lines: Vec<&str> = text.lines().collect();
    let steps = parse(&lines);
    assert!(
        !steps.is_empty(),
        "{} has no console blocks",
        guide.display()
    );
    let missing: Vec<&str> = tools.iter().copied().filter(|tool| without(tool)).collect();
    let skipped: Vec<usize> = steps
        .iter()
        .filter(|step| words(&step.command).any(|word| missing.contains(&word)))
        .map(|step| step.section)
        .collect();
    let mut shell = Shell::new(variables);
    let mut found = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        if skipped.contains(&step.section) {
            continue;
        }
        let (output, code) = shell.run(&step.command);
        let next = steps.get(at + 1).map(|step| step.command.as_str());
        assert!(
            code == 0 || next == Some("echo $?"),
            "{}:{}: {} failed with {code}:\n{output}",
            guide.display(),
            step.line + 1,
            step.command
        );
        found.push((step, output.lines().map(str::to_owned).collect::<Vec<_>>()));
    }
    if std::env::var("CONDUCT_TRANSCRIPTS").is_ok_and(|mode| mode == "write") {
        fs::write(guide, rewritten(&lines, &found)).expect("write");
        return;
    }
    for (step, actual) in found {
        let expected = &lines[step.expected.0..step.expected.1];
        assert!(
            matches(expected, &actual),
            "{}:{}: $ {}\nexpected:\n{}\nfound:\n{}",
            guide.display(),
            step.line + 1,
            step.command,
            expected.join("\n"),
            actual.join("\n")
        );
    }
}

fn words(command: &str) -> impl Iterator<Item = &str> {
    command.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
}

fn parse(lines: &[&str]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut section, mut inside) = (0, false);
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if !inside {
            section += usize::from(line.starts_with("## "));
            inside = line == "```console";
        } else if line.starts_with("```") {
            inside = false;
        } else if let Some(command) = line.strip_prefix("$ ") {
            let begin = at;
            let mut command = command.to_owned();
            while let Some(more) = lines.get(at + 1).and_then(|line| continuation(line)) {
                command += &format!("\n{more}");
                at += 1;
            }
            steps.push(Step {
                line: begin,
                command,
                expected: (at + 1, at + 1),
                section,
            });
        } else {
            let step = steps.last_mut().expect("a block begins with a command");
            step.expected.1 = at + 1;
        }
        at += 1;
    }
    steps
}

fn continuation(line: &str) -> Option<&str> {
    line.strip_prefix("> ").or((line == ">").then_some(""))
}

/// Whether output is as expected.
fn matches<E: AsRef<str>, A: AsRef<str>>(expected: &[E], actual: &[A]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((any, rest)) if any.as_ref() == "..." => {
            (0..=actual.len()).any(|skipped| matches(rest, &actual[skipped..]))
        }
        Some((line, rest)) => actual.split_first().is_some_and(|(first, others)| {
            line_matches(line.as_ref(), first.as_ref()) && matches(rest, others)
        }),
    }
}

fn line_matches(pattern: &str, line: &str) -> bool {
    match pattern.split_once("[..]") {
        None => pattern == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .any(|at| line_matches(after, &rest[at..]))
        }),
    }
}

/// The guide with the output that was found; where it fits already, wildcards stay.
fn rewritten(lines: &[&str], found: &[(&Step, Vec<String>)]) -> String {
    let mut text = String::new();
    let mut at = 0;
    let mut push = |line: &str| text += &format!("{line}\n");
    for (step, actual) in found {
        let (from, to) = step.expected;
        lines[at..from].iter().for_each(|line| push(line));
        if matches(&lines[from..to], actual) {
            lines[from..to].iter().for_each(|line| push(line));
        } else {
            actual.iter().for_each(|line| push(line));
        }
        at = to;
    }
    lines[at..].iter().for_each(|line| push(line));
    text
}

/// Runs commands one after the other. Folder and exit code go from one to the next.
struct Shell {
    home: TempDir,
    variables: Vec<(String, String)>,
    folder: PathBuf,
    code: i32,
}

impl Shell {
    fn new(variables: &[(&str, String)]) -> Shell {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("work");
        fs::create_dir(&folder).expect("a folder");
        let variables = variables.iter();
        Shell {
            home,
            variables: variables
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            folder,
            code: 0,
        }
    }

    fn run(&mut self, command: &str) -> (String, i32) {
        let place = self.home.path().join("folder");
        let script = format!(
            "exec 2>&1\numask 022\n(exit {})\n{command}\ncode=$?\npwd > '{}'\nexit $code\n",
            self.code,
            place.display()
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .env("PATH", path_with_programs())
            .env("HOME", self.home.path())
            .env("LC_ALL", "C")
            .env_remove("NO_COLOR")
            .envs(self.variables.iter().cloned())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        if let Ok(folder) = fs::read_to_string(&place) {
            self.folder = PathBuf::from(folder.trim_end());
        }
        self.code = output.status.code().unwrap_or(-1);
        (String::from_utf8(output.stdout).expect("text"), self.code)
    }
}

/// The programs under test before all others.
fn path_with_programs() -> OsString {
    let programs = program("bndl");
    let programs = programs.parent().expect("programs are in a folder");
    let others = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(programs.to_owned()).chain(std::env::split_paths(&others));
    std::env::join_paths(all).expect("no colon in a path")
}

#[test]
fn blocks_are_read_with_their_continuations_and_outputs() {
    let text =
        "# T\n```console\n$ cat <<E\n> a\n>\n> E\na\n\n$ true\n```\n## S\n```console\n$ x\n```";
    let lines: Vec<&str> = text.lines().collect();
    let steps = parse(&lines);
    let commands: Vec<&str> = steps.iter().map(|step| step.command.as_str()).collect();
    assert_eq!(commands, ["cat <<E\na\n\nE", "true", "x"]);
    assert_eq!((steps[0].expected, steps[1].expected), ((6, 8), (9, 9)));
    assert_eq!((steps[1].section, steps[2].section), (0, 1));
}

#[test]
fn wildcards_stand_for_parts_of_a_line_and_for_lines() {
    assert!(line_matches("a [..] c", "a b c") && line_matches("[..]", ""));
    assert!(!line_matches("a [..] c", "a b") && !line_matches("a", "ab"));
    assert!(matches(&["a", "...", "z"], &["a", "b", "c", "z"]) && matches(&["..."], &[""; 0]));
    assert!(!matches(&["a"], &["a", "b"]) && !matches(&["a", "b"], &["a"]));
}

#[test]
fn folder_and_exit_code_go_from_command_to_command() {
    let mut shell = Shell::new(&[]);
    assert_eq!(shell.run("mkdir a; cd a; false").1, 1);
    let (output, code) = shell.run("echo $? $(basename \"$PWD\"); echo told >&2");
    assert_eq!((output.as_str(), code), ("1 a\ntold\n", 0));
}
