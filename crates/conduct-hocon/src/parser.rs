//! Text to syntax.

use std::sync::Arc;

use crate::HoconError;
use crate::cursor::Cursor;
use crate::limits::Limits;
use crate::path::Path;
use crate::source::{Position, Source};
use crate::syntax::{Definition, Fields, Items, Stack};
use crate::text::{at_word, read_path, read_word};

mod joining;
mod values;

pub(crate) struct Parser<'a> {
    cursor: Cursor<'a>,
    depth: usize,
    depth_max: usize,
    /// The keys that lead to what is being read; none inside a list, where no path leads to.
    trail: Option<Vec<Arc<str>>>,
}

/// Reads a whole text: an object with or without its braces, or a list.
pub(crate) fn parse_document(source: &Arc<Source>, limits: &Limits) -> Result<Stack, HoconError> {
    limits.check_size(source.name(), source.text().len())?;
    let mut parser = Parser::new(source, limits);
    parser.cursor.skip_blank();
    let start = parser.cursor.at();
    let root = match parser.cursor.peek() {
        Some('{') => Definition::Fields(parser.object()?),
        Some('[') => Definition::List(parser.list()?),
        _ => {
            let mut fields = Fields::at(parser.cursor.span_from(start));
            parser.fields(&mut fields, None)?;
            Definition::Fields(fields)
        }
    };
    parser.cursor.skip_blank();
    match parser.cursor.peek() {
        None => Ok(Stack::of(root)),
        Some(_) => Err(parser
            .cursor
            .unexpected("the end of the text after the outermost value")),
    }
}

/// Reads `path = value` with the value taken letter by letter, unless it begins like a list, an object
/// or a quoted string.
pub(crate) fn parse_setting(source: &Arc<Source>, limits: &Limits) -> Result<Stack, HoconError> {
    limits.check_size(source.name(), source.text().len())?;
    let mut parser = Parser::new(source, limits);
    let start = parser.cursor.at();
    let path = parser.key()?;
    let mut fields = Fields::at(parser.cursor.span_from(start));
    let key_span = parser.cursor.span_from(start);
    parser.cursor.skip_spaces();
    if !parser.cursor.eat("=") {
        return Err(parser.cursor.unexpected("\"=\" after the path"));
    }
    parser.cursor.skip_spaces();
    parser.descend(path.len() - 1)?;
    let said = match parser.cursor.peek() {
        Some('[' | '{' | '"') => {
            let said = parser.value("a value")?;
            parser.cursor.skip_blank();
            match parser.cursor.peek() {
                None => said,
                Some(_) => return Err(parser.cursor.unexpected("the end of the setting")),
            }
        }
        _ => vec![parser.literal()],
    };
    fields.put(&path, &key_span, said);
    Ok(Stack::of(Definition::Fields(fields)))
}

impl<'a> Parser<'a> {
    fn new(source: &'a Arc<Source>, limits: &Limits) -> Parser<'a> {
        Parser {
            cursor: Cursor::new(source),
            depth: 1,
            depth_max: limits.depth(),
            trail: Some(Vec::new()),
        }
    }

    fn descend(&mut self, levels: usize) -> Result<(), HoconError> {
        self.depth += levels;
        if self.depth <= self.depth_max {
            return Ok(());
        }
        let expected = format!("at most {} values inside each other", self.depth_max);
        Err(HoconError::limit(
            &self.cursor.span_here(),
            expected,
            "one more",
        ))
    }

    fn ascend(&mut self, levels: usize) {
        self.depth -= levels;
    }

    /// An object; the cursor stands at its brace.
    fn object(&mut self) -> Result<Fields, HoconError> {
        let start = self.cursor.at();
        self.cursor.bump();
        let mut fields = Fields::at(self.cursor.span_from(start));
        self.fields(&mut fields, Some(start))?;
        Ok(fields)
    }

    /// Fields up to the closing brace of the object that was opened at `opened`, or up to the end of
    /// the text.
    fn fields(&mut self, fields: &mut Fields, opened: Option<Position>) -> Result<(), HoconError> {
        loop {
            self.cursor.skip_blank();
            match (self.cursor.peek(), opened) {
                (Some('}'), Some(_)) => {
                    self.cursor.bump();
                    return Ok(());
                }
                (None, None) => return Ok(()),
                (None, Some(opened)) => return Err(self.unclosed("\"}\"", opened)),
                (Some('}'), None) => {
                    let error = self.cursor.unexpected("a key or the end of the text");
                    return Err(error.help("no object is open here"));
                }
                (Some(_), _) => self.field(fields)?,
            }
            let line_ended = self.cursor.skip_blank();
            let at_end = matches!(self.cursor.peek(), None | Some('}'));
            if !self.cursor.eat(",") && !line_ended && !at_end {
                return Err(self
                    .cursor
                    .unexpected("a comma or a new line before the next key"));
            }
        }
    }

    fn unclosed(&self, closing: &str, opened: Position) -> HoconError {
        let expected = format!("{closing} to close what was opened in line {}", opened.line);
        self.cursor.unexpected(expected)
    }

    fn field(&mut self, fields: &mut Fields) -> Result<(), HoconError> {
        let start = self.cursor.at();
        let path = self.key()?;
        let key_span = self.cursor.span_from(start);
        let after_key = self.cursor.clone();
        let line_ended = self.cursor.skip_blank();
        let append = self.cursor.eat("+=");
        let separated = append || self.cursor.eat("=") || self.cursor.eat(":");
        if !separated && self.cursor.peek() != Some('{') {
            let at = if line_ended {
                after_key
            } else {
                self.cursor.clone()
            };
            let key = Path::new(path);
            let error = at.unexpected(format!(
                "\"=\", \":\", \"+=\" or \"{{\" after the key {key}"
            ));
            return Err(error);
        }
        self.cursor.skip_blank();

        let inner = path.len() - 1;
        self.descend(inner)?;
        if let Some(trail) = &mut self.trail {
            trail.extend(path.iter().cloned());
        }
        let mut said = self.value("a value")?;
        if append {
            said = vec![self.append(said, start)];
        }
        if let Some(trail) = &mut self.trail {
            trail.truncate(trail.len() - path.len());
        }
        self.ascend(inner);
        fields.put(&path, &key_span, said);
        Ok(())
    }

    /// The path in front of a separator.
    fn key(&mut self) -> Result<Vec<Arc<str>>, HoconError> {
        let mut ahead = self.cursor.clone();
        if at_word(&ahead) {
            let start = ahead.at();
            if read_word(&mut ahead) == "include" {
                let span = ahead.span_from(start);
                let error =
                    HoconError::malformed(&span, "a key", "an include, which is not supported");
                return Err(error.help(
                    "nothing but this text is read, so write here what it would include \
                     (a key of that name is written \"include\")",
                ));
            }
        }
        read_path(&mut self.cursor, "a key")
    }

    /// A list; the cursor stands at its bracket.
    fn list(&mut self) -> Result<Items, HoconError> {
        let start = self.cursor.at();
        self.cursor.bump();
        let trail = self.trail.take();
        let mut stacks = Vec::new();
        loop {
            self.cursor.skip_blank();
            match self.cursor.peek() {
                Some(']') => {
                    self.cursor.bump();
                    break;
                }
                None => return Err(self.unclosed("\"]\"", start)),
                Some(_) => {
                    let definitions = self.value("an item or \"]\"")?;
                    stacks.push(Stack { id: 0, definitions });
                }
            }
            let line_ended = self.cursor.skip_blank();
            let at_end = matches!(self.cursor.peek(), None | Some(']'));
            if !self.cursor.eat(",") && !line_ended && !at_end {
                return Err(self
                    .cursor
                    .unexpected("a comma, a new line or \"]\" after an item"));
            }
        }
        self.trail = trail;
        Ok(Items {
            span: self.cursor.span_from(start),
            stacks,
        })
    }
}
