//! What somebody probably meant to type.

/// The candidate that is nearest to `name`, if any is near enough to be meant: a third of its letters
/// may differ, and neighbours may be swapped. Case, dashes and underscores do not count. Of equals,
/// the first.
pub fn nearest_name<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted = folded(name);
    if wanted.is_empty() || wanted.len() > NAME_CHARS_MAX {
        return None;
    }
    let allowed = (wanted.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&wanted, &folded(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Longer names are not worth the square of their length.
const NAME_CHARS_MAX: usize = 64;

fn folded(name: &str) -> Vec<char> {
    let letters = name.chars().filter(|c| !matches!(c, '-' | '_'));
    letters
        .take(NAME_CHARS_MAX + 1)
        .flat_map(char::to_lowercase)
        .collect()
}

/// Insertions, deletions, replacements and swaps of neighbours between two names.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest_name;

    const KEYS: [&str; 5] = ["name", "nr-of-cpus", "memory", "roles", "start-command"];

    #[test]
    fn a_slip_of_the_hand_is_understood() {
        assert_eq!(nearest_name("nr-of-cpu", KEYS), Some("nr-of-cpus"));
        assert_eq!(nearest_name("nrOfCpus", KEYS), Some("nr-of-cpus"));
        assert_eq!(nearest_name("memroy", KEYS), Some("memory"));
        assert_eq!(nearest_name("startcommand", KEYS), Some("start-command"));
        assert_eq!(nearest_name("role", KEYS), Some("roles"));
    }

    #[test]
    fn what_is_far_from_all_names_is_left_alone() {
        assert_eq!(nearest_name("replicas", KEYS), None);
        assert_eq!(nearest_name("x", KEYS), None);
        assert_eq!(nearest_name("", KEYS), None);
        assert_eq!(nearest_name(&"n".repeat(100_000), KEYS), None);
    }
}
