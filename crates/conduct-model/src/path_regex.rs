//! Regular expressions over paths, in the dialect that both proxies understand alike.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassSetBinaryOp, ClassSetItem, Flag, Flags, FlagsItemKind, GroupKind,
};
use regex_syntax::hir::translate::TranslatorBuilder;
use regex_syntax::hir::{Hir, HirKind};
use serde::{Deserialize, Serialize};

use crate::name::text_type;

/// Why a text is no expression for a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathRegexError {
    /// Nothing to match.
    #[error("an expression cannot be empty")]
    Empty,
    /// Longer than anybody can read.
    #[error("an expression has at most {max} characters, this has {0}", max = PathRegex::CHARS_MAX)]
    Long(usize),
    /// What would end it where it is written to.
    #[error("an expression cannot hold {0:?}; a path has it as %XX, if at all")]
    Character(char),
    /// A brace that counts nothing.
    #[error("a {{ in an expression can only count, as in [0-9]{{4}}")]
    Brace,
    /// Not an expression at all, or one with what only some dialects know.
    #[error("it is no regular expression: {0}")]
    Syntax(String),
    /// What one proxy reads in one way and the other in another.
    #[error("an expression cannot use {0}, which proxies understand differently")]
    Dialect(&'static str),
    /// Repetitions of repetitions.
    #[error("the expression repeats too much: written out it has more than {max} steps", max = PathRegex::STEPS_MAX)]
    Large,
}

text_type!(
    /// A regular expression over a path. It is known to be one, without look-around and
    /// back-references, and it is small even when its repetitions are written out.
    PathRegex, PathRegexError, |text| judge(text).map(|_| ())
);

impl PathRegex {
    /// Longest expression.
    pub const CHARS_MAX: usize = 512;
    /// Most steps of the expression with its repetitions written out.
    pub const STEPS_MAX: usize = 10_000;

    /// How many groups of it can be referred to in a rewrite.
    pub fn groups(&self) -> usize {
        judge(&self.0).map_or(0, |hir| hir.properties().explicit_captures_len())
    }
}

fn judge(text: &str) -> Result<Hir, PathRegexError> {
    if text.is_empty() {
        return Err(PathRegexError::Empty);
    }
    if text.len() > PathRegex::CHARS_MAX {
        return Err(PathRegexError::Long(text.len()));
    }
    let harmless = |c: char| c.is_ascii_graphic() && !"\"'`#".contains(c);
    if let Some(found) = text.chars().find(|c| !harmless(*c)) {
        return Err(PathRegexError::Character(found));
    }
    if !braces_only_count(text) {
        return Err(PathRegexError::Brace);
    }
    let ast = ParserBuilder::new().nest_limit(32).build().parse(text);
    let ast = ast.map_err(|error| PathRegexError::Syntax(error.kind().to_string()))?;
    ast::visit(&ast, Dialect).map_err(PathRegexError::Dialect)?;
    // Bytes and not letters, as both proxies read paths.
    let mut translator = TranslatorBuilder::new().unicode(false).utf8(false).build();
    let hir = translator.translate(text, &ast);
    let hir = hir.map_err(|error| PathRegexError::Syntax(error.kind().to_string()))?;
    if steps(&hir) > PathRegex::STEPS_MAX {
        return Err(PathRegexError::Large);
    }
    Ok(hir)
}

/// A word that is only a brace is syntax to HAProxy; one inside `a{2,3}` is not.
fn braces_only_count(text: &str) -> bool {
    let mut opened = text.split('{');
    let outside = |text: &str| !text.contains('}');
    let Some(first) = opened.next() else {
        return true;
    };
    let mut counted = opened.map(|piece| {
        let (count, after) = piece.split_once('}')?;
        let (least, most) = count.split_once(',').unwrap_or((count, "0"));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        (!least.is_empty() && is_number(least) && is_number(most)).then_some(after)
    });
    outside(first)
        && (first.len() == text.len() || !first.is_empty())
        && counted.all(|after| after.is_some_and(outside))
}

/// Finds what means something else in PCRE.
struct Dialect;

impl ast::Visitor for Dialect {
    type Output = ();
    type Err = &'static str;

    fn finish(self) -> Result<(), &'static str> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), &'static str> {
        match ast {
            Ast::Flags(set) => check_flags(&set.flags),
            Ast::Group(group) => match &group.kind {
                GroupKind::NonCapturing(flags) => check_flags(flags),
                GroupKind::CaptureIndex(_) | GroupKind::CaptureName { .. } => Ok(()),
            },
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::StartLine
                | AssertionKind::EndLine
                | AssertionKind::StartText
                | AssertionKind::EndText
                | AssertionKind::WordBoundary
                | AssertionKind::NotWordBoundary => Ok(()),
                _ => Err("halves of word boundaries"),
            },
            Ast::Repetition(repetition) => match &*repetition.ast {
                Ast::Repetition(_) => Err("a repetition of a repetition without brackets"),
                Ast::Assertion(_) | Ast::Flags(_) | Ast::Empty(_) => {
                    Err("a repetition of what matches nothing")
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), &'static str> {
        match item {
            ClassSetItem::Bracketed(_) => Err("brackets in brackets"),
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ClassSetBinaryOp) -> Result<(), &'static str> {
        Err("&&, -- and ~~ in brackets")
    }
}

fn check_flags(flags: &Flags) -> Result<(), &'static str> {
    let is_common = |kind: &FlagsItemKind| match kind {
        FlagsItemKind::Negation => true,
        FlagsItemKind::Flag(flag) => !matches!(flag, Flag::Unicode | Flag::CRLF),
    };
    if flags.items.iter().all(|item| is_common(&item.kind)) {
        Ok(())
    } else {
        Err("the flags u and R")
    }
}

/// How large the expression is with every repetition written out as often as it may happen.
fn steps(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Capture(capture) => steps(&capture.sub).saturating_add(1),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            steps(&repetition.sub).saturating_mul(times as usize)
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(steps).fold(0, usize::saturating_add)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_that_both_proxies_understand_is_taken() {
        for text in [
            "^/u/(.*)/f/(.*)$",
            "/v[0-9]{1,2}/",
            "^/(?:a|b)/\\d+$",
            "(?i)^/X",
            "/a{3}",
        ] {
            assert!(text.parse::<PathRegex>().is_ok(), "{text}");
        }
        assert_eq!("^/u/(.*)/f/(.*)$".parse::<PathRegex>().unwrap().groups(), 2);
    }

    #[test]
    fn what_would_become_syntax_of_the_proxy_is_refused() {
        for found in ['\n', ' ', '"', '\'', '`', '#', '\0', 'ä'] {
            let refused = format!("^/a{found}b").parse::<PathRegex>();
            assert_eq!(refused, Err(PathRegexError::Character(found)));
        }
        for text in ["{", "}", "/a{", "/a}", "/a{b}", "{2}", "/a{,}", "/a{2}}"] {
            assert_eq!(
                text.parse::<PathRegex>(),
                Err(PathRegexError::Brace),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_expression_or_too_large_a_one_is_refused_with_the_reason() {
        let refused = |text: &str| text.parse::<PathRegex>().unwrap_err();
        assert_eq!(
            refused("/a(b").to_string(),
            "it is no regular expression: unclosed group"
        );
        assert!(matches!(refused("/(?!admin)"), PathRegexError::Syntax(_)));
        assert!(matches!(refused("/(.)\\1"), PathRegexError::Syntax(_)));
        assert_eq!(refused("((a{100}){100}){100}"), PathRegexError::Large);
        assert_eq!(refused(""), PathRegexError::Empty);
        for text in [
            "(?R)a", "(?-u:a)", "[a&&b]", "[[a]b]", "\\<a", "/?*", "a*+", "^*", "a{2}{3}",
        ] {
            assert!(
                matches!(refused(text), PathRegexError::Dialect(_)),
                "{text}"
            );
        }
        assert!(matches!(
            refused(&"(".repeat(200)),
            PathRegexError::Syntax(_)
        ));
    }
}
