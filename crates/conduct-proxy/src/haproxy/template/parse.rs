//! From text to parts.

use std::str::FromStr;

use super::{Argument, Block, Part, Template, TemplateError};

/// Blocks in blocks.
pub(super) const DEPTH_MAX: usize = 16;

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Template, TemplateError> {
        let mut reader = Reader {
            text,
            at: 0,
            trim: false,
        };
        match reader.parts(0)? {
            (parts, End::Text) => Ok(Template { parts }),
            (_, End::Block { line, helper }) => Err(TemplateError::Unopened {
                line,
                found: helper,
            }),
            (_, End::Else { line }) => {
                let found = "else".to_owned();
                Err(TemplateError::Unopened { line, found })
            }
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Blanks that follow are taken away.
    trim: bool,
}

/// What ended a row of parts.
enum End {
    Text,
    Block { line: usize, helper: String },
    Else { line: usize },
}

/// What stands between braces.
struct Tag<'a> {
    line: usize,
    words: &'a str,
    trim_before: bool,
}

impl<'a> Reader<'a> {
    fn parts(&mut self, depth: usize) -> Result<(Vec<Part>, End), TemplateError> {
        let mut parts = Vec::new();
        loop {
            let mut text = self.plain();
            if std::mem::take(&mut self.trim) {
                text = text.trim_start().to_owned();
            }
            let Some(tag) = self.tag()? else {
                parts.push(Part::Text(text));
                return Ok((parts, End::Text));
            };
            if tag.trim_before {
                text.truncate(text.trim_end().len());
            }
            parts.push(Part::Text(text));
            let line = tag.line;
            let words = tag.words.trim();
            if words.starts_with('!') {
                continue;
            }
            if let Some(helper) = words.strip_prefix('/') {
                let helper = helper.trim().to_owned();
                return Ok((parts, End::Block { line, helper }));
            }
            if words == "else" || words == "^" {
                return Ok((parts, End::Else { line }));
            }
            parts.push(match words.strip_prefix('#') {
                Some(opening) => Part::Block(self.block(line, opening, depth + 1)?),
                None => Part::Name {
                    line,
                    name: words.to_owned(),
                },
            });
        }
    }

    fn block(&mut self, line: usize, opening: &str, depth: usize) -> Result<Block, TemplateError> {
        if depth > DEPTH_MAX {
            return Err(TemplateError::Deep { line });
        }
        let mut words = words(line, opening)?.into_iter();
        let Some((None, Argument::Name(helper))) = words.next() else {
            return Err(TemplateError::Unclosed { line });
        };
        let mut block = Block {
            line,
            helper,
            arguments: Vec::new(),
            options: Vec::new(),
            body: Vec::new(),
            otherwise: Vec::new(),
        };
        for (option, argument) in words {
            match option {
                Some(option) => block.options.push((option, argument)),
                None => block.arguments.push(argument),
            }
        }
        let (body, mut end) = self.parts(depth)?;
        block.body = body;
        if matches!(end, End::Else { .. }) {
            (block.otherwise, end) = self.parts(depth)?;
        }
        let helper = block.helper.clone();
        match end {
            End::Block { helper: ended, .. } if ended == helper => Ok(block),
            End::Block { line, helper } => Err(TemplateError::Unopened {
                line,
                found: helper,
            }),
            End::Else { line } => {
                let found = "else".to_owned();
                Err(TemplateError::Unopened { line, found })
            }
            End::Text => Err(TemplateError::UnclosedBlock { line, helper }),
        }
    }

    /// The text up to the next braces.
    fn plain(&mut self) -> String {
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(found) = rest.find("{{") else {
                text.push_str(rest);
                self.at = self.text.len();
                return text;
            };
            let before = &rest[..found];
            if let Some(escaped) = before.strip_suffix('\\') {
                text.push_str(escaped);
                text.push_str("{{");
                self.at += found + 2;
                continue;
            }
            text.push_str(before);
            self.at += found;
            return text;
        }
    }

    /// What stands between the braces here, if there are any.
    fn tag(&mut self) -> Result<Option<Tag<'a>>, TemplateError> {
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return Ok(None);
        }
        let line = self.text[..self.at].matches('\n').count() + 1;
        let (open, close) = if rest.starts_with("{{!--") || rest.starts_with("{{~!--") {
            ("{{", "--}}")
        } else if rest.starts_with("{{{") {
            ("{{{", "}}}")
        } else {
            ("{{", "}}")
        };
        let inner = &rest[open.len()..];
        let end = inner.find(close).ok_or(TemplateError::Unclosed { line })?;
        self.at += open.len() + end + close.len();
        let words = &inner[..end];
        let (trim_before, words) = match words.strip_prefix('~') {
            Some(words) => (true, words),
            None => (false, words),
        };
        let words = match words.strip_suffix('~') {
            Some(words) => {
                self.trim = true;
                words
            }
            None => words,
        };
        Ok(Some(Tag {
            line,
            words,
            trim_before,
        }))
    }
}

/// The words of an opening: names, texts in quotes, numbers, and options `name=value`.
fn words(line: usize, text: &str) -> Result<Vec<(Option<String>, Argument)>, TemplateError> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let is_end = |c: char| c.is_whitespace() || c == '=';
        let name_end = rest.find(is_end).unwrap_or(rest.len());
        let option = (!rest.starts_with(['\'', '"']) && rest[name_end..].starts_with('='))
            .then(|| rest[..name_end].to_owned());
        if option.is_some() {
            rest = &rest[name_end + 1..];
        }
        let (argument, length) = match rest.chars().next() {
            Some(quote @ ('\'' | '"')) => {
                let end = rest[1..]
                    .find(quote)
                    .ok_or(TemplateError::Unclosed { line })?;
                (Argument::Text(rest[1..=end].to_owned()), end + 2)
            }
            _ => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                let word = rest[..end].to_owned();
                // Handlebars of old wanted names in brackets: ['bundles'].
                let bare = word.trim_start_matches('[').trim_end_matches(']');
                let bare = bare.trim_matches(['\'', '"']).to_owned();
                (Argument::Name(bare), end)
            }
        };
        words.push((option, argument));
        rest = rest[length..].trim_start();
    }
    Ok(words)
}
