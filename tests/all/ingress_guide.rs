//! `docs/guide/ingress.md`, example by example.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use conduct_bundle::conf;
use conduct_model::{BundleId, Digest, Wall};
use conduct_proxy::haproxy::Settings;
use conduct_proxy::haproxy::template::{Surroundings, Template, fill};
use conduct_proxy::{Offer, Router, Server, Table};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("it is in the tree")
}

/// What stands between fences: its kind and its text.
fn examples() -> Vec<(String, String)> {
    let guide = read("docs/guide/ingress.md");
    let mut examples = Vec::new();
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            continue;
        };
        let inside = lines.by_ref().take_while(|line| *line != "```");
        let text: Vec<&str> = inside.collect();
        examples.push((kind.to_owned(), text.join("\n")));
    }
    examples
}

/// A bundle with these lines at its endpoint.
fn bundle(name: &str, acls: &str) -> Offer {
    let text = format!(
        "version = \"1\"\nname = {name}\ncompatibility-version = \"1\"\nsystem = {name}\n\
         system-version = \"1\"\nnr-of-cpus = 0.1\nmemory = 64 MiB\ndisk-space = 10 MiB\n\
         roles = [web]\ncomponents {{ web {{ description = \"\", file-system-type = universal, \
         start-command = [run], endpoints {{ web {{ bind-protocol = http, bind-port = 0\n{acls}\n\
         }} }} }} }}\n"
    );
    let reading = conf::read(&text, None);
    let diagnostics = &reading.diagnostics;
    assert!(diagnostics.is_empty(), "{acls}: {diagnostics:?}");
    let descriptor = reading.descriptor.expect("nothing is wrong with it");
    let endpoint = descriptor.endpoint("web").expect("it has one");
    Offer {
        bundle: BundleId::plain(Digest::of(text.as_bytes())),
        name: descriptor.name.clone(),
        system: descriptor.system.clone(),
        since: Wall::default(),
        endpoint: "web".parse().expect("a name"),
        acls: endpoint.acls.clone(),
        servers: vec![Server(([127, 0, 0, 1], 10_001).into())],
    }
}

/// `GET host/path?query -> /seen?query`, or `-> nobody`.
fn ask(table: &Table, line: &str) {
    let (asked, expected) = line.split_once("->").expect("an arrow");
    let (method, uri) = asked.trim().split_once(' ').expect("a method");
    let uri = uri.trim();
    let (host, rest) = uri.split_at(uri.find('/').expect("a path"));
    let (path, query) = rest
        .split_once('?')
        .map_or((rest, ""), |(path, query)| (path, query));
    let host = host.split(':').next().expect("a first piece");
    let found = Router::new(table).find(method, host, path);
    let seen = found.map(|chosen| {
        let path = chosen.path.unwrap_or_else(|| path.to_owned());
        if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        }
    });
    assert_eq!(
        seen.as_deref().unwrap_or("nobody"),
        expected.trim(),
        "{line}"
    );
}

#[test]
fn the_guide_to_the_ingress_is_true() {
    let mut last: Option<Offer> = None;
    let mut counts = [0; 3];
    for (kind, text) in examples() {
        match kind.as_str() {
            "hocon acls" => last = Some(bundle("shop", &text)),
            "requests" => {
                let offer = last.clone().expect("rules come first");
                let table = Table::of(&[offer], &BTreeSet::new());
                text.lines().for_each(|line| ask(&table, line));
                counts[0] += 1;
            }
            "hocon settings" => {
                settings_are_known(&text);
                counts[1] += 1;
            }
            "sh" => variables_are_known(&text),
            "handlebars" => {
                template_is_taken(&text);
                counts[2] += 1;
            }
            other => panic!("no test for {other:?}"),
        }
        if kind == "hocon acls" && text.contains("tcp") {
            let offer = last.clone().expect("just read");
            assert_eq!(Table::of(&[offer], &BTreeSet::new()).tcp.len(), 1);
        }
    }
    assert_eq!(counts, [3, 2, 2], "every kind of example is there");
}

/// Every key of a settings example is one that the reference names.
fn settings_are_known(text: &str) {
    use conduct_hocon::{Document, Limits, Object, Source};
    fn leaves(object: &Object, above: &str, found: &mut Vec<String>) {
        for entry in object.entries() {
            let path = format!("{above}{}", entry.key);
            match entry.value.as_object() {
                Ok(section) => leaves(section, &format!("{path}."), found),
                Err(_) => found.push(path),
            }
        }
    }
    let source = Source::new("the guide", text.to_owned());
    let document = Document::parse(&source, &Limits::default()).expect("it is HOCON");
    let value = document.resolve(&Limits::default()).expect("it is whole");
    let mut paths = Vec::new();
    leaves(value.as_object().expect("settings"), "", &mut paths);
    assert!(!paths.is_empty());
    let reference = read("docs/reference/settings.md");
    for path in paths {
        assert!(
            reference.contains(&format!("| `{path}` |")),
            "there is no setting {path}"
        );
    }
}

/// Every variable of the example is one that the program reads, and so is every one of the table.
fn variables_are_known(text: &str) {
    let program = read("bundles/haproxy/src/settings.rs");
    let exports = text.lines().filter_map(|line| line.strip_prefix("export "));
    let exports = exports.filter_map(|line| line.split('=').next());
    let guide = read("docs/guide/ingress.md");
    let table = guide.split('`').filter(|word| {
        let known = ["HAPROXY_", "STATUS_BIND", "CONDUCTR_"];
        known.iter().any(|begin| word.starts_with(begin))
            && word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    });
    for name in exports.chain(table) {
        assert!(
            program.contains(&format!("\"{name}\"")),
            "nobody reads {name}"
        );
    }
}

/// The template is filled, and HAProxy takes what comes out.
fn template_is_taken(text: &str) {
    let template: Template = text.parse().expect("it is a template");
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["shop.example.com".to_owned()]);
    let made = made.expect("a certificate");
    let pem = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
    std::fs::write(folder.path().join("shop.pem"), pem).expect("written");
    let rules = "acls = [{ http { requests = [{ path-beg = \"/\" }] } }]";
    let offers = ["shop", "blog"].map(|name| bundle(name, rules));
    let socket = folder.path().join("admin.sock").display().to_string();
    let settings = Settings::at([127, 0, 0, 1].into(), socket.parse().expect("a path"));
    let given = Surroundings {
        offers: &offers,
        settings: &settings,
        override_config_dir: folder.path().to_str().expect("a path"),
    };
    let filled = fill(&template, given).expect("it can be filled");
    assert!(
        filled.contains("server s-127-0-0-1-10001 127.0.0.1:10001"),
        "{filled}"
    );
    if without("haproxy") {
        return;
    }
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(filled.as_bytes()).expect("written");
    let output = Command::new("haproxy")
        .args(["-c", "-f"])
        .arg(file.path())
        .output();
    let output = output.expect("needs haproxy: apt-get install haproxy, or CONDUCT_WITHOUT_TOOLS");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{filled}");
}

fn without(tool: &str) -> bool {
    let without = std::env::var("CONDUCT_WITHOUT_TOOLS").unwrap_or_default();
    without.split(',').any(|name| name == tool)
}
