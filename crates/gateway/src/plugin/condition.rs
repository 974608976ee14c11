//! Conditions on a request and its answer, ready to be asked. The rules are in `postern::plugin::condition`.

use super::fill::Known;
use postern::plugin::condition::{Comparison, Condition, Operand, Rule};
use postern::plugin::filled::AnyVariable;
use postern::plugin::network::Network;
use postern::plugin::pattern::PatternOptions;
use postern::plugin::variable::Variable;
use regex::bytes::Regex;
use std::net::IpAddr;

/// What has to hold.
pub(super) enum When {
    All(Vec<When>),
    Any(Vec<When>),
    Not(Box<When>),
    Compare(AnyVariable, Test),
}

/// What a variable has to be.
pub(super) enum Test {
    Equal(Operand),
    Greater(f64),
    Less(f64),
    Matches(Regex),
    OneOf(Vec<Operand>),
    InNetworks(Vec<Network>),
}

impl When {
    pub(super) fn compile(condition: &Condition) -> Result<Self, String> {
        compile(condition.rule())
    }

    /// Whether it holds.
    pub(super) fn holds(&self, known: &impl Known) -> bool {
        match self {
            Self::All(rules) => rules.iter().all(|rule| rule.holds(known)),
            Self::Any(rules) => rules.iter().any(|rule| rule.holds(known)),
            Self::Not(rule) => !rule.holds(known),
            Self::Compare(variable, test) => test.holds(known.value(variable).as_deref()),
        }
    }

    /// The variables of the request that it asks for.
    pub(super) fn of_requests(&self) -> Vec<&Variable> {
        match self {
            Self::All(rules) | Self::Any(rules) => rules.iter().flat_map(Self::of_requests).collect(),
            Self::Not(rule) => rule.of_requests(),
            Self::Compare(AnyVariable::Request(variable), _) => vec![variable],
            Self::Compare(_, _) => Vec::new(),
        }
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value?.parse::<f64>().ok();
        match self {
            Self::Equal(operand) => operand.is(value),
            Self::OneOf(operands) => operands.iter().any(|operand| operand.is(value)),
            Self::Greater(bound) => number().is_some_and(|number| number > *bound),
            Self::Less(bound) => number().is_some_and(|number| number < *bound),
            Self::Matches(pattern) => value.is_some_and(|value| pattern.is_match(value.as_bytes())),
            Self::InNetworks(networks) => {
                let address =
                    value.and_then(|value| value.parse::<IpAddr>().ok()).map(|address| address.to_canonical());
                address.is_some_and(|address| networks.iter().any(|network| network.contains(address)))
            }
        }
    }
}

fn compile(rule: &Rule) -> Result<When, String> {
    let each = |rules: &[Rule]| rules.iter().map(compile).collect::<Result<Vec<_>, _>>();
    Ok(match rule {
        Rule::All(rules) => When::All(each(rules)?),
        Rule::Any(rules) => When::Any(each(rules)?),
        Rule::Not(rule) => When::Not(Box::new(compile(rule)?)),
        Rule::Compare(variable, comparison) => When::Compare(variable.clone(), test(comparison)?),
    })
}

fn test(comparison: &Comparison) -> Result<Test, String> {
    Ok(match comparison {
        Comparison::Equal(operand) => Test::Equal(operand.clone()),
        Comparison::Greater(bound) => Test::Greater(bound.get()),
        Comparison::Less(bound) => Test::Less(bound.get()),
        Comparison::Matches { pattern, is_case_insensitive } => {
            let options = PatternOptions { is_case_insensitive: *is_case_insensitive, ..PatternOptions::default() };
            Test::Matches(pattern.compile(options).map_err(|error| error.to_string())?)
        }
        Comparison::OneOf(operands) => Test::OneOf(operands.clone()),
        Comparison::InNetworks(networks) => Test::InNetworks(networks.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fill::tests::Given;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_condition_holds_or_not() {
        let known = Given(&[("status", "200"), ("arg_a", "Foo"), ("remote_addr", "10.1.2.3"), ("arg_n", "7.5")], &[]);
        for (condition, holds) in [
            (json!([]), true),
            (json!([["status", "==", 200]]), true),
            (json!([["status", "==", "200"]]), true),
            (json!([["status", "==", 201]]), false),
            (json!([["status", "~=", 200]]), false),
            (json!([["status", "~=", 500]]), true),
            (json!([["status", "!", "==", 500]]), true),
            (json!([["status", ">=", 200], ["status", "<", 300]]), true),
            (json!([["status", ">", 200]]), false),
            (json!([["arg_n", ">", 7]]), true),
            (json!([["arg_n", "<=", 7.5]]), true),
            (json!([["arg_a", ">", 7]]), false),
            (json!([["arg_a", "<=", 7]]), false),
            (json!([["arg_a", "~~", "^foo$"]]), false),
            (json!([["arg_a", "~*", "^foo$"]]), true),
            (json!([["arg_a", "in", ["a", "Foo"]]]), true),
            (json!([["status", "in", [500, 200]]]), true),
            (json!([["status", "in", [500, 502]]]), false),
            (json!([["remote_addr", "ipmatch", ["10.0.0.0/8"]]]), true),
            (json!([["remote_addr", "ipmatch", ["192.0.2.1"]]]), false),
            (json!([["arg_none", "==", null]]), true),
            (json!([["arg_none", "==", ""]]), false),
            (json!([["arg_none", "~=", "x"]]), true),
            (json!([["arg_none", "~~", ".*"]]), false),
            (json!(["OR", ["status", "==", 500], ["arg_a", "==", "Foo"]]), true),
            (json!(["AND", ["status", "==", 500], ["arg_a", "==", "Foo"]]), false),
            (json!(["!OR", ["status", "==", 500], ["arg_a", "==", "Foo"]]), false),
            (json!(["!AND", ["status", "==", 500], ["arg_a", "==", "Foo"]]), true),
            (json!([["OR", ["status", "==", 500], ["arg_a", "==", "Foo"]], ["arg_n", "==", 7.5]]), true),
        ] {
            let compiled = When::compile(&condition.clone().try_into().unwrap()).unwrap();
            assert_eq!(compiled.holds(&known), holds, "{condition}");
        }
    }
}
