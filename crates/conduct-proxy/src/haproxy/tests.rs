use std::collections::BTreeSet;

use super::template::{Surroundings, Template, fill};
use super::{Settings, render};
use crate::samples::{offer, shop};
use crate::table::Table;

fn settings() -> Settings {
    Settings::at(
        "127.0.10.1".parse().unwrap(),
        "/run/conduct/haproxy.sock".parse().unwrap(),
    )
}

fn rendered(offers: &[crate::Offer]) -> String {
    render(&Table::of(offers, &settings().reserved()), &settings())
}

#[test]
fn a_configuration_reads_like_what_was_asked_for() {
    insta::assert_snapshot!(rendered(&shop()));
}

#[test]
fn nothing_to_expose_is_a_configuration_too() {
    insta::assert_snapshot!(rendered(&[]));
}

#[test]
fn more_instances_are_no_new_shape_and_a_new_rule_is_one() {
    let mut offers = shop();
    let old = rendered(&offers);
    offers[0].servers.push(crate::samples::server(9));
    let new = rendered(&offers);
    assert!(matches!(
        super::change::between(&old, &new),
        super::change::Change::Servers(_)
    ));
    offers.push(offer("other", "web", "path-beg=/other", &[3]));
    assert_eq!(
        super::change::between(&old, &rendered(&offers)),
        super::change::Change::Reload
    );
}

fn filled(template: &str) -> Result<String, String> {
    let template: Template = template.parse().map_err(|error| format!("{error}"))?;
    let (offers, settings) = (shop(), settings());
    let given = Surroundings {
        offers: &offers,
        settings: &settings,
        override_config_dir: "/etc/override",
    };
    fill(&template, given).map_err(|error| error.to_string())
}

#[test]
fn a_template_takes_an_endpoint_out_of_the_default_rules() {
    let text = filled(
        "global\n{{! a comment with }} in it}}\n{{#eachAcls bundles defaultHttpPort=9100}}\n\
         {{#ifAcl 'shop' '1' 'web'}}\nfrontend mine\n  bind {{haproxyHost}}:5444 ssl crt \
         {{overrideConfigDir}}/cert.pem\n  default_backend mine\nbackend mine\n\
         {{#eachBackendServer}}\n  server {{serverName}} {{host}}:{{port}} maxconn 1024\n\
         {{/eachBackendServer}}\n{{/ifAcl}}\n\
         {{#ifAcl bundles 'nobody' '1' 'web'}}never{{else}}otherwise{{/ifAcl}}{{/eachAcls}}\n",
    )
    .unwrap();
    for part in [
        "bind 127.0.10.1:5444 ssl crt /etc/override/cert.pem",
        "  server s-127-0-0-1-10001 127.0.0.1:10001 maxconn 1024",
        "bind 127.0.10.1:9100",
        "otherwise",
        "feed-web-acl-1",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("shop-web-acl"), "{text}");
    assert!(!text.contains("never"), "{text}");
}

#[test]
fn outside_of_each_acls_an_endpoint_keeps_its_default_rules() {
    let text = filled(
        "{{#ifAcl bundles 'shop' '1' 'web'}}yes{{/ifAcl}}{{#eachAcls bundles}}{{/eachAcls}}",
    )
    .unwrap();
    assert!(
        text.starts_with("yes") && text.contains("shop-web-acl-1"),
        "{text}"
    );
}

#[test]
fn a_template_that_listens_nowhere_is_still_a_configuration() {
    assert!(filled("global\n").unwrap().contains("bind 127.0.0.1:65535"));
}

#[test]
fn mistakes_in_a_template_are_told_with_their_line() {
    for (template, message) in [
        ("a\n{{b", "line 2: {{ without }}"),
        (
            "{{#ifAcl 'a' 'b' 'c'}}",
            "line 1: {{#ifAcl}} without {{/ifAcl}}",
        ),
        (
            "{{/ifAcl}}",
            "line 1: {{/ifAcl}} ends nothing that is open here",
        ),
        (
            "{{#eachAcls bundles}}{{/ifAcl}}",
            "line 1: {{/ifAcl}} ends nothing",
        ),
        ("\n\n{{host}}", "line 3: there is no host here"),
        ("{{#each bundles}}{{/each}}", "there is no block each here"),
        ("{{#ifAcl 'a'}}{{/ifAcl}}", "ifAcl takes 'system'"),
        (
            "{{#eachAcls port=1}}{{/eachAcls}}",
            "eachAcls takes bundles",
        ),
        ("{{else}}", "{{/else}} ends nothing"),
    ] {
        let refused = filled(template).unwrap_err();
        assert!(refused.contains(message), "{refused} should say {message}");
    }
    let deep = format!(
        "{}{}",
        "{{#haproxyConf b}}".repeat(20),
        "{{/haproxyConf}}".repeat(20)
    );
    assert!(filled(&deep).unwrap_err().contains("nested"));
}

#[test]
fn no_port_of_the_proxy_itself_is_given_away() {
    let offers = [offer("greedy", "raw", "tcp=9000", &[1])];
    let table = Table::of(&offers, &settings().reserved());
    assert_eq!(table.tcp.len(), 0);
    assert_eq!(
        table.clashes[0].to_string(),
        "port 9000 is the proxy's own and does not go to raw of greedy"
    );
    assert!(render(&table, &settings()).contains("# Left out: port 9000"));
    let reserved = BTreeSet::new();
    assert_eq!(Table::of(&offers, &reserved).tcp.len(), 1);
}
