//! The policies that let a token read.

use super::{Kv, Mount, ReadPath, SecretPrefix};

/// The policy text that lets a token read below `prefix`, complete with its closing brace.
#[must_use]
pub fn read_policy(mount: &Mount, prefix: &SecretPrefix) -> String {
    let mut segments = mount.path.clone();
    let below = prefix.below(mount);
    let below = match mount.version {
        Kv::V1 => below,
        Kv::V2 => {
            segments.push("data".to_owned());
            below.strip_prefix(&["data".to_owned()][..]).unwrap_or(below)
        }
    };
    segments.extend(below.iter().cloned());
    read_policy_of(&format!("{}/*", segments.join("/")))
}

/// The policy text that lets a token read `path` (below `/v1/`), complete with its closing brace.
#[must_use]
pub fn read_policy_of(path: &str) -> String {
    format!("path \"{}\" {{\n  capabilities = [\"read\"]\n}}", path.replace('"', "\\\""))
}

/// The policy text that reading exactly `places` takes. For KV version 2 it lets Postern look at their
/// metadata too, which holds no values.
#[must_use]
pub fn least_policy(mount: &Mount, places: &[ReadPath]) -> String {
    let read = places.iter().map(|place| read_policy_of(&place.to_string()));
    let metadata: Vec<String> = places.iter().filter_map(|place| metadata_path(mount, place)).collect();
    let mut text = read.collect::<Vec<_>>().join("\n\n");
    if !metadata.is_empty() {
        text.push_str("\n\n# Not needed to read: a new version is noticed before the next refresh.\n");
        let stanzas: Vec<String> = metadata.iter().map(|path| read_policy_of(path)).collect();
        text.push_str(&stanzas.join("\n\n"));
    }
    text
}

/// Where the metadata of a KV version 2 secret is.
fn metadata_path(mount: &Mount, place: &ReadPath) -> Option<String> {
    let mut segments = place.segments.clone();
    let data = segments.get_mut(mount.path.len()).filter(|_| place.version == Kv::V2)?;
    "metadata".clone_into(data);
    Some(segments.join("/"))
}
