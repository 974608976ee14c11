//! What the user needs for the secrets in use, and whether it may read others too.

use super::client::Refusal;
use super::{Aws, Round, segments};
use postern::access::{Access, Excess};
use postern::provider::aws::{AwsFailure, candidates, least_policy};
use postern::secret_ref::SecretRef;
use std::collections::{BTreeMap, BTreeSet};

/// A name that no secret should have and no policy names.
const PROBE: &str = "postern-permission-probe";

impl Aws {
    /// The policy that reading these references takes. Each is read once, since only that tells where its
    /// secret's name ends.
    pub(super) async fn permissions(&self, references: &BTreeSet<SecretRef>) -> Result<Access, AwsFailure> {
        let mut names = BTreeSet::new();
        for reference in references {
            let key = reference.key();
            let segments = segments(reference.path(), key);
            let mut round = Round { pin: reference.pin(), read: BTreeMap::new() };
            let value = self.value(&segments, reference.selector(), &mut round).await;
            if let Err(
                failure @ (AwsFailure::Credentials { .. } | AwsFailure::Role { .. } | AwsFailure::Unreachable { .. }),
            ) = value
            {
                return Err(failure);
            }
            // Where no split works, the usual one: the last part is the key.
            let usual =
                || candidates(&segments).into_iter().find(|candidate| candidate.key.is_some() || key.is_empty());
            names.extend(self.known(&segments).or_else(usual).map(|candidate| candidate.secret_id));
        }
        if names.is_empty() {
            names.insert("<secret name>".to_owned());
        }
        let policy = least_policy(&self.settings.region, names.iter().map(String::as_str));
        Ok(Access { language: "IAM policy (JSON)".to_owned(), policy, excess: self.excess().await? })
    }

    async fn excess(&self) -> Result<Excess, AwsFailure> {
        match self.client.get(PROBE, None).await {
            // To be told that it is not there takes the right to read it.
            Ok(_) | Err(Refusal::Absent) => {
                let region = &self.settings.region;
                Ok(Excess::of(vec![format!("Its user may read every secret in {region}, whatever its name.")]))
            }
            Err(Refusal::Denied) => Ok(Excess::Nothing),
            Err(Refusal::Final(failure)) => Err(failure),
        }
    }
}
