//! What Postern *is*: references, providers, consumers, credentials, routes, and what can go wrong.
//!
//! Nothing here does I/O, knows a runtime, a database or a web framework, and everything compiles to
//! WASM as well as to native code, so the browser and the server decide by the same functions.
//!
//! In reading order:
//! 1. [`name`], [`sensitive`], [`time`]: the words the rest is written in.
//! 2. [`secret_ref`], [`env_ref`], [`selection`]: the reference grammar; the only place that knows `$secret://`.
//!    [`listing`]: what completes one that is begun.
//! 3. [`provider`], [`consumer`], [`credential`], [`plugin`], [`routing`], [`instance`], [`group`]: what operators store.
//! 4. [`resolve`], [`diagnosis`], [`reason`]: what reading a secret, or testing a provider, can end in, in the
//!    operator's words, and the code of each.
//! 5. [`snapshot`], [`live`], [`fingerprint`], [`shards`]: what the gateway runs.
//! 6. [`webhook`]: how someone else says that a secret has changed.
//! 7. [`control`]: everything an operator can do. [`page`]: some of a long list.

pub mod access;
mod authority;
pub mod certificate;
pub mod consumer;
pub mod control;
pub mod credential;
pub mod diagnosis;
pub mod env_ref;
pub mod fingerprint;
pub mod group;
pub mod instance;
pub mod listing;
pub mod live;
pub mod name;
pub mod near;
pub mod page;
pub mod pem;
pub mod plugin;
pub mod problem;
pub mod provider;
pub mod reason;
pub mod reference;
pub mod resolve;
pub mod routing;
pub mod rule;
pub mod secret_ref;
pub mod selection;
pub mod sensitive;
pub mod session_key;
pub mod shards;
pub mod snapshot;
mod text_form;
pub mod time;
pub mod web_address;
pub mod webhook;

#[cfg(test)]
mod vector_tests;
