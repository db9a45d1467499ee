//! What stands behind a key or in a list.

use super::Parser;
use super::joining::{self, Part, What};
use crate::HoconError;
use crate::path::Path;
use crate::source::Position;
use crate::syntax::{Definition, Formula, Items, Piece, Reference, Role, Stack, Target};
use crate::text::{at_word, read_path, read_quoted, read_word, word_value};

impl<'a> Parser<'a> {
    /// What `+=` stands for: the earlier value, if there is one, and one more item.
    pub(super) fn append(&mut self, said: Vec<Definition>, start: Position) -> Definition {
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
    pub(super) fn value(&mut self, expected: &str) -> Result<Vec<Definition>, HoconError> {
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
    pub(super) fn literal(&mut self) -> Definition {
        let start = self.cursor.at();
        let rest = self.cursor.rest();
        let text = self.cursor.advance(rest.trim_end().len());
        Definition::Plain(word_value(text, self.cursor.span_from(start)))
    }
}
