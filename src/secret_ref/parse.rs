//! From a text to a reference.

use super::{MAX_LENGTH, RefError, RefProblem, SCHEME, SecretRef};
use crate::name::ProviderId;
use crate::provider::{Manager, kubernetes};
use crate::selection::{Fault, Pin, Selector, Written};
use std::ops::Range;
use std::str::FromStr;

/// One part between slashes, with its place in the text.
pub(super) struct Segment<'a> {
    text: &'a str,
    at: Range<usize>,
}

impl FromStr for SecretRef {
    type Err = RefError;

    fn from_str(text: &str) -> Result<Self, RefError> {
        if !text.starts_with(SCHEME) {
            return fail(RefProblem::NotAReference, 0..text.len().min(SCHEME.len()));
        }
        if text.len() > MAX_LENGTH {
            return Err(RefError::too_long(text));
        }
        let written = Written::of(text);
        let end = written.plain.len();
        let mut segments = segments(&written.plain[SCHEME.len()..]).into_iter();
        let (manager, named) = parse_manager(segments.next(), end)?;
        let provider = parse_provider(segments.next(), &named, end)?;
        let (path, key) = match manager {
            Manager::Vault => parse_path(segments, end)?,
            Manager::Aws => parse_aws_path(segments, end)?,
            Manager::Kubernetes => parse_kubernetes_path(segments, end)?,
        };
        let pin = match manager {
            Manager::Vault => Pin::of_vault,
            Manager::Aws => Pin::of_aws,
            Manager::Kubernetes => Pin::of_kubernetes,
        };
        let extensions = written.extensions(pin)?;
        let selector = Selector { key, decode: extensions.decode, pointer: extensions.pointer };
        Ok(Self { manager, provider, path, pin: extensions.pin, selector })
    }
}

impl From<Fault> for RefError {
    fn from(Fault { why, at }: Fault) -> Self {
        Self { problem: RefProblem::BadExtension { why }, at }
    }
}

fn fail<T>(problem: RefProblem, at: Range<usize>) -> Result<T, RefError> {
    Err(RefError { problem, at })
}

pub(super) fn segments(rest: &str) -> Vec<Segment<'_>> {
    let mut start = SCHEME.len();
    rest.split('/')
        .map(|text| {
            let at = start..start + text.len();
            start = at.end + 1;
            Segment { text, at }
        })
        .collect()
}

pub(super) fn parse_manager(segment: Option<Segment<'_>>, end: usize) -> Result<(Manager, String), RefError> {
    let Some(segment) = segment.filter(|s| !s.text.is_empty()) else {
        return fail(RefProblem::MissingManager, SCHEME.len()..end);
    };
    match Manager::from_slug(segment.text) {
        Some(manager) => Ok((manager, segment.text.to_owned())),
        None => fail(
            RefProblem::UnknownManager {
                found: segment.text.to_owned(),
                hint: Manager::from_slug(&segment.text.to_ascii_lowercase()),
            },
            segment.at,
        ),
    }
}

pub(super) fn parse_provider(segment: Option<Segment<'_>>, manager: &str, end: usize) -> Result<ProviderId, RefError> {
    let Some(segment) = segment.filter(|s| !s.text.is_empty()) else {
        let manager = manager.to_owned();
        return fail(RefProblem::MissingProviderId { manager }, end..end);
    };
    segment.text.parse().map_err(|why: crate::name::NameError| RefError {
        problem: RefProblem::BadProviderId { found: segment.text.to_owned(), why: why.to_string() },
        at: segment.at,
    })
}

/// Everything after the provider: the path to the secret, and the key after its last slash.
fn parse_path<'a>(segments: impl Iterator<Item = Segment<'a>>, end: usize) -> Result<(Vec<String>, String), RefError> {
    let mut kept: Vec<String> = Vec::new();
    let mut ends_with_slash = true;
    for segment in segments {
        ends_with_slash = segment.text.is_empty();
        if !ends_with_slash {
            check_segment(&segment)?;
            kept.push(segment.text.to_owned());
        }
    }
    if kept.is_empty() {
        return fail(RefProblem::MissingPath, end..end);
    }
    if ends_with_slash || kept.len() == 1 {
        return fail(RefProblem::MissingField { path: kept.join("/") }, end..end);
    }
    let key = kept.pop().unwrap_or_default();
    Ok((kept, key))
}

/// As [`parse_path`], but one segment is enough, and an empty one in between or in front is kept.
fn parse_aws_path<'a>(
    segments: impl Iterator<Item = Segment<'a>>,
    end: usize,
) -> Result<(Vec<String>, String), RefError> {
    let mut kept = check_segments(segments)?;
    if kept.iter().all(String::is_empty) {
        return fail(RefProblem::MissingPath, end..end);
    }
    match kept.pop() {
        Some(last) if last.is_empty() => fail(RefProblem::MissingField { path: kept.join("/") }, end..end),
        Some(only) if kept.is_empty() => Ok((vec![only], String::new())),
        last => Ok((kept, last.unwrap_or_default())),
    }
}

/// Namespace, Secret and key: each once.
fn parse_kubernetes_path<'a>(
    segments: impl Iterator<Item = Segment<'a>>,
    end: usize,
) -> Result<(Vec<String>, String), RefError> {
    let (path, key) = parse_path(segments, end)?;
    match kubernetes::check_path(&path, &key) {
        Ok(()) => Ok((path, key)),
        Err(why) if path.len() == 1 => fail(RefProblem::BadPath { why }, end..end),
        Err(why) => fail(RefProblem::BadPath { why }, end.saturating_sub(key.len() + path.join("/").len() + 1)..end),
    }
}

/// Their texts, if each may stand in a reference. Empty ones are kept.
pub(super) fn check_segments<'a>(segments: impl Iterator<Item = Segment<'a>>) -> Result<Vec<String>, RefError> {
    segments.map(|segment| check_segment(&segment).map(|()| segment.text.to_owned())).collect()
}

fn check_segment(segment: &Segment<'_>) -> Result<(), RefError> {
    let text = segment.text;
    if text == "." || text == ".." {
        return fail(RefProblem::BadSegment { segment: text.to_owned() }, segment.at.clone());
    }
    if let Some((offset, character)) = text.char_indices().find(|(_, c)| is_forbidden(*c)) {
        let start = segment.at.start + offset;
        return fail(RefProblem::ForbiddenCharacter { character }, start..start + character.len_utf8());
    }
    if text.trim() != text {
        return fail(RefProblem::StrayBlank { segment: text.to_owned() }, segment.at.clone());
    }
    Ok(())
}

/// `\` and `;` mean different things to different servers.
fn is_forbidden(c: char) -> bool {
    c.is_control() || matches!(c, '\\' | ';')
}
