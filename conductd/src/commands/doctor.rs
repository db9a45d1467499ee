//! `conductd doctor`: what would keep this node from working well, before it does.

mod checks;

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use super::Place;

/// Look at this machine and these settings, and say what would keep a node from working well
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Table,
    Json,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Mark {
    Good,
    /// The node works, with something missing.
    Warning,
    /// The node does not start, or not as it is meant to.
    Bad,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    subject: &'static str,
    mark: Mark,
    text: String,
}

impl Finding {
    fn good(subject: &'static str, text: impl Into<String>) -> Finding {
        Finding::new(subject, Mark::Good, text)
    }

    fn warning(subject: &'static str, text: impl Into<String>) -> Finding {
        Finding::new(subject, Mark::Warning, text)
    }

    fn bad(subject: &'static str, text: impl Into<String>) -> Finding {
        Finding::new(subject, Mark::Bad, text)
    }

    fn new(subject: &'static str, mark: Mark, text: impl Into<String>) -> Finding {
        let text = text.into();
        Finding {
            subject,
            mark,
            text,
        }
    }
}

pub(crate) fn run(args: &Args, place: &Place) -> anyhow::Result<ExitCode> {
    let settings = place.settings()?;
    let findings = checks::all(&settings);
    let mut out = std::io::stdout();
    match args.output {
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(&findings)?)?,
        Output::Table => out.write_all(table(&findings).as_bytes())?,
    }
    let worst = findings.iter().map(|it| it.mark).max();
    Ok(match worst {
        Some(Mark::Bad) => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

fn table(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding {
        subject,
        mark,
        text: what,
    } in findings
    {
        let mark = match mark {
            Mark::Good => "ok",
            Mark::Warning => "warning",
            Mark::Bad => "ERROR",
        };
        text.push_str(&format!("{mark:8} {subject:10} {what}\n"));
    }
    let count = |wanted| findings.iter().filter(|it| it.mark == wanted).count();
    let (bad, warnings) = (count(Mark::Bad), count(Mark::Warning));
    text.push_str(&format!("{bad} errors, {warnings} warnings\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_bad_stands_out_and_is_counted() {
        let findings = [
            Finding::good("clock", "it is 2026"),
            Finding::warning("files", "1024 may be open at once"),
            Finding::bad("keys", "there are none"),
        ];
        assert_eq!(
            table(&findings),
            "ok       clock      it is 2026\n\
             warning  files      1024 may be open at once\n\
             ERROR    keys       there are none\n\
             1 errors, 1 warnings\n"
        );
    }
}
