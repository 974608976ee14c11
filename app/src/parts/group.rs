//! The gateway group around a page.

use crate::paths::Paths;
use leptos::prelude::*;
use postern::name::GroupName;

/// The group whose pages these are.
#[derive(Clone, Debug)]
pub struct InGroup(pub Memo<GroupName>);

/// The group around the caller.
#[must_use]
pub fn group() -> GroupName {
    use_context::<InGroup>().map_or_else(GroupName::default_group, |InGroup(group)| group.get_untracked())
}

/// The group around the caller; tracked.
#[must_use]
pub fn group_signal() -> Signal<GroupName> {
    match use_context::<InGroup>() {
        Some(InGroup(group)) => group.into(),
        None => GroupName::default_group().into(),
    }
}

/// The addresses of the group around the caller.
#[must_use]
pub fn paths() -> Paths {
    Paths::of(&group())
}
