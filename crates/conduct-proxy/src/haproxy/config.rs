//! The configuration, section by section.

use std::fmt::Write;
use std::net::SocketAddr;

use conduct_model::{HttpRule, PathMatch, Rewrite, RewritePart};

use super::names::{Names, RouteNames, server_name};
use super::quote::{as_regex, quoted, without_variables};
use super::{Credentials, Settings};
use crate::offer::Server;
use crate::table::{Clash, HttpRoute, Table, TcpRoute};

/// What a server takes at a time; more wait.
const SERVER_CONNECTIONS_MAX: u32 = 1024;

/// The whole configuration for a table.
pub fn render(table: &Table, settings: &Settings) -> String {
    format!(
        "{}{}{}",
        head(settings),
        rules(table, settings),
        stats(settings)
    )
}

/// The sections that come from the cluster: what is reached, and where.
pub(crate) fn rules(table: &Table, settings: &Settings) -> String {
    let names = Names::of(table);
    let mut text = String::new();
    for clash in &table.clashes {
        text.push_str(&comment(clash));
    }
    text.push_str(&userlists(table, settings, &names));
    text.push_str(&http_frontend(table, settings, &names));
    text.push_str(&http_backends(table, settings, &names));
    text.push_str(&tcp(table, settings, &names));
    text
}

/// What every configuration begins with.
fn head(settings: &Settings) -> String {
    format!(
        "# Written from the state of the cluster. What is changed here by hand does not last.

global
    log stdout format raw local0 info
    fd-hard-limit {max}
    stats socket {socket} mode 600 level admin expose-fd listeners
    hard-stop-after 60s
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
    ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20
    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256

defaults
    mode http
    log global
    option dontlognull
    timeout connect 5s
    timeout client 50s
    timeout server 50s
    timeout queue 5s
    timeout http-request 10s
    timeout http-keep-alive 50s
    timeout client-fin 10s
    timeout tunnel 1h
    # One more try, and at another server.
    retries 1
    option redispatch 1
    balance roundrobin

",
        max = settings.descriptors_max,
        socket = quoted(settings.admin_socket.as_str()),
    )
}

fn comment(clash: &Clash) -> String {
    format!("# Left out: {clash}\n")
}

fn userlists(table: &Table, settings: &Settings, names: &Names) -> String {
    let mut text = String::new();
    for (owner, users) in &settings.protected {
        let Some(list) = names.userlists.get(owner) else {
            continue;
        };
        if table.http.iter().any(|route| route.owner == *owner) {
            line(&mut text, format_args!("userlist {list}"));
            for user in users {
                line(&mut text, format_args!("    {}", user_line(user)));
            }
            text.push('\n');
        }
    }
    text
}

fn user_line(credentials: &Credentials) -> String {
    let Credentials { user, password } = credentials;
    let keyword = credentials.keyword();
    format!(
        "user {} {keyword} {}",
        quoted(user.as_str()),
        quoted(password.as_str())
    )
}

fn http_frontend(table: &Table, settings: &Settings, names: &Names) -> String {
    let mut text = String::from("frontend default-http-frontend\n");
    let accept = if settings.accept_proxy {
        " accept-proxy"
    } else {
        ""
    };
    let http = SocketAddr::new(settings.bind_host, settings.http_port.get());
    line(&mut text, format_args!("    bind {http}{accept}"));
    if let Some(tls) = &settings.tls {
        let https = SocketAddr::new(settings.bind_host, tls.port.get());
        let file = quoted(tls.certificate.as_str());
        line(
            &mut text,
            format_args!("    bind {https} ssl crt {file} alpn h2,http/1.1{accept}"),
        );
    }
    text.push_str("    option httplog\n");
    // A client that asks once more on its connection while the file is loaded anew gets its answer.
    text.push_str("    option idle-close-on-response\n");
    text.push_str("    http-request return status 405 if METH_CONNECT\n");
    text.push_str(&forwarded(settings.trust_forwarded));
    text.push('\n');
    for (route, names) in table.http.iter().zip(&names.http) {
        text.push_str(&rule(route, names));
    }
    text.push_str("    default_backend no-route\n\n");
    text.push_str(
        "backend no-route\n    http-request return status 404 content-type text/plain string \
         'nothing here answers this request'\n\n",
    );
    text
}

/// Tells back ends who called, and whether that is believed or known.
fn forwarded(trusted: bool) -> String {
    let mut text = String::new();
    if trusted {
        text.push_str("    option forwardfor\n");
    } else {
        for header in ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"] {
            line(
                &mut text,
                format_args!("    http-request del-header {header}"),
            );
        }
        text.push_str("    http-request del-header X-Forwarded-Port\n");
        text.push_str("    http-request del-header Forwarded\n");
        text.push_str("    http-request set-header X-Forwarded-For %[src]\n");
    }
    let settings = [
        ("X-Forwarded-Proto https", "{ ssl_fc }"),
        ("X-Forwarded-Proto http", "!{ ssl_fc }"),
        (
            "X-Forwarded-Host %[req.hdr(host)]",
            "{ req.hdr(host) -m found }",
        ),
        ("X-Forwarded-Port %[dst_port]", "TRUE"),
    ];
    for (setting, condition) in settings {
        let name = setting.split(' ').next().unwrap_or_default();
        let absent = format!("!{{ req.hdr({name}) -m found }}");
        line(
            &mut text,
            format_args!("    http-request set-header {setting} if {condition} {absent}"),
        );
    }
    text
}

fn rule(route: &HttpRoute, names: &RouteNames) -> String {
    let mut text = String::new();
    let RouteNames { acl, backend } = names;
    let asked = crate::table::Requests(&route.rule);
    line(
        &mut text,
        format_args!("    # {asked} goes to {}", route.owner),
    );
    let mut conditions = vec![format!("{acl}-path")];
    let path = match route.rule.matcher() {
        PathMatch::Exact(path) => format!("path -- {}", quoted(path.as_str())),
        PathMatch::Prefix(path) => format!("path_beg -- {}", quoted(path.as_str())),
        PathMatch::Regex(regex) => format!("path_reg -- {}", quoted(regex.as_str())),
    };
    line(&mut text, format_args!("    acl {acl}-path {path}"));
    if let Some(host) = route.rule.host() {
        let (how, name) = host
            .suffix()
            .map_or(("str", host.as_str()), |end| ("end", end));
        let name = quoted(name);
        line(
            &mut text,
            format_args!("    acl {acl}-host req.hdr(host),field(1,:),lower -m {how} -- {name}"),
        );
        conditions.push(format!("{acl}-host"));
    }
    if let Some(method) = route.rule.method() {
        let method = quoted(method.as_str());
        line(
            &mut text,
            format_args!("    acl {acl}-method method -- {method}"),
        );
        conditions.push(format!("{acl}-method"));
    }
    let conditions = conditions.join(" ");
    line(
        &mut text,
        format_args!("    use_backend {backend} if {conditions}"),
    );
    text.push('\n');
    text
}

fn http_backends(table: &Table, settings: &Settings, names: &Names) -> String {
    let mut text = String::new();
    for (route, RouteNames { backend, .. }) in table.http.iter().zip(&names.http) {
        line(&mut text, format_args!("backend {backend}"));
        let list = settings.protected.contains_key(&route.owner);
        if let Some(list) = names.userlists.get(&route.owner).filter(|_| list) {
            line(
                &mut text,
                format_args!("    http-request auth realm {list} unless {{ http_auth({list}) }}"),
            );
        }
        text.push_str(RETRY);
        text.push_str(&rewriting(&route.rule));
        for Server(address) in &route.servers {
            server(&mut text, *address, "");
        }
        text.push('\n');
    }
    text
}

/// What cannot have had an effect may be tried again; whatever could not be sent, in any case.
const RETRY: &str = "    retry-on conn-failure empty-response
    http-request disable-l7-retry unless { method GET HEAD OPTIONS TRACE PUT DELETE }
";

fn rewriting(rule: &HttpRule) -> String {
    let Some(to) = rule.rewrite() else {
        return String::new();
    };
    let mut text = String::new();
    match rule.matcher() {
        PathMatch::Exact(_) => {
            let to = quoted(&without_variables(to.as_str()));
            line(&mut text, format_args!("    http-request set-path {to}"));
        }
        PathMatch::Prefix(begin) => {
            // Where both sides have the slash between them, one is left.
            let slash = if to.as_str().ends_with('/') { "/?" } else { "" };
            let from = quoted(&format!("^{}{slash}(.*)$", as_regex(begin.as_str())));
            let to = quoted(&format!("{}\\1", without_variables(to.as_str())));
            line(
                &mut text,
                format_args!("    http-request replace-path {from} {to}"),
            );
        }
        PathMatch::Regex(regex) => {
            // The whole path is replaced, whatever part of it the expression found.
            let from = quoted(&format!("^.*?(?:{regex}).*$"));
            let is_whole = to.as_str().starts_with('/');
            let slash = if is_whole { "" } else { "/" };
            let filled = quoted(&format!("{slash}{}", filled(to)));
            line(
                &mut text,
                format_args!("    http-request replace-path {from} {filled}"),
            );
            if !is_whole {
                // The group may have had the slash already.
                text.push_str("    http-request replace-path '^//(.*)$' '/\\1'\n");
            }
        }
    }
    text
}

fn filled(to: &Rewrite) -> String {
    let part = |part: RewritePart<'_>| match part {
        RewritePart::Text(text) => without_variables(text),
        RewritePart::Group(number) => format!("\\{number}"),
    };
    to.parts().map(part).collect()
}

fn tcp(table: &Table, settings: &Settings, names: &Names) -> String {
    let mut text = String::new();
    for (port, TcpRoute { owner, servers }) in &table.tcp {
        let backend = &names.tcp[port];
        let accept = if settings.accept_proxy {
            " accept-proxy"
        } else {
            ""
        };
        let send = if settings.send_proxy.contains(port) {
            " send-proxy-v2"
        } else {
            ""
        };
        let at = SocketAddr::new(settings.bind_host, port.get());
        let lines = [
            format!("# port {port} goes to {owner}"),
            format!("frontend tcp-{port}"),
            "    mode tcp".to_owned(),
            "    option tcplog".to_owned(),
            "    timeout client 1h".to_owned(),
            format!("    bind {at}{accept}"),
            format!("    default_backend {backend}"),
            String::new(),
            format!("backend {backend}"),
            "    mode tcp".to_owned(),
            "    timeout server 1h".to_owned(),
        ];
        for words in lines {
            line(&mut text, format_args!("{words}"));
        }
        for Server(address) in servers {
            server(&mut text, *address, send);
        }
        text.push('\n');
    }
    text
}

fn server(text: &mut String, address: SocketAddr, more: &str) {
    let name = server_name(address);
    let address = SocketAddr::new(address.ip().to_canonical(), address.port());
    line(
        text,
        format_args!("    server {name} {address} maxconn {SERVER_CONNECTIONS_MAX}{more}"),
    );
}

fn stats(settings: &Settings) -> String {
    settings.stats.map_or_else(String::new, |at| {
        format!("frontend statistics\n    bind {at}\n    stats enable\n    stats uri /\n    stats refresh 10s\n")
    })
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    writeln!(text, "{words}").expect("a text takes every line");
}
