//! From parts to a configuration.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use super::{Argument, Block, Part, Template, TemplateError};
use crate::haproxy::names::server_name;
use crate::haproxy::{Settings, config};
use crate::offer::{Offer, Server};
use crate::table::Table;

const BLOCKS: &str = "eachAcls, ifAcl, eachBackendServer and haproxyConf";
const NAMES: &str = "haproxyHost, overrideConfigDir and adminSocket, serviceFrontends and \
                     serviceBackends in haproxyConf, serverName, host and port in eachBackendServer";

/// What a template is filled with.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// What the cluster offers.
    pub offers: &'a [Offer],
    /// What the operator says.
    pub settings: &'a Settings,
    /// The folder of the unpacked configuration.
    pub override_config_dir: &'a str,
}

/// What names an endpoint in a template.
type Identity = (String, String, String);

struct Filler<'a> {
    given: Surroundings<'a>,
    text: String,
    /// Endpoints that the `eachAcls` around here has handled, if there is one around.
    handled: Option<BTreeSet<Identity>>,
    /// Instances of the `ifAcl` around here.
    servers: Option<Vec<Server>>,
    /// The one that `eachBackendServer` is at.
    server: Option<Server>,
    in_services: bool,
}

/// Fills a template.
pub fn fill(template: &Template, given: Surroundings<'_>) -> Result<String, TemplateError> {
    let mut filler = Filler {
        given,
        text: String::new(),
        handled: None,
        servers: None,
        server: None,
        in_services: false,
    };
    filler.parts(&template.parts)?;
    Ok(with_a_listener(filler.text))
}

/// HAProxy refuses to run without anything to listen on.
fn with_a_listener(mut text: String) -> String {
    let mut begins = text.lines().map(|line| line.split_whitespace().next());
    if !begins.any(|word| matches!(word, Some("frontend" | "listen"))) {
        text.push_str("\nfrontend nothing-to-expose-yet\n    bind 127.0.0.1:65535\n");
    }
    text
}

impl Filler<'_> {
    fn parts(&mut self, parts: &[Part]) -> Result<(), TemplateError> {
        for part in parts {
            match part {
                Part::Text(text) => self.text.push_str(text),
                Part::Name { line, name } => self.name(*line, name)?,
                Part::Block(block) => self.block(block)?,
            }
        }
        Ok(())
    }

    fn name(&mut self, line: usize, name: &str) -> Result<(), TemplateError> {
        let settings = self.given.settings;
        let value = match (name, self.server) {
            ("haproxyHost", _) => settings.bind_host.to_string(),
            ("overrideConfigDir", _) => self.given.override_config_dir.to_owned(),
            ("adminSocket", _) => settings.admin_socket.to_string(),
            ("serverName", Some(Server(address))) => server_name(address),
            ("host", Some(Server(address))) => address.ip().to_canonical().to_string(),
            ("port", Some(Server(address))) => address.port().to_string(),
            ("serviceFrontends" | "serviceBackends", _) if self.in_services => String::new(),
            _ => {
                return Err(TemplateError::Unknown {
                    line,
                    found: name.to_owned(),
                    known: NAMES,
                });
            }
        };
        self.text.push_str(&value);
        Ok(())
    }

    fn block(&mut self, block: &Block) -> Result<(), TemplateError> {
        match block.helper.as_str() {
            "eachAcls" => self.each_acls(block),
            "ifAcl" => self.if_acl(block),
            "eachBackendServer" => self.each_backend_server(block),
            "haproxyConf" => {
                let before = std::mem::replace(&mut self.in_services, true);
                self.parts(&block.body)?;
                self.in_services = before;
                Ok(())
            }
            other => Err(TemplateError::Unknown {
                line: block.line,
                found: format!("block {other}"),
                known: BLOCKS,
            }),
        }
    }

    fn each_acls(&mut self, block: &Block) -> Result<(), TemplateError> {
        let wrong = || TemplateError::Arguments {
            line: block.line,
            helper: block.helper.clone(),
            takes: "bundles, defaultHttpPort=<port>",
        };
        let mut settings = self.given.settings.clone();
        for (option, value) in &block.options {
            let (Argument::Text(value) | Argument::Name(value)) = value;
            match option.as_str() {
                "defaultHttpPort" => settings.http_port = value.parse().map_err(|_| wrong())?,
                _ => return Err(wrong()),
            }
        }
        if block.arguments.len() > 1 || self.handled.is_some() {
            return Err(wrong());
        }
        self.handled = Some(BTreeSet::new());
        self.parts(&block.body)?;
        let handled = self.handled.take().unwrap_or_default();
        let rest: Vec<Offer> = self
            .given
            .offers
            .iter()
            .filter(|offer| !handled.contains(&identity(offer)))
            .cloned()
            .collect();
        let reserved: BTreeSet<NonZeroU16> = settings.reserved();
        let table = Table::of(&rest, &reserved);
        self.text.push('\n');
        self.text.push_str(&config::rules(&table, &settings));
        Ok(())
    }

    fn if_acl(&mut self, block: &Block) -> Result<(), TemplateError> {
        let mut arguments = block.arguments.as_slice();
        if let [Argument::Name(name), rest @ ..] = arguments
            && name == "bundles"
        {
            arguments = rest;
        }
        let [system, version, endpoint] = arguments else {
            return Err(TemplateError::Arguments {
                line: block.line,
                helper: block.helper.clone(),
                takes: "'system' 'system version' 'endpoint', each in quotes",
            });
        };
        let text = |argument: &Argument| match argument {
            Argument::Text(text) | Argument::Name(text) => text.clone(),
        };
        let asked = (text(system), text(version), text(endpoint));
        let offers = self.given.offers.iter();
        let fitting = offers.filter(|offer| identity(offer) == asked);
        let servers: BTreeSet<Server> = fitting.flat_map(|offer| offer.servers.clone()).collect();
        if servers.is_empty() {
            return self.parts(&block.otherwise);
        }
        if let Some(handled) = &mut self.handled {
            handled.insert(asked);
        }
        let servers = Some(servers.into_iter().collect());
        let before = std::mem::replace(&mut self.servers, servers);
        self.parts(&block.body)?;
        self.servers = before;
        Ok(())
    }

    fn each_backend_server(&mut self, block: &Block) -> Result<(), TemplateError> {
        let Some(servers) = self.servers.clone() else {
            return Err(TemplateError::Unknown {
                line: block.line,
                found: "eachBackendServer outside of ifAcl".to_owned(),
                known: BLOCKS,
            });
        };
        for server in servers {
            self.server = Some(server);
            self.parts(&block.body)?;
        }
        self.server = None;
        Ok(())
    }
}

fn identity(offer: &Offer) -> Identity {
    (
        offer.system.name.as_str().to_owned(),
        offer.system.version.as_str().to_owned(),
        offer.endpoint.to_string(),
    )
}
