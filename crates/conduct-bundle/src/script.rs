//! Lines of `runtime-config.sh`, the script that is sourced before every start.

use conduct_model::{EnvName, WordError};

/// Why a setting cannot be exported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// What stands before the `=` is no name.
    #[error("{setting:?} does not begin with the name of a variable")]
    Name {
        /// As it was given, in part.
        setting: String,
        /// What is wrong with the name.
        source: WordError,
    },
    /// No environment takes it.
    #[error("the value of {0} holds a NUL character")]
    Nul(EnvName),
}

/// The line that exports `NAME=value`, or passes `NAME` on. In the value `$VAR` and `$(command)`
/// are the shell's, evaluated where the bundle starts; quotes, backslashes and backticks stand for
/// themselves.
pub fn export_line(setting: &str) -> Result<String, ScriptError> {
    let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
    let name: EnvName = name.parse().map_err(|source| {
        let setting = setting.chars().take(80).collect();
        ScriptError::Name { setting, source }
    })?;
    if value.contains('\0') {
        return Err(ScriptError::Nul(name));
    }
    let mut line = String::from("export \"");
    for c in setting.chars() {
        if matches!(c, '\\' | '`' | '"') {
            line.push('\\');
        }
        line.push(c);
    }
    line.push('"');
    Ok(line)
}

/// A script with these settings exported behind what it did already, a line each, without a
/// newline at its end.
pub fn with_exports<'a>(
    script: &str,
    settings: impl IntoIterator<Item = &'a str>,
) -> Result<String, ScriptError> {
    let mut lines: Vec<String> = Vec::new();
    let before = script.strip_suffix('\n').unwrap_or(script);
    if !before.is_empty() {
        lines.push(before.to_owned());
    }
    for setting in settings {
        lines.push(export_line(setting)?);
    }
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stands_for_itself_except_for_what_is_the_shells() {
        let line = |setting| export_line(setting).unwrap();
        assert_eq!(line("A=b c"), "export \"A=b c\"");
        assert_eq!(line("A=\"x\\y`z`\""), "export \"A=\\\"x\\\\y\\`z\\`\\\"\"");
        assert_eq!(line("A=$HOME $(id)"), "export \"A=$HOME $(id)\"");
        assert_eq!(line("A=b=c"), "export \"A=b=c\"");
        assert_eq!(line("A"), "export \"A\"");
    }

    #[test]
    fn what_is_no_name_never_reaches_the_shell() {
        for setting in [
            "",
            "=x",
            "1A=x",
            "A B=x",
            "$(id)=x",
            "A\"; id; \"=x",
            "A-B=x",
        ] {
            assert!(
                matches!(export_line(setting), Err(ScriptError::Name { .. })),
                "{setting}"
            );
        }
        assert_eq!(
            export_line("A=\0").unwrap_err().to_string(),
            "the value of A holds a NUL character"
        );
    }

    #[test]
    fn settings_go_behind_what_the_script_did_already() {
        assert_eq!(
            with_exports("", ["A=1", "B=2"]).unwrap(),
            "export \"A=1\"\nexport \"B=2\""
        );
        assert_eq!(
            with_exports("cd x\n", ["A=1"]).unwrap(),
            "cd x\nexport \"A=1\""
        );
        assert_eq!(with_exports("cd x\n", []).unwrap(), "cd x");
    }
}
