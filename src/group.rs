//! A gateway group: what is configured together and runs on the same gateway instances.

use crate::name::GroupName;
use serde::{Deserialize, Serialize};

/// One gateway group. A group named `default` exists in every installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayGroup {
    pub name: GroupName,
    pub description: String,
}
