//! Which of several names was meant by one that is not there.

/// Names that differ in more letters are not meant.
const FAR: usize = 3;

/// The one of `names` that is most like `wanted`, if one is: other case or other separators, or few letters
/// apart.
#[must_use]
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain_wanted = plain(wanted);
    let distance = |name: &str| match plain(name) == plain_wanted {
        true => 0,
        false => strsim::damerau_levenshtein(wanted, name),
    };
    let near = names.into_iter().filter(|name| *name != wanted).map(|name| (distance(name), name));
    near.filter(|(distance, name)| *distance <= FAR.min(name.chars().count() / 3)).min().map(|(_, name)| name)
}

/// Without case and separators.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_found_and_nothing_else() {
        for (wanted, names, expected) in [
            ("Key", &["key", "secret-key"][..], Some("key")),
            ("secret_key", &["key", "secret-key"], Some("secret-key")),
            ("alice-credentias", &["alice-credentials", "bob-credentials"], Some("alice-credentials")),
            ("kye", &["key"], Some("key")),
            ("key", &["password", "secret"], None),
            ("a", &["b"], None),
            ("key", &[], None),
        ] {
            assert_eq!(nearest(wanted, names.iter().copied()), expected, "{wanted} of {names:?}");
        }
    }
}
