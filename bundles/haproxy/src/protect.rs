//! Who is let in to which endpoint: a file with a line per user.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, anyhow};
use conduct_proxy::Claimant;
use conduct_proxy::haproxy::Credentials;

type Protected = BTreeMap<Claimant, Vec<Credentials>>;

/// Reads the file.
pub(crate) fn read(file: &Path) -> anyhow::Result<Protected> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("could not read {}", file.display()))?;
    parse(&text).with_context(|| format!("{} is not as it should be", file.display()))
}

/// `<bundle>/<endpoint> <user> <password>`; a password may be as `crypt(3)` writes it.
fn parse(text: &str) -> anyhow::Result<Protected> {
    let mut protected = Protected::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parse = || {
            let mut words = line.splitn(3, ' ');
            let endpoint = words.next().and_then(|word| word.split_once('/'));
            let (Some((name, endpoint)), Some(user), Some(password)) =
                (endpoint, words.next(), words.next())
            else {
                return Err(anyhow!("a line is: bundle/endpoint user password"));
            };
            let claimant = Claimant {
                name: name.parse()?,
                endpoint: endpoint.parse()?,
            };
            Ok((claimant, Credentials::new(user, password)?))
        };
        let (claimant, credentials) = parse().with_context(|| format!("line {}", number + 1))?;
        protected.entry(claimant).or_default().push(credentials);
    }
    Ok(protected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_lets_one_user_in() {
        let protected = parse("# staff\nshop/web me secret word\n\nshop/web you $5$x$y\n").unwrap();
        let users: Vec<usize> = protected.values().map(Vec::len).collect();
        assert_eq!(users, [2]);
    }

    #[test]
    fn what_is_no_line_is_named() {
        let refused = parse("shop/web me secret\nshop me x").unwrap_err();
        let said = format!("{refused:#}");
        assert_eq!(said, "line 2: a line is: bundle/endpoint user password");
        assert!(parse("shop/web m:e secret").is_err());
    }
}
