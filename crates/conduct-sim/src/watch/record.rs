//! What is kept of a run: nothing, the timeline, or the trace for other programs.

use conduct_model::{Answer, Happening, TraceLine};
use conduct_node::command::Reply;

use super::{Fact, Line, Look};
use crate::clients::Wish;

/// What to keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Recording {
    /// Nothing: the fastest.
    #[default]
    Nothing,
    /// Lines for people.
    Timeline,
    /// Lines for people and lines for programs.
    Everything,
}

/// What was kept.
#[derive(Clone, Debug, Default)]
pub struct Record {
    recording: Recording,
    lines: Vec<Line>,
    trace: Vec<TraceLine>,
}

impl Record {
    /// Keeps this much.
    pub const fn new(recording: Recording) -> Record {
        Record {
            recording,
            lines: Vec::new(),
            trace: Vec::new(),
        }
    }

    /// The timeline.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The trace.
    pub fn trace(&self) -> &[TraceLine] {
        &self.trace
    }

    pub(crate) fn fact(&mut self, look: &Look<'_>, fact: &Fact<'_>) {
        if self.recording == Recording::Nothing {
            return;
        }
        self.lines.extend(Line::of(look, fact));
        if self.recording == Recording::Everything
            && let Some((host, what)) = happening(look, fact)
        {
            let at_ms = look.now.as_millis();
            self.trace.push(TraceLine {
                at_ms,
                node: look.machines[host].key(),
                what,
            });
        }
    }
}

fn happening(look: &Look<'_>, fact: &Fact<'_>) -> Option<(usize, Happening)> {
    let system_of = |instance, host| {
        look.truth
            .real(instance, host)
            .map(|real| (real.bundle, real.system.clone()))
    };
    Some(match *fact {
        Fact::Born { host, .. } => (host, Happening::Born),
        Fact::Died { host } => (host, Happening::Died),
        Fact::Paused { host } | Fact::Resumed { host } | Fact::PoweredOff { host } => {
            let text = Line::of(look, fact)?.text;
            (host, Happening::Disturbed { text })
        }
        Fact::Fault { text } => (
            0,
            Happening::Disturbed {
                text: text.to_owned(),
            },
        ),
        Fact::Published { host, event } => {
            let published = Happening::Published {
                sequence: event.sequence,
                event: event.kind.name().to_owned(),
                bundle: event.bundle,
                text: event.to_string(),
            };
            (host, published)
        }
        Fact::Answered {
            operation,
            host,
            reply,
        } => {
            let request = look.clients.get(operation).request;
            (
                host,
                Happening::Answered {
                    request,
                    answer: answer(reply),
                },
            )
        }
        Fact::Sent { operation, host } => (host, asked(look, operation)),
        Fact::Forked { host, instance, .. } => {
            let (bundle, system) = system_of(instance, host)?;
            (
                host,
                Happening::Forked {
                    instance,
                    bundle,
                    system,
                },
            )
        }
        Fact::Signalled { host, instance } => (host, Happening::Healthy { instance }),
        Fact::ToldToEnd { host, instance } => (host, Happening::Stopping { instance }),
        Fact::Ended { host, instance, .. } => (host, Happening::Ended { instance }),
        _ => return None,
    })
}

fn asked(look: &Look<'_>, operation: crate::clients::OperationId) -> Happening {
    let asked = look.clients.get(operation);
    let (command, amount) = match asked.wish {
        Wish::Load => ("load", None),
        Wish::Unload => ("unload", None),
        Wish::Scale(scale, _) => ("scale", Some(i64::from(scale))),
        Wish::Offset(by) => ("offset", Some(i64::from(by))),
        Wish::Drain(_) => ("drain", None),
        Wish::Undrain(_) => ("undrain", None),
        Wish::Leave => ("leave", None),
    };
    let bundle = (!matches!(asked.wish, Wish::Drain(_) | Wish::Undrain(_) | Wish::Leave))
        .then_some(asked.bundle);
    Happening::Asked {
        request: asked.request,
        command: command.to_owned(),
        bundle,
        amount,
    }
}

const fn answer(reply: &Reply) -> Answer {
    match reply {
        Reply::Acknowledged { .. } => Answer::Acknowledged,
        Reply::Done => Answer::Done,
        Reply::Quarantined(_) => Answer::Quarantined,
        Reply::Unknown { .. } => Answer::Unknown,
        Reply::Refused(_) => Answer::Refused,
    }
}
