//! `sandbox logs`: what the daemons say, in the order of time.

use std::time::Duration;

use conduct_terminal::exit::{Exit, Failure, OrFail as _};

use super::{DONE, Ended, Form, Session};
use crate::folders::Folder;
use crate::logs::{Entry, Tail, merged};
use crate::record::Record;

/// How often growing logs are looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(250);

/// Show what the daemons of a sandbox say; for a bundle's lines see conduct logs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these nodes, by number or address
    nodes: Vec<String>,
    /// Go on with lines as they come, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Only the newest lines
    #[arg(short, long, value_name = "LINES")]
    lines: Option<usize>,
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Ended, Failure> {
    let Some((folder, record)) = session.place.record()? else {
        return Err(Failure::new(
            Exit::NotFound,
            format_args!("sandbox {} was never run", session.place.name),
        )
        .hint(session.command("run")));
    };
    let mut diary = Diary::new(&folder, &record, &args.nodes)?;
    let entries = diary.read()?;
    let from = args
        .lines
        .map_or(0, |lines| entries.len().saturating_sub(lines));
    diary.show(&entries[from..], session)?;
    if !args.follow {
        return Ok(DONE);
    }
    loop {
        tokio::select! {
            interrupted = session.interrupts.next() => return Ok(Ended::By(interrupted)),
            () = tokio::time::sleep(LOOK) => {}
        }
        let entries = diary.read()?;
        diary.show(&entries, session)?;
    }
}

/// The logs of some nodes.
pub(crate) struct Diary {
    tails: Vec<Tail>,
}

impl Diary {
    /// Of the nodes that are named, or of all.
    pub(crate) fn new(
        folder: &Folder,
        record: &Record,
        named: &[String],
    ) -> Result<Diary, Failure> {
        let all = || Ok((0..record.nodes.len()).collect());
        let meant: Result<Vec<usize>, Failure> = match named {
            [] => all(),
            named => named.iter().map(|name| record.find(name)).collect(),
        };
        let tails = meant?.into_iter().map(|at| {
            let number = record.nodes[at].number;
            Tail::new(number, &folder.log(number))
        });
        Ok(Diary {
            tails: tails.collect(),
        })
    }

    /// What is new, in the order of time.
    pub(crate) fn read(&mut self) -> Result<Vec<Entry>, Failure> {
        let read = self.tails.iter_mut().map(|tail| {
            let entries = tail.read();
            entries.or_fail(Exit::Failed, "could not read a log")
        });
        Ok(merged(read.collect::<Result<_, _>>()?))
    }

    /// With the node's number before each line, unless there is only one.
    pub(crate) fn show(&self, entries: &[Entry], session: &mut Session<'_>) -> Result<(), Failure> {
        let is_alone = self.tails.len() == 1;
        let line = |entry: &Entry| match session.form {
            Form::Json => {
                let value = serde_json::json!({ "node": entry.node, "line": entry.text });
                format!("{value}\n")
            }
            Form::Table if is_alone => format!("{}\n", entry.text),
            Form::Table => format!("{:>2}  {}\n", entry.node, entry.text),
        };
        let text: String = entries.iter().map(line).collect();
        session.screen.print(&text)
    }
}
