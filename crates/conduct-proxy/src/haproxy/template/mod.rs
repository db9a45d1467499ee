//! An operator's own configuration, with places for what the cluster knows.
//!
//! The language is a part of Handlebars: `{{name}}` and `{{{name}}}`, blocks with `{{else}}`,
//! comments, `~` beside a brace to take the blanks there away, `\{{` for the braces themselves.
//!
//! | in a template | becomes |
//! |---|---|
//! | `{{haproxyHost}}` | the address that the proxy listens on |
//! | `{{overrideConfigDir}}` | the folder of the unpacked configuration |
//! | `{{adminSocket}}` | the socket for commands, as `stats socket` wants it |
//! | `{{#eachAcls bundles defaultHttpPort=N}} … {{/eachAcls}}` | its body, and behind it the rules of every endpoint that was not handled inside |
//! | `{{#ifAcl 'system' 'version' 'endpoint'}} … {{/ifAcl}}` | its body, if such an endpoint runs; inside `eachAcls` that endpoint is then handled |
//! | `{{#eachBackendServer}} … {{/eachBackendServer}}` | inside `ifAcl`: its body for each instance, with `{{serverName}}`, `{{host}}` and `{{port}}` |
//! | `{{#haproxyConf bundles}} … {{/haproxyConf}}` | its body; `{{serviceFrontends}}` and `{{serviceBackends}}` are empty, as endpoints have rules and no `services` any more |

mod fill;
mod parse;

pub use fill::{Surroundings, fill};

/// A template, known to be well-formed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    parts: Vec<Part>,
}

/// Why a text is no template. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Braces without their end.
    #[error("line {line}: {{{{ without }}}}")]
    Unclosed {
        /// Where they are.
        line: usize,
    },
    /// A block without its end.
    #[error("line {line}: {{{{#{helper}}}}} without {{{{/{helper}}}}}")]
    UnclosedBlock {
        /// Where it begins.
        line: usize,
        /// What it is.
        helper: String,
    },
    /// The end of something else.
    #[error("line {line}: {{{{/{found}}}}} ends nothing that is open here")]
    Unopened {
        /// Where it is.
        line: usize,
        /// What it would end.
        found: String,
    },
    /// No such block or name.
    #[error("line {line}: there is no {found} here; there are {known}")]
    Unknown {
        /// Where it is.
        line: usize,
        /// What was written.
        found: String,
        /// What there is.
        known: &'static str,
    },
    /// Wrong arguments.
    #[error("line {line}: {helper} takes {takes}")]
    Arguments {
        /// Where it is.
        line: usize,
        /// Of which block.
        helper: String,
        /// What it takes.
        takes: &'static str,
    },
    /// Blocks in blocks in blocks.
    #[error("line {line}: blocks are nested more than {} deep", parse::DEPTH_MAX)]
    Deep {
        /// Where it becomes too much.
        line: usize,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Text(String),
    Name { line: usize, name: String },
    Block(Block),
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Block {
    line: usize,
    helper: String,
    /// Texts and names, in order; a name is one of the context.
    arguments: Vec<Argument>,
    options: Vec<(String, Argument)>,
    body: Vec<Part>,
    otherwise: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Argument {
    Text(String),
    Name(String),
}
