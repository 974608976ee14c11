//! How things of the domain look, wherever they are shown.

pub mod diagnosis;
pub mod explanation;
pub mod failure;
pub mod group;
pub mod list;
pub mod page;
pub mod pages;
pub mod reference;
pub mod state;
pub mod time;
