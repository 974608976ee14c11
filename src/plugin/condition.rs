//! Conditions on a request and its answer: `[["status", "==", 200], ["arg_debug", "~~", "^on$"]]`, the expressions
//! of lua-resty-expr that APISIX has in `vars`.

use super::filled::AnyVariable;
use super::network::Network;
use super::pattern::Pattern;
use serde::Deserialize;
use serde_json::Value;

/// How deep conditions may stand in each other.
const DEEPEST: usize = 8;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Condition(Rule);

/// What has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    All(Vec<Rule>),
    Any(Vec<Rule>),
    Not(Box<Rule>),
    Compare(AnyVariable, Comparison),
}

/// What a variable has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal(Operand),
    Greater(Number),
    Less(Number),
    Matches { pattern: Pattern, is_case_insensitive: bool },
    OneOf(Vec<Operand>),
    InNetworks(Vec<Network>),
}

/// What a variable is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    Text(String),
    Number(Number),
    /// A variable that is not there.
    Nothing,
}

/// A number of JSON; never not a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(f64);

impl Eq for Number {}

impl Number {
    /// What it is.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Condition {
    /// What has to hold.
    #[must_use]
    pub fn rule(&self) -> &Rule {
        &self.0
    }
}

impl Rule {
    /// A variable in it that only an answer has.
    #[must_use]
    pub fn variable_of_answer(&self) -> Option<&AnyVariable> {
        match self {
            Self::All(rules) | Self::Any(rules) => rules.iter().find_map(Self::variable_of_answer),
            Self::Not(rule) => rule.variable_of_answer(),
            Self::Compare(variable, _) => Some(variable).filter(|variable| variable.is_of_answer()),
        }
    }
}

impl Operand {
    /// Whether the variable is it. A text is a number when it is written as one.
    #[must_use]
    pub fn is(&self, variable: Option<&str>) -> bool {
        match (self, variable) {
            (Self::Nothing, variable) => variable.is_none(),
            (_, None) => false,
            (Self::Text(text), Some(variable)) => text == variable,
            (Self::Number(number), Some(variable)) => {
                variable.parse::<f64>().is_ok_and(|variable| variable == number.0)
            }
        }
    }
}

impl TryFrom<Value> for Condition {
    type Error = String;

    fn try_from(given: Value) -> Result<Self, String> {
        let items = given.as_array().ok_or(EXPECTED)?;
        rules(items, 0).map(Self)
    }
}

const EXPECTED: &str = "This is a list of conditions such as [[\"status\", \"==\", 200]].";

/// A list of rules: all must hold, unless a word before them says otherwise.
fn rules(items: &[Value], depth: usize) -> Result<Rule, String> {
    if depth > DEEPEST {
        return Err(format!("Conditions stand in each other at most {DEEPEST} deep."));
    }
    let (word, rest) = match items.split_first() {
        Some((Value::String(word), rest)) => (word.as_str(), rest),
        _ => ("AND", items),
    };
    let each = || rest.iter().map(|item| rule(item, depth + 1)).collect::<Result<Vec<_>, _>>();
    match word {
        "AND" => each().map(Rule::All),
        "OR" => each().map(Rule::Any),
        "!AND" => Ok(Rule::Not(Box::new(Rule::All(each()?)))),
        "!OR" => Ok(Rule::Not(Box::new(Rule::Any(each()?)))),
        _ => Err(format!("'{word}' does not join conditions: there are AND, OR, !AND and !OR. {EXPECTED}")),
    }
}

fn rule(value: &Value, depth: usize) -> Result<Rule, String> {
    let items = value.as_array().ok_or(EXPECTED)?;
    match items.as_slice() {
        [Value::String(word), ..] if matches!(word.as_str(), "AND" | "OR" | "!AND" | "!OR") => rules(items, depth),
        [Value::String(variable), Value::String(not), Value::String(operator), operand] if not == "!" => {
            Ok(Rule::Not(Box::new(comparison(variable, operator, operand)?)))
        }
        [Value::String(variable), Value::String(operator), operand] => comparison(variable, operator, operand),
        _ => Err(format!("A condition is [variable, operator, value]. {EXPECTED}")),
    }
}

fn comparison(variable: &str, operator: &str, operand: &Value) -> Result<Rule, String> {
    let variable: AnyVariable =
        variable.parse().map_err(|_| format!("'{variable}' is not a variable that the gateway knows."))?;
    let not = |comparison| Rule::Not(Box::new(Rule::Compare(variable.clone(), comparison)));
    let matches = |is_case_insensitive| {
        let pattern = operand.as_str().ok_or("A regular expression is a text.")?;
        let pattern = pattern.parse().map_err(|error: super::pattern::PatternError| error.to_string())?;
        Ok::<_, String>(Comparison::Matches { pattern, is_case_insensitive })
    };
    let comparison = match operator {
        "==" => Comparison::Equal(scalar(operand)?),
        "~=" => return Ok(not(Comparison::Equal(scalar(operand)?))),
        ">" => Comparison::Greater(number(operand)?),
        "<" => Comparison::Less(number(operand)?),
        // What is no number is neither less nor not less, hence not the opposite of `>`.
        "<=" => return at_most(&variable, operand, Comparison::Less),
        ">=" => return at_most(&variable, operand, Comparison::Greater),
        "~~" => matches(false)?,
        "~*" => matches(true)?,
        "in" => Comparison::OneOf(list(operand, scalar)?),
        "ipmatch" => Comparison::InNetworks(list(operand, network)?),
        _ => {
            return Err(format!(
                "'{operator}' is not an operator that the gateway knows: there are ==, ~=, >, >=, <, <=, ~~, ~*, in and ipmatch."
            ));
        }
    };
    Ok(Rule::Compare(variable, comparison))
}

fn at_most(variable: &AnyVariable, operand: &Value, strictly: impl Fn(Number) -> Comparison) -> Result<Rule, String> {
    let bound = number(operand)?;
    let equal = Rule::Compare(variable.clone(), Comparison::Equal(Operand::Number(bound)));
    Ok(Rule::Any(vec![equal, Rule::Compare(variable.clone(), strictly(bound))]))
}

fn scalar(value: &Value) -> Result<Operand, String> {
    match value {
        Value::String(text) => Ok(Operand::Text(text.clone())),
        Value::Null => Ok(Operand::Nothing),
        Value::Number(_) => number(value).map(Operand::Number),
        _ => Err("A variable is compared with a text, a number or null.".to_owned()),
    }
}

fn number(value: &Value) -> Result<Number, String> {
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|number| number.is_finite());
    number.map(Number).ok_or_else(|| "This operator compares with a number.".to_owned())
}

fn network(value: &Value) -> Result<Network, String> {
    let text = value.as_str().ok_or("A range of addresses is a text.")?;
    text.parse().map_err(|error: super::network::NetworkError| error.to_string())
}

fn list<T>(value: &Value, read: impl Fn(&Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    let items = value.as_array().filter(|items| !items.is_empty());
    items.ok_or("This operator has a list of at least one value.")?.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_no_condition_is_refused() {
        for (given, part) in [
            (json!({}), "a list of conditions"),
            (json!(["status", "==", 200]), "does not join"),
            (json!([["status", "=="]]), "[variable, operator, value]"),
            (json!([["status", "=", 200]]), "not an operator"),
            (json!([["nonsense", "==", 200]]), "not a variable"),
            (json!([["status", ">", "x"]]), "with a number"),
            (json!([["status", "in", []]]), "at least one"),
            (json!([["status", "in", 200]]), "at least one"),
            (json!([["remote_addr", "ipmatch", ["x"]]]), "range of addresses"),
            (json!([["uri", "~~", "("]]), "not a regular expression"),
            (json!([["uri", "has", "x"]]), "not an operator"),
            (json!(["XOR", ["status", "==", 200]]), "does not join"),
            (json!([["status", "==", true]]), "a text, a number or null"),
        ] {
            let error = Condition::try_from(given.clone()).unwrap_err();
            assert!(error.contains(part), "{given}: {error}");
        }
        let mut deep = json!(["AND", ["status", "==", 200]]);
        for _ in 0..9 {
            deep = json!(["AND", deep]);
        }
        assert!(Condition::try_from(deep).unwrap_err().contains("at most 8"));
    }

    #[test]
    fn a_variable_is_compared_as_what_it_is_compared_with() {
        let operand = |value: Value| scalar(&value).unwrap();
        for (value, variable, equal) in [
            (json!(200), Some("200"), true),
            (json!(200), Some("200.0"), true),
            (json!(200), Some("x"), false),
            (json!("200"), Some("200.0"), false),
            (json!("a"), Some("a"), true),
            (json!("a"), Some("A"), false),
            (json!("a"), None, false),
            (json!(null), None, true),
            (json!(null), Some("a"), false),
        ] {
            assert_eq!(operand(value.clone()).is(variable), equal, "{value} {variable:?}");
        }
    }
}
