//! Text to syntax.

use std::sync::Arc;

use crate::HoconError;
use crate::cursor::Cursor;
use crate::limits::Limits;
use crate::path::Path;
use crate::source::{Position, Source};
use crate::syntax::{Definition, Fields, Formula, Items, Piece, Reference, Role, Stack, Target};
use crate::text::{at_word, read_path, read_quoted, read_word, word_value};

mod joining;

use joining::{Part, What};

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

    /// What `+=` stands for: the earlier value, if there is one, and one more item.
    fn append(&mut self, said: Vec<Definition>, start: Position) -> Definition {
        let span = self.cursor.span_from(start);
        let target = match &self.trail {
            Some(trail) => Target::Path(Path::new(trail.clone())),
            None => Target::Below,
        };
        let reference = Reference {
            span: span.clone(),
            target,
            optional: true,
        };
        let items = Items {
            span: span.clone(),
            stacks: vec![Stack {
                id: 0,
                definitions: said,
            }],
        };
        let pieces = vec![Piece::Reference(reference), Piece::Items(items)];
        Definition::Formula(Formula {
            id: 0,
            span,
            pieces,
            role: Role::Append,
        })
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

    /// `${path}` or `${?path}`; the cursor stands at the dollar sign.
    fn reference(&mut self) -> Result<Reference, HoconError> {
        let start = self.cursor.at();
        if !self.cursor.eat("${") {
            let error = self.cursor.unexpected("a value or ${path}");
            return Err(error.help("text with a dollar sign must be quoted: \"$NAME\""));
        }
        let optional = self.cursor.eat("?");
        let keys = read_path(&mut self.cursor, "the path of a value")?;
        self.cursor.skip_spaces();
        if !self.cursor.eat("}") {
            return Err(self
                .cursor
                .unexpected("\"}\" at the end of the substitution"));
        }
        let span = self.cursor.span_from(start);
        Ok(Reference {
            span,
            target: Target::Path(Path::new(keys)),
            optional,
        })
    }

    /// A value: one or more parts on a line that belong together.
    fn value(&mut self, expected: &str) -> Result<Vec<Definition>, HoconError> {
        let start = self.cursor.at();
        let mut parts: Vec<Part<'a>> = Vec::new();
        loop {
            let end = self.cursor.clone();
            let space = self.cursor.skip_spaces();
            let part_start = self.cursor.at();
            let Some(what) = self.part()? else {
                if parts.is_empty() {
                    return Err(self.cursor.unexpected(expected));
                }
                self.check_end_of_value()?;
                self.cursor = end;
                return Ok(joining::join(parts, &self.cursor.span_from(start)));
            };
            let part = Part {
                space,
                span: self.cursor.span_from(part_start),
                what,
            };
            joining::check(&parts, &part)?;
            parts.push(part);
        }
    }

    fn part(&mut self) -> Result<Option<What<'a>>, HoconError> {
        let what = match self.cursor.peek() {
            Some('{') => {
                self.descend(1)?;
                let fields = self.object()?;
                self.ascend(1);
                What::Fields(fields)
            }
            Some('[') => {
                self.descend(1)?;
                let items = self.list()?;
                self.ascend(1);
                What::Items(items)
            }
            Some('"') => What::Quoted(read_quoted(&mut self.cursor)?),
            Some('$') => What::Reference(self.reference()?),
            Some(_) if at_word(&self.cursor) => What::Word(read_word(&mut self.cursor)),
            _ => return Ok(None),
        };
        Ok(Some(what))
    }

    fn check_end_of_value(&self) -> Result<(), HoconError> {
        match self.cursor.peek() {
            None | Some('\n' | ',' | '}' | ']') => Ok(()),
            Some(_) if self.cursor.at_comment() => Ok(()),
            Some(c) => {
                let error = self
                    .cursor
                    .unexpected("a comma or a new line after the value");
                Err(error.help(format!("text with {c} in it must be quoted")))
            }
        }
    }

    /// The rest of the text as it stands.
    fn literal(&mut self) -> Definition {
        let start = self.cursor.at();
        let rest = self.cursor.rest();
        let text = self.cursor.advance(rest.trim_end().len());
        Definition::Plain(word_value(text, self.cursor.span_from(start)))
    }
}
