//! `runtime-config.sh`, which is sourced before a bundle starts.

/// Adds a line for each variable, one after the other, none of them ended.
pub(super) fn with_exports(script: Vec<u8>, exports: &[String]) -> Vec<u8> {
    let mut script = script;
    for export in exports {
        if !script.is_empty() && !script.ends_with(b"\n") {
            script.push(b'\n');
        }
        script.extend(line(export).into_bytes());
    }
    script
}

/// `$` stays: a value may refer to others.
fn line(text: &str) -> String {
    let mut line = "export \"".to_owned();
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '"') {
            line.push('\\');
        }
        line.push(c);
    }
    line.push('"');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(script: &str, exports: &[&str]) -> String {
        let exports: Vec<String> = exports.iter().map(|text| (*text).to_owned()).collect();
        String::from_utf8(with_exports(script.as_bytes().to_vec(), &exports)).expect("text")
    }

    #[test]
    fn exports_follow_what_is_there_a_line_each() {
        assert_eq!(text("", &["A=1", "B=2"]), "export \"A=1\"\nexport \"B=2\"");
        assert_eq!(text("echo hi", &["A=1"]), "echo hi\nexport \"A=1\"");
        assert_eq!(text("echo hi\n", &["A=1"]), "echo hi\nexport \"A=1\"");
    }

    #[test]
    fn nothing_in_a_value_ends_the_quotes_or_runs() {
        assert_eq!(
            text("", &[r#"A="`x`\$HOME"#]),
            r#"export "A=\"\`x\`\\$HOME""#
        );
    }
}
