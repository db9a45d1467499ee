//! Everything of one bundle.

use conduct_client::answers::{Bundle, Execution};
use jiff::Timestamp;

use super::table::{Align, Table};
use super::text::{plain, short_id, since, uptime};
use super::{acls, services};
use crate::screen::resource;

/// Sections with a heading each; what is not there is left out.
pub(crate) fn text(bundle: &Bundle, long: bool, now: Timestamp) -> String {
    let mut text = section("BUNDLE ATTRIBUTES", &attributes(bundle, long));
    if let Some(scale) = &bundle.bundle_scale {
        let reschedules = scale.nr_of_reschedules.map(|it| it.to_string());
        let rows = [
            ("Nr of Reschedules", reschedules),
            ("Scale", Some(scale.scale.to_string())),
            (
                "Affinity",
                scale.affinity.as_deref().map(|id| id_of(id, long)),
            ),
        ];
        text += &section("BUNDLE SCALE", &labelled(rows));
    }
    if !bundle.bundle_installations.is_empty() {
        text += &section("BUNDLE INSTALLATIONS", &installations(bundle));
    }
    if !bundle.bundle_executions.is_empty() {
        text += &section("BUNDLE EXECUTIONS", &executions(bundle, now));
    }
    let http = acls::http(&[bundle]);
    if !http.is_empty() {
        text += &section("HTTP ACLS", &acls::http_table(&http, None).text());
    }
    let tcp = acls::tcp(&[bundle]);
    if !tcp.is_empty() {
        text += &section("TCP ACLS", &acls::tcp_table(&tcp, None).text());
    }
    let services = services::of(bundle);
    if !services.is_empty() {
        let mut table = Table::new(&[("SERVICE NAME", Align::Left), ("STATUS", Align::Left)]);
        for (name, is_running) in services::names(&services) {
            table.row([name, services::status(is_running)]);
        }
        text += &section("SERVICE NAMES", &table.text());
    }
    text
}

fn section(heading: &str, content: &str) -> String {
    format!("{heading}\n{}\n{content}\n", "-".repeat(heading.len()))
}

/// Labels and values below each other; without a value a label says nothing.
fn labelled<'a>(rows: impl IntoIterator<Item = (&'a str, Option<String>)>) -> String {
    let mut table = Table::new(&[("", Align::Left), ("", Align::Left)]);
    for (label, value) in rows {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            table.row([label, &value]);
        }
    }
    table.bare()
}

fn id_of(id: &str, long: bool) -> String {
    if long { plain(id) } else { short_id(id) }
}

fn attributes(bundle: &Bundle, long: bool) -> String {
    let it = &bundle.attributes;
    let error = if bundle.has_error { "Yes" } else { "No" };
    labelled([
        ("Bundle Id", Some(id_of(&bundle.bundle_id, long))),
        ("Bundle Name", Some(bundle.name().to_owned())),
        ("Compatibility Version", it.compatibility_version.clone()),
        ("System", it.system.clone()),
        ("System Version", it.system_version.clone()),
        ("Tags", it.tags.as_ref().map(|tags| tags.join(", "))),
        (
            "Nr of CPUs",
            it.nr_of_cpus.as_ref().map(ToString::to_string),
        ),
        ("Memory", it.memory.map(resource)),
        ("Disk Space", it.disk_space.map(resource)),
        ("Roles", Some(it.roles.join(", "))),
        ("Bundle Digest", Some(bundle.bundle_digest.clone())),
        ("Configuration Digest", bundle.configuration_digest.clone()),
        ("Error", Some(error.to_owned())),
        ("Cause", bundle.error.clone()),
    ])
}

fn installations(bundle: &Bundle) -> String {
    let blocks = bundle.bundle_installations.iter().map(|it| {
        let configuration = it.configuration_file.as_deref().map(path_of);
        labelled([
            ("Host", Some(it.unique_address.host().to_owned())),
            ("Bundle", Some(path_of(&it.bundle_file))),
            ("Bundle configuration", configuration),
        ])
    });
    blocks.collect::<Vec<_>>().join("\n")
}

fn path_of(uri: &str) -> String {
    let path = uri
        .strip_prefix("file://")
        .or_else(|| uri.strip_prefix("file:"));
    path.unwrap_or(uri).to_owned()
}

fn executions(bundle: &Bundle, now: Timestamp) -> String {
    let has_endpoints = bundle
        .bundle_executions
        .iter()
        .any(|it| !it.endpoints.is_empty());
    let common = [
        ("HOST", Align::Left),
        ("PID", Align::Right),
        ("STARTED", Align::Right),
        ("UPTIME", Align::Right),
    ];
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut columns = Vec::new();
    if has_endpoints {
        columns.push(("ENDPOINT", Align::Left));
        columns.extend(common);
        columns.extend([("BIND_PORT", Align::Right), ("HOST_PORT", Align::Right)]);
        for execution in &bundle.bundle_executions {
            for (name, ports) in &execution.endpoints {
                let mut row = vec![name.clone()];
                row.extend(life(execution, now));
                row.extend([ports.bind_port.to_string(), ports.host_port.to_string()]);
                rows.push(row);
            }
        }
    } else {
        columns.extend(common);
        rows.extend(bundle.bundle_executions.iter().map(|it| life(it, now)));
    }
    // By endpoint, or by host: both are the first column.
    rows.sort_by(|a, b| a[..2].cmp(&b[..2]));
    let mut table = Table::new(&columns);
    rows.into_iter().for_each(|row| table.row(row));
    table.text()
}

fn life(execution: &Execution, now: Timestamp) -> Vec<String> {
    let unknown = || "Unknown".to_owned();
    let pid = execution
        .pid
        .filter(|pid| *pid > 0)
        .map(|pid| pid.to_string());
    let started = execution.start_time.as_deref();
    vec![
        execution.host.clone(),
        pid.unwrap_or_else(unknown),
        started.map_or_else(unknown, since),
        started
            .and_then(|it| uptime(it, now))
            .unwrap_or_else(unknown),
    ]
}
