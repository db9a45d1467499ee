//! `conduct info`.

use conduct_client::answers::{Bundle, License};
use jiff::Timestamp;

use super::bundles::value;
use super::flags::Form;
use super::session::Session;
use super::table::{Align, Table};
use super::text::{plain, short_id};
use super::{bundles, info_one};
use crate::exit::{Exit, Failure};

/// List bundles and how many of each there are, or show everything of one
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which bundle [default: all]
    bundle: Option<String>,
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    match &args.bundle {
        Some(reference) => one(reference, session).await,
        None => all(session).await,
    }
}

async fn all(session: &mut Session<'_>) -> Result<Exit, Failure> {
    let wants_license = !session.is_quiet() && session.looks.output == Form::Table;
    let (list, license) = tokio::join!(session.client.bundles(), async {
        match wants_license {
            // Where there is none, or no such thing, there is nothing to show.
            true => session.client.license().await.ok().map(|it| it.value),
            false => None,
        }
    });
    let list = list.map_err(|error| session.failure(error))?;
    session.heard(&list)?;
    let list = list.value;
    let (long, is_quiet) = (session.looks.long_ids, session.is_quiet());
    session.show(
        || {
            if is_quiet {
                return list
                    .iter()
                    .map(|it| format!("{}\n", marked(it, long)))
                    .collect();
            }
            let license = license.map(|it| license_block(&it, Timestamp::now()));
            format!("{}{}", license.unwrap_or_default(), table(&list, long))
        },
        || list.iter().map(value).collect(),
        || list.iter().map(|it| it.bundle_id.clone()).collect(),
    )?;
    if let Some(failed) = list.iter().find(|it| it.has_error) {
        let id = short_id(&failed.bundle_id);
        let events = session.command(&format!("events {id}"));
        let logs = session.command(&format!("logs {id}"));
        session.instruct(format_args!(
            "Something failed, see: {events}   or   {logs}"
        ));
    }
    Ok(Exit::Done)
}

async fn one(reference: &str, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let list = session.client.bundles().await;
    let list = list.map_err(|error| session.failure(error))?;
    let at = bundles::find(&list.value, reference);
    let at = at.map_err(|missed| session.missed(reference, &missed))?;
    let bundle = list.value[at].clone();
    let raw = serde_json::from_slice::<Vec<serde_json::Value>>(&list.text);
    let raw = raw.ok().and_then(|raw| raw.into_iter().nth(at));
    if let Some(raw) = raw {
        session.heard(&conduct_client::Answered {
            value: (),
            text: raw.to_string().into(),
        })?;
    }
    let long = session.looks.long_ids;
    session.show(
        || info_one::text(&bundle, long, Timestamp::now()),
        || value(&bundle),
        || vec![bundle.bundle_id.clone()],
    )?;
    Ok(Exit::Done)
}

fn marked(bundle: &Bundle, long: bool) -> String {
    let id = if long {
        plain(&bundle.bundle_id)
    } else {
        short_id(&bundle.bundle_id)
    };
    if bundle.has_error {
        format!("! {id}")
    } else {
        id
    }
}

/// All bundles, a row each.
pub(crate) fn table(list: &[Bundle], long: bool) -> String {
    // Servers that know no tags are shown with versions instead, all of it.
    let has_tags = list.iter().all(|it| it.attributes.tags.is_some());
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("NAME", Align::Left),
        (if has_tags { "TAG" } else { "VER" }, Align::Right),
        ("#REP", Align::Right),
        ("#STR", Align::Right),
        ("#RUN", Align::Right),
        ("ROLES", Align::Left),
    ]);
    for bundle in list {
        let tag = if has_tags {
            bundle.tag().unwrap_or_default().to_owned()
        } else {
            let version = bundle.attributes.compatibility_version.as_deref();
            version
                .map(|version| format!("v{version}"))
                .unwrap_or_default()
        };
        let mut roles = bundle.attributes.roles.clone();
        roles.sort_unstable();
        let running = bundle.started();
        table.row([
            marked(bundle, long),
            bundle.name().to_owned(),
            tag,
            bundle.bundle_installations.len().to_string(),
            (bundle.bundle_executions.len() - running).to_string(),
            running.to_string(),
            roles.join(", "),
        ]);
    }
    table.text()
}

fn license_block(license: &License, now: Timestamp) -> String {
    let mut rows = Vec::new();
    let mut add = |label: &str, value: String| {
        if !value.is_empty() {
            rows.push(format!("{label}: {}\n", plain(&value)));
        }
    };
    add("Licensed To", license.user.clone().unwrap_or_default());
    let agents = license.max_conductr_agents;
    add(
        "Max ConductR agents",
        agents.map(|it| it.to_string()).unwrap_or_default(),
    );
    add(
        "Expires In",
        license
            .expires
            .as_deref()
            .map(|it| expiry(it, now))
            .unwrap_or_default(),
    );
    add("ConductR Version(s)", license.conductr_versions.join(", "));
    add("Grants", license.grants.join(", "));
    let head = if license.is_licensed {
        ""
    } else {
        "UNLICENSED - please load a licence\n"
    };
    format!("{head}{}\n", rows.concat())
}

fn expiry(text: &str, now: Timestamp) -> String {
    let Ok(expires) = text.parse::<Timestamp>() else {
        return text.to_owned();
    };
    const DAY_SECONDS: i64 = 86_400;
    let date = text.split('T').next().unwrap_or(text);
    let left = expires.as_second() - now.as_second();
    let left = match left {
        ..0 => "Expired".to_owned(),
        0..DAY_SECONDS => "Today".to_owned(),
        _ => format!("{} days", left / DAY_SECONDS),
    };
    format!("{left} ({date})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bundle(value: serde_json::Value) -> Bundle {
        serde_json::from_value(value).expect("a bundle")
    }

    #[test]
    fn versions_stand_in_for_tags_as_soon_as_one_has_none() {
        let tagged = bundle(json!({
            "bundleId": "0123456789", "hasError": true,
            "attributes": {"bundleName": "a", "tags": ["1.0", "x"], "compatibilityVersion": "1",
                "roles": ["web", "data"]},
            "bundleExecutions": [{"isStarted": true}, {"isStarted": false}],
            "bundleInstallations": [{}, {}],
        }));
        let untagged = bundle(json!({
            "bundleId": "1111111222", "attributes": {"bundleName": "b", "compatibilityVersion": "2"},
        }));
        let with_tags = table(std::slice::from_ref(&tagged), false);
        let expected = "ID         NAME  TAG  #REP  #STR  #RUN  ROLES\n\
                        ! 0123456  a     1.0     2     1     1  data, web\n";
        assert_eq!(with_tags, expected);
        let without = table(&[tagged, untagged], false);
        assert_eq!(without.lines().count(), 3);
        assert!(
            without.starts_with("ID         NAME  VER  #REP"),
            "{without}"
        );
        assert_eq!(
            table(&[], false),
            "ID  NAME  TAG  #REP  #STR  #RUN  ROLES\n"
        );
    }

    #[test]
    fn a_licence_is_shown_without_what_it_does_not_say() {
        let license: License = serde_json::from_value(json!({
            "isLicensed": true, "user": "me", "expires": "2030-01-10T00:00:00Z", "grants": ["a", "b"],
        }))
        .expect("a licence");
        let now: Timestamp = "2030-01-07T10:00:00Z".parse().expect("a moment");
        let expected = "Licensed To: me\nExpires In: 2 days (2030-01-10)\nGrants: a, b\n\n";
        assert_eq!(license_block(&license, now), expected);
        let none: License = serde_json::from_value(json!({"isLicensed": false})).expect("none");
        assert!(license_block(&none, now).starts_with("UNLICENSED"));
    }
}
