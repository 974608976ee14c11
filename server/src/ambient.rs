//! What secret providers may use of this machine, gateway group by gateway group: nothing, unless it is said here.

use postern::name::GroupName;
use secrets::Ambient;
use std::collections::BTreeMap;
use std::path::Path;

/// What the providers of which group may use of this machine.
pub(crate) fn of_groups(
    credentials: Option<&str>,
    token_files: Option<&str>,
) -> Result<BTreeMap<GroupName, Ambient>, String> {
    let mut groups = BTreeMap::<GroupName, Ambient>::new();
    for name in items(credentials) {
        let group = name.parse().map_err(|_| {
            format!("--ambient-credentials: expected names of gateway groups such as default, got '{name}'.")
        })?;
        groups.entry(group).or_default().credentials = true;
    }
    for item in items(token_files) {
        let parts = item.split_once('=').filter(|(_, folder)| Path::new(folder).is_absolute());
        let (group, folder) = parts.and_then(|(name, folder)| Some((name.parse().ok()?, folder))).ok_or_else(|| {
            format!(
                "--token-files: expected a gateway group and its folder such as default=/run/vault-agent, got '{item}'."
            )
        })?;
        if groups.entry(group).or_default().token_files.replace(folder.into()).is_some() {
            return Err(format!("--token-files: a gateway group has one folder, and '{item}' gives it another."));
        }
    }
    Ok(groups)
}

fn items(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|item| !item.is_empty())
}
