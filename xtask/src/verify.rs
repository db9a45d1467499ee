//! `cargo verify`: everything that must hold, one layer after the other, and a line for each.

use std::time::Instant;

use crate::command::{cargo, is_installed, shown};
use crate::{simulate, tools};

/// One kind of check.
struct Layer {
    name: &'static str,
    what: &'static str,
    check: fn() -> Result<Counts, String>,
}

const LAYERS: &[Layer] = &[
    Layer {
        name: "format",
        what: "cargo fmt",
        check: format,
    },
    Layer {
        name: "lints",
        what: "clippy, warnings denied",
        check: lints,
    },
    Layer {
        name: "tests",
        what: "unit, property, archive, image, guide",
        check: tests,
    },
    Layer {
        name: "sim",
        what: "simulated clusters",
        check: seeds,
    },
    Layer {
        name: "docs",
        what: "cargo doc, warnings denied",
        check: docs,
    },
    Layer {
        name: "deny",
        what: "licences and sources of dependencies",
        check: deny,
    },
];

/// What properties draw their cases from.
const PROPERTY_SEED: &str = "7";

/// What a layer found.
#[derive(Default)]
struct Counts {
    passed: u64,
    failed: u64,
    left_out: Vec<String>,
}

impl Counts {
    fn one(ok: bool) -> Counts {
        Counts {
            passed: u64::from(ok),
            failed: u64::from(!ok),
            left_out: Vec::new(),
        }
    }
}

/// Runs the layers named, or all.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    if words.iter().any(|word| word == "--list") {
        for layer in LAYERS {
            println!("{:8} {}", layer.name, layer.what);
        }
        return Ok(());
    }
    let chosen = choose(words)?;
    let without = tools::prepare();

    let mut summary = Vec::new();
    let mut total = Counts {
        left_out: without,
        ..Counts::default()
    };
    for layer in chosen {
        println!("\n── {} ({})", layer.name, layer.what);
        let begun = Instant::now();
        let counts = (layer.check)().unwrap_or_else(|why| {
            eprintln!("error: {why}");
            Counts::one(false)
        });
        let seconds = begun.elapsed().as_secs();
        let Counts {
            passed,
            failed,
            left_out,
        } = counts;
        summary.push(format!(
            "{:8} {passed:6} passed  {failed:4} failed  {seconds:5} s",
            layer.name
        ));
        total.passed += passed;
        total.failed += failed;
        total.left_out.extend(left_out);
    }
    report(&summary, &total);
    if total.failed == 0 {
        Ok(())
    } else {
        Err("not everything holds".to_owned())
    }
}

fn choose(words: &[String]) -> Result<Vec<&'static Layer>, String> {
    if words.is_empty() {
        return Ok(LAYERS.iter().collect());
    }
    let layer = |word: &String| {
        let names = || {
            LAYERS
                .iter()
                .map(|layer| layer.name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let found = LAYERS.iter().find(|layer| layer.name == word);
        found.ok_or_else(|| format!("there is no layer {word:?}; there are {}", names()))
    };
    words.iter().map(layer).collect()
}

fn report(summary: &[String], total: &Counts) {
    println!("\n── summary");
    for line in summary {
        println!("{line}");
    }
    for gap in &total.left_out {
        println!("left out: {gap}");
    }
    println!("{} passed, {} failed", total.passed, total.failed);
}

fn format() -> Result<Counts, String> {
    Ok(Counts::one(shown(cargo(&["fmt", "--all", "--check"]))?.ok))
}

fn lints() -> Result<Counts, String> {
    let words = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ];
    Ok(Counts::one(shown(cargo(&words))?.ok))
}

fn tests() -> Result<Counts, String> {
    let mut command = cargo(&["test", "--workspace", "--no-fail-fast"]);
    command.env("CONDUCT_WITHOUT_TOOLS", tools::absent());
    // The same cases in every run, so that a change is what makes a difference; a plain cargo test
    // draws new ones.
    command.env("PROPTEST_RNG_SEED", PROPERTY_SEED);
    let outcome = shown(command)?;
    let mut counts = Counts::default();
    for line in &outcome.lines {
        if let Some((passed, failed)) = result_line(line) {
            counts.passed += passed;
            counts.failed += failed;
        }
    }
    if counts.passed == 0 {
        return Err("no test ran".to_owned());
    }
    if !outcome.ok && counts.failed == 0 {
        return Err("the tests could not be run to their end".to_owned());
    }
    Ok(counts)
}

/// Reads `test result: ok. 12 passed; 0 failed; …`.
fn result_line(line: &str) -> Option<(u64, u64)> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let mut numbers = counts
        .split("; ")
        .map(|part| part.split(' ').next()?.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// A few seeds show that the simulator itself works. Random seeds at large do not all pass yet, and
/// that is said rather than hidden: `cargo sim -- --seeds 1..301` shows them.
fn seeds() -> Result<Counts, String> {
    let outcome = simulate::simulator(&["--nodes", "3", "--seed", "7", "--minutes", "1"])?;
    let mut counts = Counts::one(outcome.ok);
    counts.left_out.push(
        "random simulated clusters: about one seed in six still fails (docs/simulation.md, Open \
         findings); cargo sim -- --seeds 1..301 shows which"
            .to_owned(),
    );
    Ok(counts)
}

fn docs() -> Result<Counts, String> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    // Sources are read by those who change them, so links to private items are welcome.
    command.env(
        "RUSTDOCFLAGS",
        "-D warnings -A rustdoc::private-intra-doc-links",
    );
    Ok(Counts::one(shown(command)?.ok))
}

fn deny() -> Result<Counts, String> {
    if !is_installed("cargo-deny") {
        let left_out = vec!["licences and sources: needs cargo-deny (cargo install)".to_owned()];
        return Ok(Counts {
            left_out,
            ..Counts::default()
        });
    }
    let words = ["deny", "--offline", "check", "bans", "licenses", "sources"];
    Ok(Counts::one(shown(cargo(&words))?.ok))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_line_gives_its_counts() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured";
        assert_eq!(result_line(line), Some((12, 3)));
        assert_eq!(result_line("running 12 tests"), None);
    }

    #[test]
    fn an_unknown_layer_is_refused_with_those_there_are() {
        let why = choose(&["tets".to_owned()]).err().unwrap_or_default();
        assert!(
            why.contains("\"tets\"") && why.contains("tests, sim"),
            "{why}"
        );
    }
}
