//! Text that is filled in from a request or its answer: `$remote_addr`, `${arg_a}`, and `$1` for what a pattern
//! found. What follows a `$` and is no name stays as it is, as does a `$` behind a backslash (APISIX's `resolve_var`).

use super::variable::{Variable, VariableError};
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A variable of a request, or of the answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AnyVariable {
    Request(Variable),
    /// `status`: of the answer, as the upstream server or the gateway gave it.
    Status,
    /// `sent_http_x_tenant`: a header of the answer. Here with dashes.
    SentHttp(String),
    /// `balancer_ip`: the upstream server's address as the service names it.
    BalancerIp,
    /// `balancer_port`: its port.
    BalancerPort,
}

/// Text with variables and captures in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Filled {
    text: String,
    pieces: Vec<Piece>,
}

/// A piece of a [`Filled`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Piece {
    Text(String),
    Variable(AnyVariable),
    /// What the group of that number found; 0 is the whole.
    Capture(usize),
}

impl AnyVariable {
    /// Whether there is one only once there is an answer.
    #[must_use]
    pub fn is_of_answer(&self) -> bool {
        match self {
            Self::Request(_) => false,
            Self::Status | Self::SentHttp(_) | Self::BalancerIp | Self::BalancerPort => true,
        }
    }
}

impl Filled {
    /// Its pieces, in order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text as it is, when nothing has to be filled in.
    #[must_use]
    pub fn constant(&self) -> Option<&str> {
        let is_text = |piece: &Piece| matches!(piece, Piece::Text(_));
        self.pieces.iter().all(is_text).then_some(self.text.as_str())
    }

    /// The highest capture in it.
    #[must_use]
    pub fn highest_capture(&self) -> Option<usize> {
        let number = |piece: &Piece| match piece {
            Piece::Capture(number) => Some(*number),
            Piece::Text(_) | Piece::Variable(_) => None,
        };
        self.pieces.iter().filter_map(number).max()
    }

    /// A variable in it that only an answer has.
    #[must_use]
    pub fn variable_of_answer(&self) -> Option<&AnyVariable> {
        let of_answer = |piece: &'_ Piece| matches!(piece, Piece::Variable(variable) if variable.is_of_answer());
        match self.pieces.iter().find(|piece| of_answer(piece)) {
            Some(Piece::Variable(variable)) => Some(variable),
            _ => None,
        }
    }
}

impl FromStr for AnyVariable {
    type Err = VariableError;

    fn from_str(name: &str) -> Result<Self, VariableError> {
        Ok(match name {
            "status" => Self::Status,
            "balancer_ip" => Self::BalancerIp,
            "balancer_port" => Self::BalancerPort,
            _ => match name.strip_prefix("sent_http_").filter(|rest| !rest.is_empty()) {
                Some(header) => Self::SentHttp(header.to_ascii_lowercase().replace('_', "-")),
                None => Self::Request(name.parse()?),
            },
        })
    }
}

impl fmt::Display for AnyVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(variable) => variable.fmt(f),
            Self::Status => f.write_str("status"),
            Self::SentHttp(name) => write!(f, "sent_http_{}", name.replace('-', "_")),
            Self::BalancerIp => f.write_str("balancer_ip"),
            Self::BalancerPort => f.write_str("balancer_port"),
        }
    }
}

impl FromStr for Filled {
    type Err = VariableError;

    fn from_str(text: &str) -> Result<Self, VariableError> {
        let mut pieces = Vec::new();
        let (mut plain, mut rest) = (String::new(), text);
        while let Some(at) = rest.find('$') {
            let (before, after) = (&rest[..at], &rest[at + 1..]);
            plain.push_str(before);
            match name_in(after).filter(|_| !before.ends_with('\\')) {
                Some((name, length)) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(match name.parse() {
                        Ok(number) => Piece::Capture(number),
                        Err(_) => Piece::Variable(name.parse()?),
                    });
                    rest = &after[length..];
                }
                None => {
                    plain.push('$');
                    rest = after;
                }
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self { text: text.to_owned(), pieces })
    }
}

/// The name or number behind a `$`, and how much of the text it takes.
fn name_in(after: &str) -> Option<(&str, usize)> {
    let word = |text: &str| text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    if let Some(braced) = after.strip_prefix('{') {
        let length = word(braced);
        return (length > 0 && braced[length..].starts_with('}')).then(|| (&braced[..length], length + 2));
    }
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    // `$1a` is the first group, then an a.
    let length = if digits > 0 { digits } else { word(after) };
    (length > 0).then(|| (&after[..length], length))
}

impl fmt::Display for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

text_form!(AnyVariable, Filled);

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    fn variable(name: &str) -> Piece {
        Piece::Variable(name.parse().unwrap())
    }

    #[test]
    fn text_is_cut_into_what_stands_and_what_is_filled_in() {
        for (given, pieces) in [
            ("", vec![]),
            ("plain", vec![text("plain")]),
            ("$remote_addr", vec![variable("remote_addr")]),
            ("a${arg_x}b", vec![text("a"), variable("arg_x"), text("b")]),
            ("/v2/$1-$2", vec![text("/v2/"), Piece::Capture(1), text("-"), Piece::Capture(2)]),
            ("$1a${2}3", vec![Piece::Capture(1), text("a"), Piece::Capture(2), text("3")]),
            ("5$", vec![text("5$")]),
            ("$ 5 $-", vec![text("$ 5 $-")]),
            ("${", vec![text("${")]),
            ("${a b}", vec![text("${a b}")]),
            (r"\$uri", vec![text(r"\$uri")]),
            ("$status $sent_http_x_a", vec![variable("status"), text(" "), variable("sent_http_x_a")]),
        ] {
            let filled: Filled = given.parse().unwrap();
            assert_eq!(filled.pieces(), pieces, "{given}");
            assert_eq!(filled.to_string(), given);
        }
    }

    #[test]
    fn a_name_that_is_no_variable_is_refused() {
        for given in ["$nonsense", "a ${upstream_bytes_sent}", "$http_", "$sent_http_"] {
            assert!(given.parse::<Filled>().is_err(), "{given}");
        }
    }

    #[test]
    fn what_it_needs_is_known() {
        let of = |given: &str| given.parse::<Filled>().unwrap();
        assert_eq!(of("$1 $3 $2").highest_capture(), Some(3));
        assert_eq!(of("$uri").highest_capture(), None);
        assert_eq!(of("a$status").variable_of_answer(), Some(&AnyVariable::Status));
        assert_eq!(of("$uri$arg_a").variable_of_answer(), None);
        assert_eq!(of("a").constant(), Some("a"));
        assert_eq!(of("$uri").constant(), None);
    }
}
