//! What is told of a plugin: its names, its place in the order, its fields.

use super::schema::Field;
use crate::problem::FieldProblem;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// All that is told of a plugin; each has one, in its own file.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The machine name: `key-auth`.
    pub slug: &'static str,
    /// As the dashboard shows it.
    pub label: &'static str,
    /// One sentence for the catalogue.
    pub summary: &'static str,
    /// What happens when it is removed.
    pub consequence_of_removal: &'static str,
    /// Of the plugins of one phase, those with a higher one run first. As in APISIX 3.18 (`conf/config.yaml.example`).
    pub priority: i32,
    pub phase: Phase,
    /// Whether it lets nobody pass who does not prove who they are.
    pub authenticates: bool,
    /// On a service or route, or for all requests.
    pub fields: &'static [Field],
    /// What the fields of a configuration have to say of each other.
    pub check: Check,
    /// What the JSON editor opens with.
    pub example: &'static str,
    pub on_consumer: OnConsumer,
    /// What is told of it once for the whole gateway group: its metadata.
    pub metadata: &'static [Field],
}

/// What is wrong with a configuration that no single field tells. A secret's place holds its own path.
/// It is asked also when single fields are wrong, and says nothing then.
pub type Check = fn(&Map<String, Value>) -> Vec<FieldProblem>;

/// When in a request's life a plugin decides whether it passes. Any plugin may change the answer afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Who it comes from, and what it is made into.
    Rewrite,
    /// Whether it may pass.
    Access,
}

/// What a plugin is on a consumer.
#[derive(Clone, Copy, Debug)]
pub enum OnConsumer {
    /// The same as on a route.
    AsOnRoute,
    /// Something else, with fields of its own.
    With {
        fields: &'static [Field],
        check: Check,
        example: &'static str,
        /// The field by which requests that name it find the consumer, if there is one.
        known_by: Option<KnownBy>,
    },
    /// Nothing. The text says what to do in place of it.
    Refused(&'static str),
}

/// How requests find a consumer by a plugin of its own.
#[derive(Clone, Copy, Debug)]
pub struct KnownBy {
    /// The field with the name that they give.
    pub field: &'static str,
    /// The one spelling of a name, or the rule that it breaks, as a sentence with nothing of the name in it.
    pub read: fn(&str) -> Result<String, String>,
}

/// What kind of object a plugin's configuration belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// A service or route, or all requests.
    #[default]
    Route,
    /// A consumer.
    Consumer,
    /// The gateway group: not a plugin that runs, but what all of that name have in common.
    Metadata,
}

impl About {
    /// A plugin without fields, for `..About::BASE`.
    pub const BASE: Self = Self {
        slug: "",
        label: "",
        summary: "",
        consequence_of_removal: "",
        priority: 0,
        phase: Phase::Access,
        authenticates: false,
        fields: &[],
        check: nothing_more,
        example: "{}",
        on_consumer: OnConsumer::AsOnRoute,
        metadata: &[],
    };

    /// Its fields there; none where it cannot be.
    #[must_use]
    pub fn fields(&self, placement: Placement) -> &'static [Field] {
        match (placement, &self.on_consumer) {
            (Placement::Route, _) | (Placement::Consumer, OnConsumer::AsOnRoute) => self.fields,
            (Placement::Consumer, OnConsumer::With { fields, .. }) => fields,
            (Placement::Consumer, OnConsumer::Refused(_)) => &[],
            (Placement::Metadata, _) => self.metadata,
        }
    }

    pub(super) fn check(&self, placement: Placement) -> Check {
        match (placement, &self.on_consumer) {
            (Placement::Consumer, OnConsumer::With { check, .. }) => *check,
            (Placement::Route, _) | (Placement::Consumer, OnConsumer::AsOnRoute | OnConsumer::Refused(_)) => self.check,
            (Placement::Metadata, _) => nothing_more,
        }
    }
}

/// The [`Check`] of a plugin whose fields have nothing to do with each other.
#[must_use]
pub fn nothing_more(_: &Map<String, Value>) -> Vec<FieldProblem> {
    Vec::new()
}
