#![doc = include_str!("../README.md")]
#![recursion_limit = "512"]

#[cfg(all(feature = "ssr", feature = "hydrate"))]
compile_error!("`ssr` and `hydrate` exclude each other");

pub mod api;
pub mod codec;
pub mod error;
#[cfg(feature = "ssr")]
mod first_loads;
pub mod forms;
pub mod go;
pub mod layout;
pub mod load;
pub mod pages;
pub mod parts;
pub mod paths;
pub mod root;
#[cfg(test)]
mod source_rules;
#[cfg(all(test, feature = "ssr"))]
mod ssr_tests;
pub mod title;

#[cfg(feature = "ssr")]
pub use api::provide_control;
pub use error::AppError;
#[cfg(feature = "ssr")]
pub use first_loads::FirstLoads;
pub use root::{App, shell};
