//! Fills in the texts of configurations with what a request, its answer and a pattern have.

use super::{Access, variables};
use crate::record::Record;
use postern::plugin::filled::{AnyVariable, Filled, Piece};
use postern::plugin::variable::Variable;
use std::borrow::Cow;

/// Where the values come from.
pub(super) trait Known {
    /// The variable's text; nothing when it is not there, or empty.
    fn value(&self, variable: &AnyVariable) -> Option<Cow<'_, str>>;

    /// What a group of a pattern found; empty when it found nothing.
    fn capture(&self, _number: usize) -> &str {
        ""
    }
}

/// A request, and what a pattern found in its path.
pub(super) struct OfRequest<'a, 'r> {
    pub(super) access: &'a Access<'r>,
    pub(super) captures: &'a [String],
}

impl Known for OfRequest<'_, '_> {
    fn value(&self, variable: &AnyVariable) -> Option<Cow<'_, str>> {
        match variable {
            AnyVariable::Request(variable) => variables::value(variable, self.access).map(Cow::Owned),
            // The check at save keeps them out of texts that are filled in before there is an answer.
            AnyVariable::Status | AnyVariable::SentHttp(_) | AnyVariable::BalancerIp | AnyVariable::BalancerPort => {
                None
            }
        }
    }

    fn capture(&self, number: usize) -> &str {
        self.captures.get(number).map_or("", String::as_str)
    }
}

/// A request that is upstream or answered: what was kept of it.
pub(super) struct OfKept<'a>(pub(super) &'a Record);

impl Known for OfKept<'_> {
    fn value(&self, variable: &AnyVariable) -> Option<Cow<'_, str>> {
        match variable {
            AnyVariable::Request(variable) => kept(self.0, variable),
            AnyVariable::Status | AnyVariable::SentHttp(_) | AnyVariable::BalancerIp | AnyVariable::BalancerPort => {
                None
            }
        }
    }
}

/// The variable's text in a request that is upstream or answered.
pub(super) fn kept<'r>(record: &'r Record, variable: &Variable) -> Option<Cow<'r, str>> {
    match variable {
        // Found out after the rest was kept.
        Variable::ConsumerName => Some(record.identity.as_ref()?.consumer.name.as_str().into()),
        variable => record.kept.get(variable).map(Cow::Borrowed),
    }
}

/// The variables of requests in a text.
pub(super) fn of_requests(filled: &Filled) -> impl Iterator<Item = &Variable> {
    filled.pieces().iter().filter_map(|piece| match piece {
        Piece::Variable(AnyVariable::Request(variable)) => Some(variable),
        Piece::Variable(_) | Piece::Text(_) | Piece::Capture(_) => None,
    })
}

/// The text with everything filled in. What is not there is empty.
pub(super) fn fill(filled: &Filled, known: &impl Known) -> String {
    let mut text = String::new();
    for piece in filled.pieces() {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Variable(variable) => text.push_str(&known.value(variable).unwrap_or_default()),
            Piece::Capture(number) => text.push_str(known.capture(*number)),
        }
    }
    text
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Variables by their names; captures by their place.
    pub(in crate::plugin) struct Given<'a>(
        pub(in crate::plugin) &'a [(&'a str, &'a str)],
        pub(in crate::plugin) &'a [&'a str],
    );

    impl Known for Given<'_> {
        fn value(&self, variable: &AnyVariable) -> Option<Cow<'_, str>> {
            let name = variable.to_string();
            self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| Cow::Borrowed(*value))
        }

        fn capture(&self, number: usize) -> &str {
            self.1.get(number).copied().unwrap_or_default()
        }
    }

    #[test]
    fn what_is_not_there_is_empty() {
        let known = Given(&[("remote_addr", "192.0.2.1"), ("status", "200")], &["/a/b", "b"]);
        for (text, expected) in [
            ("plain", "plain"),
            ("$remote_addr:$arg_x", "192.0.2.1:"),
            ("$1-$0-$2", "b-/a/b-"),
            ("${status}s 5$", "200s 5$"),
        ] {
            assert_eq!(fill(&text.parse().unwrap(), &known), expected, "{text}");
        }
    }
}
