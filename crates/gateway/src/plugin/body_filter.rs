//! The filters of response-rewrite: what takes the place of what patterns find in a body.

use postern::plugin::pattern::PatternOptions;
use postern::plugin::response_rewrite::{Filter, Scope};
use regex::bytes::{Captures, Regex};
use std::borrow::Cow;

/// A filter, ready to run.
pub(super) struct BodyFilter {
    pattern: Regex,
    replace: Vec<Part>,
    scope: Scope,
}

/// A piece of what takes the place.
enum Part {
    Bytes(Vec<u8>),
    Group(usize),
}

impl BodyFilter {
    pub(super) fn compile(filter: &Filter) -> Result<Self, String> {
        let refused = |error: postern::plugin::pattern::PatternError| format!("response-rewrite: {error}");
        let options: PatternOptions = filter.options.parse().map_err(refused)?;
        let pattern = filter.regex.compile(options).map_err(refused)?;
        Ok(Self { pattern, replace: parts(&filter.replace), scope: filter.scope })
    }

    pub(super) fn apply<'b>(&self, body: &'b [u8]) -> Cow<'b, [u8]> {
        let limit = match self.scope {
            Scope::Once => 1,
            Scope::Global => 0,
        };
        self.pattern.replacen(body, limit, |found: &Captures<'_>| self.replacement(found))
    }

    fn replacement(&self, found: &Captures<'_>) -> Vec<u8> {
        let mut replacement = Vec::new();
        for part in &self.replace {
            match part {
                Part::Bytes(bytes) => replacement.extend_from_slice(bytes),
                Part::Group(number) => {
                    replacement.extend_from_slice(found.get(*number).map_or(b"", |group| group.as_bytes()));
                }
            }
        }
        replacement
    }
}

/// `$1` and `${1}` are groups, `$$` is a `$`; a `$` before anything else stands as it is (nginx's `ngx.re.sub`).
fn parts(replace: &str) -> Vec<Part> {
    let (mut parts, mut bytes, mut rest) = (Vec::new(), Vec::new(), replace);
    while let Some((before, after)) = rest.split_once('$') {
        bytes.extend_from_slice(before.as_bytes());
        rest = match group(after) {
            Some((number, after)) => {
                parts.push(Part::Bytes(std::mem::take(&mut bytes)));
                parts.push(Part::Group(number));
                after
            }
            None => {
                bytes.push(b'$');
                after.strip_prefix('$').unwrap_or(after)
            }
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    parts.push(Part::Bytes(bytes));
    parts
}

fn group(after: &str) -> Option<(usize, &str)> {
    let (digits, rest) = match after.strip_prefix('{') {
        Some(braced) => braced.split_once('}')?,
        None => after.split_at(after.bytes().take_while(u8::is_ascii_digit).count()),
    };
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_replaced_once_or_everywhere() {
        for (regex, replace, scope, options, body, expected) in [
            ("a", "b", Scope::Once, "jo", "aa", "ba"),
            ("a", "b", Scope::Global, "jo", "aa", "bb"),
            ("A", "b", Scope::Global, "jo", "aa", "aa"),
            ("A", "b", Scope::Global, "joi", "aa", "bb"),
            ("x", "b", Scope::Global, "jo", "aa", "aa"),
            ("(\\w)-(\\w)", "$2-${1}0$0", Scope::Once, "jo", "a-b", "b-a0a-b"),
            ("a", "$", Scope::Once, "jo", "a", "$"),
            ("a", "$$1", Scope::Once, "jo", "a", "$1"),
            ("a", "$9", Scope::Once, "jo", "a", ""),
            ("a", "${x}", Scope::Once, "jo", "a", "${x}"),
            ("a.b", "c", Scope::Once, "jo", "a\nb", "a\nb"),
            ("a.b", "c", Scope::Once, "jos", "a\nb", "c"),
            ("é", "e", Scope::Global, "jo", "éé", "ee"),
        ] {
            let filter = Filter {
                regex: regex.parse().unwrap(),
                replace: replace.to_owned(),
                scope,
                options: options.to_owned(),
            };
            let filter = BodyFilter::compile(&filter).unwrap();
            assert_eq!(filter.apply(body.as_bytes()), expected.as_bytes(), "{regex} {replace} {body}");
        }
    }
}
