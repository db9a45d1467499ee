//! `sandbox run --foreground`: the sandbox goes with this program.

use conduct_terminal::exit::{Exit, Failure};

use super::logs::{Diary, LOOK};
use super::run::Started;
use super::{DONE, Ended, Session};
use crate::lock::Lock;
use crate::process::Life;
use crate::record::{Phase, Record};
use crate::teardown;

/// Shows what the daemons say until a signal comes, and stops the sandbox then.
pub(crate) async fn until_interrupted(
    started: &Started,
    session: &mut Session<'_>,
) -> Result<Ended, Failure> {
    session.note("Ctrl-C stops the sandbox.");
    let folder = &started.folder;
    let mut diary = Diary::new(folder, &started.record, &[])?;
    let ended = loop {
        let shown = diary
            .read()
            .and_then(|entries| diary.show(&entries, session));
        if let Err(failure) = shown {
            break Err(failure);
        }
        match Record::read(folder)? {
            // Somebody else has stopped it.
            None => return Ok(DONE),
            Some(record) if record.phase == Phase::Stopped => return Ok(DONE),
            Some(record) if all_gone(&record) => {
                break Err(Failure::new(Exit::Failed, "all daemons have ended")
                    .hint(session.command("logs")));
            }
            Some(_) => {}
        }
        tokio::select! {
            interrupted = session.interrupts.next() => break Ok(Ended::By(interrupted)),
            () = tokio::time::sleep(LOOK) => {}
        }
    };
    let _lock = Lock::take(folder, session.screen)?;
    if let Some(mut record) = Record::read(folder)? {
        teardown::stop(folder, &mut record).await?;
        session.note("Stopped.");
    }
    ended
}

fn all_gone(record: &Record) -> bool {
    record.phase == Phase::Running
        && record
            .nodes
            .iter()
            .all(|node| node.life() == Life::Gone && !node.killed)
}
