//! A word of a start command: text in which `$VAR` and `$(command)` wait for the host's shell.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::text_type;

/// Why a text cannot be a word of a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandWordError {
    /// A newline, NUL or another control character.
    #[error("a word of a command cannot hold the control character {0:?}")]
    Control(char),
    /// More than a command line should carry.
    #[error("a word of a command has at most {max} bytes, this has {0}", max = Word::BYTES_MAX)]
    Long(usize),
    /// `$(` without its `)`.
    #[error("the command that begins with $( has no end")]
    Unclosed,
    /// `${` with anything else than a name before its `}`.
    #[error("only a variable's name can stand between ${{ and }}")]
    Braces,
}

text_type!(
    /// A word of a start command. Of all that shells know only `$VAR`, `${VAR}` and `$(command)`
    /// mean anything in it; spaces, quotes, braces and all else stand for themselves.
    Word, CommandWordError, |text| {
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            return Err(CommandWordError::Control(control));
        }
        if text.len() > Word::BYTES_MAX {
            return Err(CommandWordError::Long(text.len()));
        }
        let mut rest = text;
        while !rest.is_empty() {
            (_, rest) = next_part(rest)?;
        }
        Ok(())
    }
);

/// A piece of a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part<'a> {
    /// To be taken as it is.
    Text(&'a str),
    /// The value of the variable with this name, as one piece.
    Variable(&'a str),
    /// What this command writes, to be run by bash.
    Command(&'a str),
}

impl Word {
    /// Longest word.
    pub const BYTES_MAX: usize = 8192;

    /// Its pieces, in order. Whoever puts them into a script quotes the texts and variables, and
    /// has nothing to quote in the commands.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let mut rest = self.as_str();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (part, after) = next_part(rest).ok()?;
            rest = after;
            Some(part)
        })
    }

    /// Whether it is the same for every host.
    pub fn is_plain(&self) -> bool {
        self.parts().all(|part| matches!(part, Part::Text(_)))
    }
}

/// Takes the first piece off a text that is not empty.
fn next_part(text: &str) -> Result<(Part<'_>, &str), CommandWordError> {
    if let Some(command) = text.strip_prefix("$(") {
        let end = command_end(command).ok_or(CommandWordError::Unclosed)?;
        return Ok((Part::Command(&command[..end]), &command[end + 1..]));
    }
    if let Some(braced) = text.strip_prefix("${") {
        let end = name_end(braced);
        let after = braced[end..].strip_prefix('}').filter(|_| end > 0);
        let after = after.ok_or(CommandWordError::Braces)?;
        return Ok((Part::Variable(&braced[..end]), after));
    }
    if let Some(name) = text.strip_prefix('$') {
        let end = name_end(name);
        if end > 0 {
            return Ok((Part::Variable(&name[..end]), &name[end..]));
        }
    }
    // A dollar that begins nothing is text, as is all up to the next one.
    let next_dollar = text.char_indices().skip(1).find(|(_, c)| *c == '$');
    let end = next_dollar.map_or(text.len(), |(at, _)| at);
    Ok((Part::Text(&text[..end]), &text[end..]))
}

/// The length of the variable's name that a text begins with.
fn name_end(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

/// Where the parenthesis stands that closes a command, quotes and inner parentheses skipped.
fn command_end(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some('"') | None, '\\') => {
                chars.next();
            }
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return Some(at),
            (None, ')') => depth -= 1,
            (Some(_) | None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<Part<'static>> {
        let word: Word = text.parse().unwrap();
        Box::leak(Box::new(word)).parts().collect()
    }

    #[test]
    fn only_variables_and_commands_mean_anything() {
        assert_eq!(parts("-Dx={a b}\"';|&"), [Part::Text("-Dx={a b}\"';|&")]);
        assert_eq!(
            parts("http://$WEB_BIND_IP:${WEB_BIND_PORT}/x"),
            [
                Part::Text("http://"),
                Part::Variable("WEB_BIND_IP"),
                Part::Text(":"),
                Part::Variable("WEB_BIND_PORT"),
                Part::Text("/x"),
            ]
        );
        assert_eq!(
            parts("a$(echo \")\" (b) '(')c"),
            [
                Part::Text("a"),
                Part::Command("echo \")\" (b) '('"),
                Part::Text("c")
            ]
        );
        assert_eq!(
            parts("$5$$?"),
            [Part::Text("$5"), Part::Text("$"), Part::Text("$?")]
        );
        assert_eq!(parts("ä$A"), [Part::Text("ä"), Part::Variable("A")]);
        assert_eq!(parts(""), []);
    }

    #[test]
    fn what_no_shell_could_finish_is_refused() {
        let refused = |text: &str| text.parse::<Word>().unwrap_err();
        assert_eq!(refused("a\nb"), CommandWordError::Control('\n'));
        assert_eq!(refused("a\0"), CommandWordError::Control('\0'));
        assert_eq!(refused("$(echo"), CommandWordError::Unclosed);
        assert_eq!(refused("$(echo \")"), CommandWordError::Unclosed);
        assert_eq!(refused("${A:-$(rm -rf /)}"), CommandWordError::Braces);
        assert_eq!(refused("${}"), CommandWordError::Braces);
        assert_eq!(refused(&"x".repeat(9000)), CommandWordError::Long(9000));
    }
}
