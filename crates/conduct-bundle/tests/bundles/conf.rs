//! What a right `bundle.conf` comes to.

use conduct_bundle::conf::{Conf, ConfKind, Rules, read, read_configuration};
use conduct_model::{
    Annotation, BindProtocol, Descriptor, FileSystemType, HttpRule, Needed, OnQuarantine,
    PathMatch, Role, Span, Tag, Target,
};

/// The least that a bundle says.
pub(crate) const LEAST: &str = r#"
version = "1"
name = shop
compatibility-version = "1"
system = shop
system-version = "1"
nr-of-cpus = 0.1
memory = 384 MiB
disk-space = 200 MiB
roles = [web]
components {
  shop {
    description = ""
    file-system-type = universal
    start-command = ["shop/bin/shop"]
  }
}
"#;

/// All that a bundle can say.
pub(crate) const EVERYTHING: &str = r#"
version = 1.1.0
name = "friend-impl"
compatibility-version = 1
system = friends
system-version = "2.0"
nr-of-cpus = "1.5"
memory = "1342701568"
disk-space = 1e9
roles = [web, db, web]
tags = ["1.4.0", latest, "1.4.0"]
annotations { com.example { team = shop, size = 1.10, on = true, none = null, l = [1, {a = b}] } }
exclusive = true
max-per-node = 3
stop-grace = 10 s
start-timeout = 2 minutes
secrets = [DATABASE_PASSWORD, TOKEN]
components {
  friend {
    description = "who knows whom"
    file-system-type = universal
    start-command = ["friend/bin/friend", "-J-Xmx128m", "$(hostname)", "$FRIEND_BIND_PORT"]
    endpoints {
      friend-api {
        bind-protocol = http, bind-port = 0, service-name = friendservice
        acls = [
          { http { requests = [
            { path = "/health" }
            { path-beg = /friends, method = get, rewrite = "/" }
            { path-regex = "^/u/(.*)/f/(.*)$", rewrite = "/x/\\1-\\2" }
          ] } }
          { tcp { requests = [3303, 12101] }, udp { requests = [53] } }
        ]
      }
    }
  }
  cache {
    description = "", file-system-type = docker, start-command = []
    endpoints { redis { bind-protocol = tcp, bind-port = 6379 } }
    volumes { data = /data }
  }
}
components.friend-status {
  description = "", file-system-type = universal, endpoints {}
  start-command = [check, --any-address, "docker+$REDIS_HOST?retry-count=6&retry-delay=10"]
  liveness { interval = 5 s, failures = 2 }
}
"#;

fn right(conf: &str, overlay: Option<&str>) -> Descriptor {
    let reading = read(conf, overlay);
    let problems: Vec<String> = reading
        .diagnostics
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
    reading.descriptor.unwrap()
}

#[test]
fn the_least_that_a_bundle_says_is_enough() {
    let shop = right(LEAST, None);
    assert_eq!(shop.name.as_str(), "shop");
    assert_eq!(shop.system.to_string(), "shop@1");
    assert_eq!(shop.resources.cpu_millis, 100);
    assert_eq!(shop.resources.memory_bytes, 402_653_184);
    assert_eq!(shop.max_per_node.get(), 1);
    assert_eq!(
        (shop.exclusive, shop.on_quarantine),
        (false, OnQuarantine::Stop)
    );
    assert_eq!((shop.stop_grace, shop.start_timeout), (None, None));
    assert!(shop.tags.is_empty() && shop.annotations.is_empty() && shop.secrets.is_empty());
    assert_eq!(shop.endpoints().count(), 0);
}

#[test]
fn everything_that_a_bundle_can_say_arrives() {
    let all = right(EVERYTHING, None);
    assert_eq!(all.version.as_str(), "1.1.0");
    assert_eq!(all.compatibility_version.as_str(), "1");
    assert_eq!(all.resources.cpu_millis, 1500);
    assert_eq!(all.resources.memory_bytes, 1_342_701_568);
    assert_eq!(all.resources.disk_bytes, 1_000_000_000);
    assert_eq!(all.roles.len(), 2);
    assert_eq!(
        all.tags.iter().map(Tag::as_str).collect::<Vec<_>>(),
        ["1.4.0", "latest"]
    );
    assert_eq!((all.exclusive, all.max_per_node.get()), (true, 3));
    assert_eq!(all.stop_grace, Some(Span::secs(10)));
    assert_eq!(all.start_timeout, Some(Span::secs(120)));
    assert_eq!(all.secrets.len(), 2);
    let size = Annotation::find(&all.annotations, &["com", "example", "size"]);
    assert_eq!(size, Some(&Annotation::Number("1.10".to_owned())));

    let friend = &all.components["friend"];
    assert_eq!(friend.start_command.len(), 4);
    let api = all.endpoint("friend-api").unwrap();
    assert_eq!((api.bind_protocol, api.bind_port), (BindProtocol::Http, 0));
    assert_eq!(api.service_name.as_ref().unwrap().as_str(), "friendservice");
    assert_eq!(api.acls[1].tcp[1].get(), 12101);
    assert_eq!(api.acls[1].udp[0].get(), 53);
    let rules: &[HttpRule] = &api.acls[0].http;
    assert!(matches!(rules[0].matcher(), PathMatch::Exact(path) if path.as_str() == "/health"));
    assert!(matches!(rules[1].matcher(), PathMatch::Prefix(path) if path.as_str() == "/friends"));
    assert_eq!(rules[1].method().unwrap().as_str(), "GET");
    assert_eq!(rules[2].rewrite().unwrap().as_str(), "/x/\\1-\\2");

    assert_eq!(
        all.components["cache"].file_system_type,
        FileSystemType::Docker
    );
    assert_eq!(all.components["cache"].volumes["data"].as_str(), "/data");
    let (name, check, liveness) = all.liveness().next().unwrap();
    assert_eq!(name.as_str(), "friend-status");
    assert_eq!(check.needed, Needed::Any);
    assert_eq!((liveness.interval, liveness.failures), (Span::secs(5), 2));
    assert_eq!(
        check.addresses[0].target,
        Target::Variable("REDIS_HOST".parse().unwrap())
    );
    assert!(check.addresses[0].after_docker);
    assert_eq!(all.main_components().count(), 2);
}

#[test]
fn old_spellings_are_understood() {
    let conf = r#"
        version = "1", name = shop, system = shop, roles = [], memory = 1, systemVersion = "1"
        compatibilityVersion = "1", nrOfCpus = 0.1, diskSpace = 1
        components.shop {
          description = "", file-system-type = universal, start-command = [bin/shop]
          endpoints.web { protocol = http, bind-port = 0, services = [] }
        }
    "#;
    let shop = right(conf, None);
    assert_eq!(shop.resources.cpu_millis, 100);
    assert_eq!(
        shop.endpoint("web").unwrap().bind_protocol,
        BindProtocol::Http
    );
}

#[test]
fn an_overlay_wins_in_whatever_spelling() {
    let old = right(LEAST, Some("nrOfCpus = 2, compatibilityVersion = \"7\""));
    assert_eq!(old.resources.cpu_millis, 2000);
    assert_eq!(old.compatibility_version.as_str(), "7");

    let conf = LEAST.replace("nr-of-cpus", "nrOfCpus");
    assert_eq!(
        right(&conf, Some("nr-of-cpus = 3")).resources.cpu_millis,
        3000
    );

    let both = format!("{LEAST}\nnrOfCpus = 5");
    assert_eq!(
        right(&both, None).resources.cpu_millis,
        100,
        "today's spelling within one text"
    );
    assert_eq!(
        right(&both, Some("nrOfCpus = 6")).resources.cpu_millis,
        6000
    );
}

#[test]
fn an_overlay_merges_objects_and_replaces_all_else() {
    let overlay = r#"
        roles = [db]
        tags += prod
        components.shop.endpoints.web { bind-protocol = tcp, bind-port = 9000 }
        components.shop.description = "of "${name}
    "#;
    let conf = format!("{LEAST}\ntags = [\"1.0\"]");
    let shop = right(&conf, Some(overlay));
    assert_eq!(
        shop.roles.iter().map(Role::as_str).collect::<Vec<_>>(),
        ["db"]
    );
    assert_eq!(shop.tags.len(), 2);
    assert_eq!(
        shop.components["shop"].start_command[0].as_str(),
        "shop/bin/shop"
    );
    assert_eq!(shop.components["shop"].description, "of shop");
    assert_eq!(shop.endpoint("web").unwrap().bind_port, 9000);
}

#[test]
fn an_overlay_takes_away_with_null() {
    let conf = format!(
        "{LEAST}\nexclusive = true\ncomponents.extra {{ description = \"\", file-system-type = universal, start-command = [x] }}"
    );
    let shop = right(&conf, Some("exclusive = null, components.extra = null"));
    assert!(!shop.exclusive);
    assert_eq!(shop.components.len(), 1);
}

#[test]
fn a_configuration_need_not_say_everything() {
    for conf in [
        "",
        "{}",
        "memory = 1 GiB",
        "components.shop.start-command = [bin/other]",
    ] {
        let reading = read_configuration(conf);
        assert!(
            reading.diagnostics.is_empty(),
            "{conf}: {:?}",
            reading.diagnostics
        );
        assert!(reading.descriptor.is_none());
    }
    assert_eq!(read_configuration("memory = much").errors().count(), 1);
}

#[test]
fn what_may_be_missing_is_not_missed() {
    let rules = Rules {
        allow_missing: true,
        ..Rules::default()
    };
    let reading = Conf::parse("name = shop", None).unwrap().read(&rules);
    assert!(reading.diagnostics.is_empty() && reading.descriptor.is_none());
    let rules = Rules {
        kind: ConfKind::Configuration,
        allow_unknown: true,
        ..Rules::default()
    };
    assert!(
        Conf::parse("nome = shop", None)
            .unwrap()
            .read(&rules)
            .diagnostics
            .is_empty()
    );
}

#[test]
fn the_merged_text_reads_back_and_has_what_clients_rely_on() {
    let overlay = "nrOfCpus = 2, annotations.a.b = \"x\\\\\\\"y\"";
    let conf = Conf::parse(LEAST, Some(overlay)).unwrap();
    let text = conf.render();
    assert!(text.contains("nr-of-cpus = 2\n"), "{text}");
    assert!(text.contains("endpoints {}"), "{text}");
    assert!(!text.contains("nrOfCpus"), "{text}");
    assert_eq!(
        read(&text, None).descriptor,
        read(LEAST, Some(overlay)).descriptor
    );

    let partial = Conf::parse("components.shop {}", None).unwrap().render();
    for key in [
        "description = \"\"",
        "file-system-type",
        "start-command = []",
        "endpoints {}",
    ] {
        assert!(partial.contains(key), "{partial}");
    }
}

#[test]
fn privileges_are_for_those_who_run_the_host() {
    let docker = |words: &str| {
        format!(
            "components.db {{ description = \"\", file-system-type = docker, start-command = [dockerArgs, {words}] }}"
        )
    };
    assert!(
        read(&format!("{LEAST}{}", docker("-v, \"data:/x\"")), None)
            .diagnostics
            .is_empty()
    );

    let own = read(&format!("{LEAST}{}", docker("-v, \"/:/host\"")), None);
    assert!(own.descriptor.is_none());
    assert_eq!(own.privileges[0].option, "-v /:/host");
    assert!(!own.privileges[0].by_configuration);

    let laid = read(
        &format!("{LEAST}{}", docker("")),
        Some("components.db.start-command = [dockerArgs, --privileged]"),
    );
    assert!(laid.descriptor.is_some(), "{:?}", laid.diagnostics);
    assert!(laid.privileges[0].by_configuration);
}
