//! Consumers: the callers of the services behind the gateway.

use crate::name::ConsumerName;
use crate::problem::{FieldProblem, Problems};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A caller of the services behind the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumer {
    pub name: ConsumerName,
    pub description: String,
    /// Values have no blanks (`apisix/schema_def.lua`, `labels`). The label `custom_id` is sent
    /// upstream as `X-Consumer-Custom-ID`.
    pub labels: BTreeMap<String, String>,
}

impl Consumer {
    /// What a list of consumers is searched for besides the name.
    #[must_use]
    pub fn search_text(&self) -> String {
        let labels = self.labels.iter().map(|(key, value)| format!("\n{key}={value}"));
        std::iter::once(self.description.clone()).chain(labels).collect()
    }
}

/// The consumer dialog as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerForm {
    pub name: String,
    pub description: String,
    /// One `key=value` a line.
    pub labels: String,
}

impl ConsumerForm {
    /// Checks every field and says what is wrong with each.
    ///
    /// # Errors
    /// One problem for each field at fault.
    pub fn parse(&self) -> Result<Consumer, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let name = problems.check("name", self.name.trim().parse());
        if self.description.chars().count() > 256 {
            problems.add("description", "A description has at most 256 characters.");
        }
        let labels = problems.check("labels", parse_labels(&self.labels));
        let consumer =
            (|| Some(Consumer { name: name?, description: self.description.trim().to_owned(), labels: labels? }))();
        problems.finish(consumer)
    }

    /// The form that edits `consumer`.
    #[must_use]
    pub fn of(consumer: &Consumer) -> Self {
        let labels: Vec<String> = consumer.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        Self { name: consumer.name.to_string(), description: consumer.description.clone(), labels: labels.join("\n") }
    }
}

fn parse_labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut labels = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((key, value)) = line.split_once('=') else {
            return Err(format!("'{line}' is not a label: write key=value, one a line."));
        };
        let visible = |s: &str| !s.is_empty() && s.len() <= 256 && s.chars().all(|c| c.is_ascii_graphic());
        if !visible(key) || !visible(value) {
            return Err(format!(
                "'{line}': a label's key and value have 1 to 256 letters, digits or signs and no blanks."
            ));
        }
        if labels.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(format!("The label '{key}' is given twice."));
        }
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(name: &str, labels: &str) -> Vec<String> {
        let form = ConsumerForm { name: name.to_owned(), labels: labels.to_owned(), ..ConsumerForm::default() };
        form.parse().err().unwrap_or_default().into_iter().map(|p| p.field).collect()
    }

    #[test]
    fn forms_are_checked_field_by_field() {
        for (name, labels, wrong) in [
            ("Alice", "", vec![]),
            ("Alice", "team=a\ncustom_id=42", vec![]),
            ("", "", vec!["name"]),
            ("a b", "x", vec!["name", "labels"]),
            ("a", "k=a b", vec!["labels"]),
            ("a", "k=1\nk=2", vec!["labels"]),
        ] {
            assert_eq!(fields(name, labels), wrong, "{name:?} {labels:?}");
        }
    }
}
