//! Goes through a value, collecting what is wrong with it.

use conduct_hocon::{Diagnostic, Entry, Object, Severity, Source, Span, Value, nearest_name};
use conduct_model::Descriptor;

use super::docker::Privilege;
use super::document::is_same;
use super::keys::EXAMPLES;

/// Which of the two kinds of `bundle.conf` is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ConfKind {
    /// One that says all there is to say.
    #[default]
    Bundle,
    /// One that is to be laid over another.
    Configuration,
}

/// What is demanded of a `bundle.conf`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rules {
    /// Of a configuration nothing is required.
    pub kind: ConfKind,
    /// Whether keys may be missing that a bundle needs. There is no descriptor then.
    pub allow_missing: bool,
    /// Whether unknown keys pass without a warning.
    pub allow_unknown: bool,
}

/// What came of reading a `bundle.conf`.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The bundle, if nothing is wrong and nothing is missing.
    pub descriptor: Option<Descriptor>,
    /// All that is wrong or strange, in the order of the text; what a configuration says comes
    /// after what the bundle says.
    pub diagnostics: Vec<Diagnostic>,
    /// What it asks for that only an operator can grant. Asked by the bundle itself it is an error
    /// as well; a configuration may ask, if whoever loads it is allowed to.
    pub privileges: Vec<Privilege>,
}

/// A value that cannot be what it should be. Boxed, since most can.
pub(crate) type Refusal = Box<Diagnostic>;

/// Errors that are told, and warnings: whoever has made more mistakes has seen enough.
const DIAGNOSTICS_MAX: usize = 100;

impl Reading {
    pub(crate) fn refused(diagnostic: Diagnostic) -> Reading {
        Reading {
            diagnostics: vec![diagnostic],
            ..Reading::default()
        }
    }

    /// What has to be mended.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics
            .iter()
            .filter(|it| it.severity() == Severity::Error)
    }

    /// What should be looked at.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics
            .iter()
            .filter(|it| it.severity() == Severity::Warning)
    }

    /// The descriptor and the warnings, or everything that is wrong.
    pub fn into_result(self) -> Result<(Descriptor, Vec<Diagnostic>), Vec<Diagnostic>> {
        match self.descriptor {
            Some(descriptor) => Ok((descriptor, self.diagnostics)),
            None => Err(self.diagnostics),
        }
    }
}

/// An object whose fields are read one by one.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'v> {
    pub(crate) object: &'v Object,
    /// Where to point at when a field is missing.
    pub(crate) span: &'v Span,
}

/// Collects what is found on the way.
pub(crate) struct Reader<'a> {
    pub(crate) rules: Rules,
    overlay: Option<&'a Source>,
    found: Vec<Diagnostic>,
    warnings: usize,
    errors: usize,
    pub(crate) privileges: Vec<Privilege>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(rules: Rules, overlay: Option<&'a Source>) -> Reader<'a> {
        Reader {
            rules,
            overlay,
            found: Vec::new(),
            warnings: 0,
            errors: 0,
            privileges: Vec::new(),
        }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        let count = match diagnostic.severity() {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= DIAGNOSTICS_MAX {
            self.found.push(diagnostic);
        }
    }

    pub(crate) fn error(&mut self, span: &Span, message: impl Into<String>) {
        self.report(Diagnostic::error(span, message));
    }

    pub(crate) fn warn(&mut self, span: &Span, message: impl Into<String>) {
        self.report(Diagnostic::warning(span, message));
    }

    /// Whether a place is in the text that was laid on top.
    pub(crate) fn is_overlay(&self, span: &Span) -> bool {
        span.source()
            .is_some_and(|source| is_same(source, self.overlay))
    }

    /// The fields of an object. Points at unknown ones, and at what they may have meant.
    pub(crate) fn fields<'v>(
        &mut self,
        name: &str,
        value: &'v Value,
        known: &[&str],
    ) -> Option<Fields<'v>> {
        let object = self.kept(
            value
                .as_object()
                .map_err(|error| refusal(error.named(name))),
        )?;
        if !self.rules.allow_unknown {
            for entry in object.entries().filter(|entry| !known.contains(&entry.key)) {
                self.unknown_key(entry, known);
            }
        }
        Some(Fields {
            object,
            span: value.span(),
        })
    }

    fn unknown_key(&mut self, entry: Entry<'_>, known: &[&str]) {
        // Comparing names costs more than all else, and a stranger may send thousands.
        let near = (self.warnings < DIAGNOSTICS_MAX)
            .then(|| nearest_name(entry.key, known.iter().copied()))
            .flatten();
        let key = entry.key;
        self.warn(
            entry.key_span,
            match near {
                Some(near) => format!("unknown key {key}, did you mean {near}?"),
                None => format!("unknown key {key}"),
            },
        );
    }

    /// Reads a field that may be missing. `null` is as good as missing: that is how a
    /// configuration takes something away.
    pub(crate) fn optional<T>(
        &mut self,
        fields: Fields<'_>,
        key: &str,
        read: impl FnOnce(&Value) -> Result<T, Refusal>,
    ) -> Option<T> {
        let value = fields.object.get(key).filter(|value| !value.is_null())?;
        self.kept(read(value).map_err(|refusal| Box::new(refusal.named(key))))
    }

    /// Reads a field that a bundle must have.
    pub(crate) fn required<T>(
        &mut self,
        fields: Fields<'_>,
        key: &str,
        read: impl FnOnce(&Value) -> Result<T, Refusal>,
    ) -> Option<T> {
        self.demand(fields, key);
        self.optional(fields, key, read)
    }

    /// Reports that a field is missing, where it is required.
    pub(crate) fn demand(&mut self, fields: Fields<'_>, key: &str) {
        let is_missing = fields.object.get(key).is_none_or(Value::is_null);
        if is_missing && self.rules.kind == ConfKind::Bundle && !self.rules.allow_missing {
            let example = EXAMPLES.iter().find(|(known, _)| *known == key);
            let mut missing = Diagnostic::error(fields.span, format!("{key} is missing"));
            if let Some((_, example)) = example {
                missing = missing.help(format!("add {example}"));
            }
            self.report(missing);
        }
    }

    /// Keeps what is right and reports what is not.
    pub(crate) fn kept<T>(&mut self, result: Result<T, Refusal>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(refusal) => {
                self.report(*refusal);
                None
            }
        }
    }

    /// Everything that was found, in the order of the text.
    pub(crate) fn finish(mut self, descriptor: Option<Descriptor>) -> Reading {
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|it| (self.is_overlay(it.span()), it.span().start()));
        let surplus = |count: usize| count.saturating_sub(DIAGNOSTICS_MAX);
        let surplus = surplus(self.errors) + surplus(self.warnings);
        if surplus > 0 {
            let message = format!("{surplus} more problems are not shown");
            found.push(Diagnostic::warning(&Span::default(), message));
        }
        let has_errors = self.errors > 0;
        Reading {
            descriptor: descriptor.filter(|_| !has_errors),
            diagnostics: found,
            privileges: self.privileges,
        }
    }
}

/// Turns an error of a value into what is collected.
pub(crate) fn refusal(error: conduct_hocon::HoconError) -> Refusal {
    Box::new(error.into())
}
