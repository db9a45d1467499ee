//! Checks a trace alone: no oracle, no product, only the lines that nodes wrote.
//!
//! The simulator, a test cluster and a live one write the same lines, so whatever this finds wrong
//! in one of them is wrong wherever it happens.

use std::collections::BTreeMap;
use std::fmt;

use conduct_model::{Answer, Happening, InstanceId, NodeKey, RequestId, System, TraceLine};

/// Something in a trace that must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The line, counted from 1.
    pub line: usize,
    /// When.
    pub at_ms: u64,
    /// What.
    pub what: String,
}

/// What a trace held, and what of it is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Lines read.
    pub lines: usize,
    /// Nodes seen.
    pub nodes: usize,
    /// Commands that were acknowledged.
    pub acknowledged: usize,
    /// Instances that were forked.
    pub instances: usize,
    /// Events that were published.
    pub events: usize,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Why a text is no trace.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is no line of a trace")]
pub struct TraceError {
    /// Which line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub source: serde_json::Error,
}

/// Two instances of a system may start at once only within so long of a disturbance: then two
/// sides of a cut may each have started one.
const DISTURBED_MILLIS: u64 = 60_000;

/// Reads the lines of a trace.
pub fn parse(text: &str) -> Result<Vec<TraceLine>, TraceError> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(place, line)| {
            serde_json::from_str(line).map_err(|source| TraceError {
                line: place + 1,
                source,
            })
        })
        .collect()
}

/// Checks a trace.
pub fn check(trace: &[TraceLine]) -> Report {
    let mut history = History::default();
    for (place, line) in trace.iter().enumerate() {
        history.line = place + 1;
        history.read(line);
    }
    history.report.lines = trace.len();
    history.report.nodes = history.sequences.len();
    history.report
}

/// What was read so far.
#[derive(Debug, Default)]
struct History {
    line: usize,
    report: Report,
    sequences: BTreeMap<NodeKey, Option<u64>>,
    quarantined: BTreeMap<NodeKey, bool>,
    answers: BTreeMap<RequestId, Answer>,
    instances: BTreeMap<InstanceId, Instance>,
    starting: BTreeMap<System, Vec<InstanceId>>,
    disturbed: Option<u64>,
}

#[derive(Debug)]
struct Instance {
    node: NodeKey,
    system: System,
    healthy: bool,
    ended: bool,
}

impl History {
    fn read(&mut self, line: &TraceLine) {
        self.sequences.entry(line.node).or_default();
        match &line.what {
            Happening::Born => {
                self.sequences.insert(line.node, None);
                self.quarantined.insert(line.node, true);
                self.disturbed = Some(line.at_ms);
            }
            Happening::Died | Happening::Disturbed { .. } => self.disturbed = Some(line.at_ms),
            Happening::Asked { .. } => {}
            Happening::Answered { request, answer } => self.answered(line, *request, *answer),
            Happening::Forked {
                instance, system, ..
            } => self.forked(line, *instance, system),
            Happening::Healthy { instance } => self.healthy(line, *instance),
            Happening::Stopping { instance } => self.no_longer_starting(*instance),
            Happening::Ended { instance } => self.ended(line, *instance),
            Happening::Published {
                sequence, event, ..
            } => {
                self.published(line, *sequence, event);
            }
        }
    }

    fn answered(&mut self, line: &TraceLine, request: RequestId, answer: Answer) {
        if answer == Answer::Acknowledged {
            self.report.acknowledged += 1;
            if self.quarantined.get(&line.node) == Some(&true) {
                self.find(
                    line,
                    format!("{} acknowledged {request} in quarantine", line.node.short()),
                );
            }
        }
        let earlier = self.answers.get(&request).copied();
        if earlier == Some(Answer::Acknowledged) && answer == Answer::Refused {
            self.find(
                line,
                format!("{request} was acknowledged, and is refused when asked again"),
            );
        }
        if earlier != Some(Answer::Acknowledged) {
            self.answers.insert(request, answer);
        }
    }

    fn forked(&mut self, line: &TraceLine, instance: InstanceId, system: &System) {
        self.report.instances += 1;
        if self.instances.contains_key(&instance) {
            self.find(
                line,
                format!("{} is forked a second time", instance.short()),
            );
            return;
        }
        let calm = self
            .disturbed
            .is_none_or(|at| line.at_ms.saturating_sub(at) > DISTURBED_MILLIS);
        let others = self.starting.entry(system.clone()).or_default().clone();
        let beside = others.iter().find(|other| {
            calm || self
                .instances
                .get(other)
                .is_some_and(|other| other.node == line.node)
        });
        if let Some(other) = beside {
            let what = format!(
                "{} is forked while {} of {system} starts",
                instance.short(),
                other.short()
            );
            self.find(line, what);
        }
        self.starting
            .entry(system.clone())
            .or_default()
            .push(instance);
        let known = Instance {
            node: line.node,
            system: system.clone(),
            healthy: false,
            ended: false,
        };
        self.instances.insert(instance, known);
    }

    fn healthy(&mut self, line: &TraceLine, instance: InstanceId) {
        self.no_longer_starting(instance);
        match self.instances.get_mut(&instance) {
            None => self.find(
                line,
                format!("{} signals and was never forked", instance.short()),
            ),
            Some(known) if known.ended => {
                self.find(line, format!("{} signals after its end", instance.short()));
            }
            Some(known) => known.healthy = true,
        }
    }

    fn ended(&mut self, line: &TraceLine, instance: InstanceId) {
        self.no_longer_starting(instance);
        match self.instances.get_mut(&instance) {
            None => self.find(
                line,
                format!("{} ends and was never forked", instance.short()),
            ),
            Some(known) if known.ended => {
                self.find(line, format!("{} ends a second time", instance.short()));
            }
            Some(known) => known.ended = true,
        }
    }

    fn no_longer_starting(&mut self, instance: InstanceId) {
        if let Some(known) = self.instances.get(&instance)
            && let Some(starting) = self.starting.get_mut(&known.system)
        {
            starting.retain(|other| *other != instance);
        }
    }

    fn published(&mut self, line: &TraceLine, sequence: u64, event: &str) {
        self.report.events += 1;
        match event {
            "quarantined" => {
                self.quarantined.insert(line.node, true);
            }
            "released" => {
                self.quarantined.insert(line.node, false);
            }
            _ => {}
        }
        let last = self.sequences.insert(line.node, Some(sequence)).flatten();
        if let Some(last) = last
            && sequence != last + 1
        {
            let node = line.node.short();
            self.find(
                line,
                format!("{node} published event {sequence} after event {last}"),
            );
        }
    }

    fn find(&mut self, line: &TraceLine, what: String) {
        self.report.findings.push(Finding {
            line: self.line,
            at_ms: line.at_ms,
            what,
        });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} lines of {} nodes: {} commands acknowledged, {} instances forked, {} events",
            self.lines, self.nodes, self.acknowledged, self.instances, self.events
        )?;
        for finding in &self.findings {
            writeln!(
                f,
                "line {} at {} ms: {}",
                finding.line, finding.at_ms, finding.what
            )?;
        }
        match self.findings.len() {
            0 => write!(f, "Nothing is wrong with it."),
            1 => write!(f, "1 thing is wrong with it."),
            many => write!(f, "{many} things are wrong with it."),
        }
    }
}

#[cfg(test)]
mod tests {
    use conduct_model::{BundleId, Digest};

    use super::*;

    fn line(at_ms: u64, what: Happening) -> TraceLine {
        TraceLine {
            at_ms,
            node: NodeKey::from_digest(Digest::of(b"node")),
            what,
        }
    }

    fn forked(n: u128) -> Happening {
        let name = |text: &str| text.parse().expect("a word is a name");
        Happening::Forked {
            instance: InstanceId::from_u128(n),
            bundle: BundleId::plain(Digest::of(b"web")),
            system: System {
                name: name("web"),
                version: name("1"),
            },
        }
    }

    #[test]
    fn a_trace_reads_back_as_it_was_written() {
        let request = RequestId::from_u128(7);
        let trace = vec![
            line(0, Happening::Born),
            line(5, forked(1)),
            line(
                6,
                Happening::Answered {
                    request,
                    answer: Answer::Done,
                },
            ),
        ];
        let text: Vec<String> = trace
            .iter()
            .map(|line| serde_json::to_string(line).expect("it is JSON"))
            .collect();
        assert_eq!(parse(&text.join("\n")).expect("it is a trace"), trace);
        assert!(parse("{\"atMs\":1}").is_err_and(|error| error.line == 1));
    }

    #[test]
    fn two_that_start_at_once_a_gap_and_a_late_refusal_are_found() {
        let request = RequestId::from_u128(7);
        let published = |sequence| Happening::Published {
            sequence,
            event: "released".to_owned(),
            bundle: None,
            text: String::new(),
        };
        let report = check(&[
            line(0, published(1)),
            line(1, forked(1)),
            line(2, forked(2)),
            line(3, published(3)),
            line(
                4,
                Happening::Answered {
                    request,
                    answer: Answer::Acknowledged,
                },
            ),
            line(
                5,
                Happening::Answered {
                    request,
                    answer: Answer::Refused,
                },
            ),
        ]);
        assert_eq!(
            report.findings.iter().map(|f| f.line).collect::<Vec<_>>(),
            [3, 4, 6]
        );
        assert!(report.to_string().contains("3 things are wrong"));
    }

    #[test]
    fn one_after_the_other_is_as_it_should_be() {
        let healthy = Happening::Healthy {
            instance: InstanceId::from_u128(1),
        };
        let report = check(&[line(1, forked(1)), line(2, healthy), line(3, forked(2))]);
        assert_eq!(report.findings, []);
    }
}
