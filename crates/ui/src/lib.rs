#![doc = include_str!("../README.md")]

pub mod button;
pub mod dialog;
mod dom;
pub mod feedback;
pub mod field;
pub mod form;
pub mod icon;
pub mod json_editor;
pub mod ready;
pub mod snippet;
pub mod tabs;
pub mod toast;
#[cfg(test)]
mod tokens;

pub use button::{Button, Look};
pub use dialog::{Dialog, DialogBody, DialogFoot};
pub use dom::{every, focus_id, random_key, set_cookie};
pub use feedback::{Badge, Callout, Disclosure, Empty, Tone};
pub use field::{BareArea, BareInput, Checkbox, Choice, FaultLine, Radio, Select, TextArea, TextInput};
pub use form::{ErrorSummary, Faults, FieldFrame};
pub use icon::{Glyph, Icon};
pub use json_editor::{EditorHandle, JsonEditor};
pub use ready::{Ready, is_hydrating, mark_hydrated, ready_scope};
pub use snippet::{CopyButton, Snippet};
pub use tabs::{Tab, TabList};
pub use toast::{Toaster, Toasts};
