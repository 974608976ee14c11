//! Reading secrets: the resolve engine and the clients of secret managers.

mod engine;

pub use engine::{Engine, ProviderConfig};
