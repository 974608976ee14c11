//! The path and query that proxy-rewrite sends upstream.
//!
//! What must never happen here: something that a client chose ends the path, begins another argument, or steps out
//! of the path that the operator wrote.

use super::fill::Known;
use crate::reject::Reject;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use postern::plugin::filled::{AnyVariable, Filled, Piece};
use postern::plugin::pattern::{Pattern, PatternOptions};
use postern::plugin::variable::Variable;
use regex::bytes::Regex;

/// What stands in a path as it is: unreserved characters, sub-delims, `:`, `@` and `/` (RFC 3986 §3.3).
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// What an operator cannot have meant to stand in a query as it is.
const NOT_IN_QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// What would begin another argument, or be read as another character.
const NOT_IN_ARGUMENT: &AsciiSet = &NOT_IN_QUERY.add(b'&').add(b'=').add(b'+').add(b'%').add(b';').add(b'?');

const BAD_PART: Reject = Reject::BadRequest(
    "A part of this request goes into the path on this route, and has a backslash, a control character or '..' in it.",
);

/// How the path is rewritten.
pub(super) enum PathChange {
    Uri(Target),
    Replaced(Vec<(Regex, Target)>),
}

/// What is sent in place of a path: a path, and arguments that come before those of the client.
pub(super) struct Target {
    path: Vec<Piece>,
    query: Option<Vec<Piece>>,
}

/// A path and a query, as they are sent. What patterns found is kept for headers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) path: String,
    pub(super) query: Option<String>,
}

impl PathChange {
    /// `uri` wins over `regex_uri`.
    pub(super) fn compile(uri: Option<&Filled>, regex_uri: &[(Pattern, Filled)]) -> Result<Option<Self>, String> {
        if let Some(uri) = uri {
            return Ok(Some(Self::Uri(Target::of(uri))));
        }
        let pair = |(pattern, template): &(Pattern, Filled)| {
            let compiled = pattern.compile(PatternOptions::default());
            Ok((compiled.map_err(|error| format!("proxy-rewrite: {error}"))?, Target::of(template)))
        };
        let pairs = regex_uri.iter().map(pair).collect::<Result<Vec<_>, String>>()?;
        Ok(Some(Self::Replaced(pairs)).filter(|_| !regex_uri.is_empty()))
    }

    /// What the first pattern that finds something finds in `path`, which is decoded; each group's text.
    pub(super) fn captures(&self, path: &str) -> Vec<String> {
        let Self::Replaced(pairs) = self else { return Vec::new() };
        let found = pairs.iter().find_map(|(pattern, _)| pattern.captures(path.as_bytes()));
        let Some(found) = found else { return Vec::new() };
        let text = |group: Option<regex::bytes::Match<'_>>| {
            group.map(|group| String::from_utf8_lossy(group.as_bytes()).into_owned()).unwrap_or_default()
        };
        found.iter().map(text).collect()
    }

    /// What is sent in place of `path`, which is decoded. Nothing when no pattern finds anything.
    pub(super) fn of(&self, path: &str, known: &impl Known) -> Result<Option<Sent>, Reject> {
        let sent = match self {
            Self::Uri(target) => target.fill("", "", known)?,
            Self::Replaced(pairs) => {
                let found = pairs.iter().find_map(|(pattern, target)| Some((pattern.find(path.as_bytes())?, target)));
                let Some((found, target)) = found else { return Ok(None) };
                // A pattern on bytes may end within a character.
                let (Some(before), Some(after)) = (path.get(..found.start()), path.get(found.end()..)) else {
                    return Err(BAD_PART);
                };
                target.fill(before, after, known)?
            }
        };
        Ok(Some(sent))
    }
}

impl Target {
    /// The first `?` that the operator wrote ends the path.
    fn of(filled: &Filled) -> Self {
        let (mut path, mut query) = (Vec::new(), None::<Vec<Piece>>);
        for piece in filled.pieces() {
            match (&mut query, piece) {
                (Some(query), piece) => query.push(piece.clone()),
                (None, Piece::Text(text)) => match text.split_once('?') {
                    Some((before, after)) => {
                        path.push(Piece::Text(before.to_owned()));
                        query = Some(vec![Piece::Text(after.to_owned())]);
                    }
                    None => path.push(piece.clone()),
                },
                (None, piece) => path.push(piece.clone()),
            }
        }
        Self { path, query }
    }

    /// `before` and `after` are what the pattern left of the path.
    fn fill(&self, before: &str, after: &str, known: &impl Known) -> Result<Sent, Reject> {
        let mut path = encoded(before, NOT_IN_PATH);
        for piece in &self.path {
            path.push_str(&encoded(&part(piece, known)?, NOT_IN_PATH));
        }
        let Some(pieces) = &self.query else {
            path.push_str(&encoded(after, NOT_IN_PATH));
            return Ok(Sent { path: sound(path)?, query: None });
        };
        let mut query = String::new();
        for piece in pieces {
            let set = match piece {
                // Arguments as they came are arguments already.
                Piece::Text(_) | Piece::Variable(AnyVariable::Request(Variable::Args)) => NOT_IN_QUERY,
                Piece::Variable(_) | Piece::Capture(_) => NOT_IN_ARGUMENT,
            };
            query.push_str(&encoded(&part(piece, known)?, set));
        }
        query.push_str(&encoded(after, NOT_IN_ARGUMENT));
        Ok(Sent { path: sound(path)?, query: Some(query) })
    }
}

fn part(piece: &Piece, known: &impl Known) -> Result<String, Reject> {
    let of_request = match piece {
        Piece::Text(text) => return Ok(text.clone()),
        Piece::Variable(variable) => known.value(variable).unwrap_or_default().into_owned(),
        Piece::Capture(number) => known.capture(*number).to_owned(),
    };
    let is_bad = of_request.chars().any(|c| c == '\\' || c.is_control());
    if is_bad { Err(BAD_PART) } else { Ok(of_request) }
}

fn encoded(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(text, set).to_string()
}

/// The path, if it is one that is read in one way only.
fn sound(path: String) -> Result<String, Reject> {
    let is_dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    if path.split('/').any(is_dots) {
        return Err(BAD_PART);
    }
    if !path.starts_with('/') {
        tracing::error!(
            "proxy-rewrite: what regex_uri makes of a path does not begin with '/'; its requests are refused"
        );
        return Err(Reject::NotEnforceable);
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::super::fill::tests::Given;
    use super::*;

    fn uri(text: &str) -> PathChange {
        PathChange::compile(Some(&text.parse().unwrap()), &[]).unwrap().unwrap()
    }

    fn regex_uri(pairs: &[(&str, &str)]) -> PathChange {
        let pairs: Vec<_> = pairs.iter().map(|(pattern, to)| (pattern.parse().unwrap(), to.parse().unwrap())).collect();
        PathChange::compile(None, &pairs).unwrap().unwrap()
    }

    /// As it is sent: `path` or `path?query`; `-` when nothing is changed, `400` and `503` when it is refused.
    fn sent(change: &PathChange, path: &str, variables: &[(&str, &str)]) -> String {
        let captures = change.captures(path);
        let captures: Vec<&str> = captures.iter().map(String::as_str).collect();
        match change.of(path, &Given(variables, &captures)) {
            Ok(Some(Sent { path, query: Some(query) })) => format!("{path}?{query}"),
            Ok(Some(Sent { path, query: None })) => path,
            Ok(None) => "-".to_owned(),
            Err(reject) => reject.status().as_u16().to_string(),
        }
    }

    #[test]
    fn a_uri_takes_the_place_of_the_path() {
        for (text, variables, expected) in [
            ("/b", &[][..], "/b"),
            ("/b c", &[], "/b%20c"),
            ("/100%", &[], "/100%25"),
            ("/b?c=d", &[], "/b?c=d"),
            ("/café", &[], "/caf%C3%A9"),
            ("/$arg_a/c", &[("arg_a", "x")], "/x/c"),
            ("/$arg_a/c", &[], "//c"),
            ("/$arg_a", &[("arg_a", "x?y=z")], "/x%3Fy=z"),
            ("/$arg_a", &[("arg_a", "x#y")], "/x%23y"),
            ("/$arg_a", &[("arg_a", "%2e%2e")], "/%252e%252e"),
            ("/$arg_a", &[("arg_a", "a/../../b")], "400"),
            ("/files/$arg_a", &[("arg_a", "..")], "400"),
            ("/files/$arg_a", &[("arg_a", ".")], "400"),
            ("/files/$arg_a", &[("arg_a", "..;x")], "400"),
            ("/files/$arg_a", &[("arg_a", r"..\..")], "400"),
            ("/files/$arg_a", &[("arg_a", "a\r\nb")], "400"),
            ("/b?q=$arg_a", &[("arg_a", "x&admin=1")], "/b?q=x%26admin%3D1"),
            ("/b?q=$arg_a", &[("arg_a", "a b")], "/b?q=a%20b"),
            ("/b?$args", &[("args", "x=1&y=2")], "/b?x=1&y=2"),
            ("/b?from=$uri", &[("uri", "/a/b")], "/b?from=/a/b"),
        ] {
            assert_eq!(sent(&uri(text), "/a", variables), expected, "{text} {variables:?}");
        }
    }

    #[test]
    fn the_first_pattern_that_finds_something_decides() {
        for (pairs, path, expected) in [
            (&[("^/a/(.*)", "/b/$1")][..], "/a/x/y", "/b/x/y"),
            (&[("^/a/(.*)", "/b/$1")], "/c", "-"),
            (&[("^/a/(.*)/(.*)", "/$2-$1?was=$0")], "/a/x/y", "/y-x?was=/a/x/y"),
            (&[("^/c", "/1"), ("^/a", "/2"), ("^/", "/3")], "/a/x", "/2/x"),
            (&[("/v1/", "/v2/")], "/api/v1/users", "/api/v2/users"),
            (&[("/v1", "/v2?x=1")], "/api/v1/a&b", "/api/v2?x=1/a%26b"),
            (&[("^/a/(.*)", "/$1")], "/a/b c", "/b%20c"),
            (&[("^/a/(.*)", "/$1")], "/a/b?c", "/b%3Fc"),
            (&[("^/a/(.*)", "$1")], "/a/b", "503"),
            (&[("^/a/(.*)", "/$1")], "/a/..", "400"),
            (&[("^/a(x)?", "/b$1")], "/a", "/b"),
            (&[("^/(.)hidden(.)", "/$1$2/x")], "/.hidden.", "400"),
            (&[("^/.", "/b")], "/é", "400"),
        ] {
            assert_eq!(sent(&regex_uri(pairs), path, &[]), expected, "{pairs:?} {path}");
        }
    }
}
