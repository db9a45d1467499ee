//! Numbers for Prometheus.

use std::collections::BTreeMap;
use std::time::Duration;

use conduct_node::event::{Event, EventKind};
use conduct_node::view::{ExecutionState, View};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::app::Shared;
use crate::render;

/// Seconds; a request that takes longer than the last waits for a quorum or a body.
const LATENCY_BUCKETS: [f64; 10] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 2.0, 10.0,
];
/// Seconds from a start to its signal.
const START_BUCKETS: [f64; 9] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 600.0];

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Route {
    route: String,
    method: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Answer {
    route: String,
    method: String,
    status: u16,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Kind {
    kind: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct State {
    state: String,
}

/// What is counted here, and the registry that others count in as well.
pub(crate) struct Metrics {
    registry: Registry,
    answers: Family<Answer, Counter>,
    latency: Family<Route, Histogram, fn() -> Histogram>,
    events: Family<Kind, Counter>,
    starts: Histogram,
    members: Family<State, Gauge>,
    instances: Family<State, Gauge>,
    bundles: Gauge,
    missing: Gauge,
    voters: Gauge,
    quarantined: Gauge,
    streams: Gauge,
    questions: Gauge,
    uploads: Gauge,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Joins what is measured here to what others have registered.
    pub(crate) fn new(mut registry: Registry) -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::default(),
            answers: Family::default(),
            latency: Family::new_with_constructor(|| Histogram::new(LATENCY_BUCKETS)),
            events: Family::default(),
            starts: Histogram::new(START_BUCKETS),
            members: Family::default(),
            instances: Family::default(),
            bundles: Gauge::default(),
            missing: Gauge::default(),
            voters: Gauge::default(),
            quarantined: Gauge::default(),
            streams: Gauge::default(),
            questions: Gauge::default(),
            uploads: Gauge::default(),
        };
        metrics.register(registry.sub_registry_with_prefix("conduct"));
        metrics.registry = registry;
        metrics
    }

    fn register(&self, to: &mut Registry) {
        to.register(
            "http_answers",
            "Answers by route and status",
            self.answers.clone(),
        );
        let help = "From a request's head to the answer's";
        to.register_with_unit("http_latency", help, Unit::Seconds, self.latency.clone());
        to.register(
            "events",
            "Events that this node told, by their name",
            self.events.clone(),
        );
        let help = "From the start of an instance to its signal";
        to.register_with_unit("start", help, Unit::Seconds, self.starts.clone());
        to.register(
            "members",
            "Members by what this node holds of them",
            self.members.clone(),
        );
        to.register(
            "instances",
            "Instances by how far they are",
            self.instances.clone(),
        );
        to.register("bundles", "Bundles that are loaded", self.bundles.clone());
        to.register(
            "missing_instances",
            "Instances wished for that do not run",
            self.missing.clone(),
        );
        to.register(
            "voters",
            "Nodes that count for a majority",
            self.voters.clone(),
        );
        let help = "Whether this node accepts no changes";
        to.register("quarantined", help, self.quarantined.clone());
        to.register("event_streams", "Open event streams", self.streams.clone());
        let help = "Questions that wait for the brain";
        to.register("waiting_questions", help, self.questions.clone());
        to.register("uploads", "Uploads under way", self.uploads.clone());
    }

    /// Notes an answer.
    pub(crate) fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        let (route, method) = (route.to_owned(), method.to_owned());
        let by = Route {
            route: route.clone(),
            method: method.clone(),
        };
        self.latency.get_or_create(&by).observe(took.as_secs_f64());
        self.answers
            .get_or_create(&Answer {
                route,
                method,
                status,
            })
            .inc();
    }

    /// Notes an event.
    pub(crate) fn saw(&self, event: &Event) {
        let kind = event.kind.name().to_owned();
        self.events.get_or_create(&Kind { kind }).inc();
        if let EventKind::Started { took } = &event.kind {
            self.starts
                .observe(Duration::from_millis(took.as_millis()).as_secs_f64());
        }
    }

    /// Everything, as Prometheus reads it.
    pub(crate) fn text(&self, shared: &Shared, view: &View) -> Result<String, std::fmt::Error> {
        self.look(view);
        self.streams.set(shared.subscribers.open() as i64);
        self.questions.set(shared.node.waiting() as i64);
        let taken = crate::app::UPLOADS_MAX - shared.slots.available_permits();
        self.uploads.set(taken as i64);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn look(&self, view: &View) {
        let verdicts = view
            .members
            .values()
            .map(|member| render::verdict_name(member.verdict));
        set(
            &self.members,
            &["reachable", "unreachable", "restarting", "down", "left"],
            verdicts,
        );
        let executions = || {
            view.bundles
                .values()
                .flat_map(|bundle| bundle.executions.values())
        };
        let states = executions().map(|execution| render::state_name(execution.state));
        set(
            &self.instances,
            &[
                "preparing",
                "prepared",
                "starting",
                "running",
                "unhealthy",
                "stopping",
            ],
            states,
        );
        self.bundles.set(view.bundles.len() as i64);
        let missing = view.bundles.values().map(|bundle| {
            let running = bundle
                .executions
                .values()
                .filter(|it| it.state == ExecutionState::Running);
            let wished = bundle.wish.map_or(0, |wish| i64::from(wish.scale));
            (wished - running.count() as i64).max(0)
        });
        self.missing.set(missing.sum());
        self.voters.set(view.voters.len() as i64);
        self.quarantined.set(i64::from(view.quarantine.is_some()));
    }
}

/// Sets how many there are of each state, of which none may be missing.
fn set<'a>(
    family: &Family<State, Gauge>,
    states: &[&'a str],
    found: impl Iterator<Item = &'a str>,
) {
    let mut counts: BTreeMap<&str, i64> = states.iter().map(|state| (*state, 0)).collect();
    for state in found {
        *counts.entry(state).or_default() += 1;
    }
    for (state, count) in counts {
        family
            .get_or_create(&State {
                state: state.to_owned(),
            })
            .set(count);
    }
}
