//! What `fuzz/` drives. Each function claims of any input what must hold of it.

use crate::aws;
use crate::vault;
use postern::provider::vault::{Kv, KvVersion, Mount, SecretPrefix, VaultAuth, VaultSettings, VaultUrl};
use postern::resolve::Failure;
use postern::secret_ref::SecretRef;
use postern::sensitive::Plain;

/// A reference's URL has the provider's host, and begins with its base path and prefix.
pub fn url(url: &str, prefix: &str, reference: &str) {
    let parsed = (url.parse::<VaultUrl>(), prefix.parse::<SecretPrefix>(), reference.parse::<SecretRef>());
    if let (Ok(url), Ok(prefix), Ok(reference)) = parsed {
        for version in [Kv::V1, Kv::V2] {
            let mount = Mount { path: vec![prefix.first().to_owned()], version };
            let settings = settings(&url, &prefix);
            vault::fuzz_url(&settings, &settings.locate(&mount, reference.path()).segments);
        }
    }
}

fn settings(url: &VaultUrl, prefix: &SecretPrefix) -> VaultSettings<Plain> {
    VaultSettings {
        kv_version: KvVersion::Auto,
        url: url.clone(),
        prefix: prefix.clone(),
        auth: VaultAuth::Token { token: Plain::new("t".to_owned()) },
        namespace: None,
        ca_certificate: None,
        server_name: None,
        client_certificate: None,
        timeout: postern::provider::timeout::Timeout::default(),
    }
}

/// Vault's answer to a read gives a value that can be used, or a failure without one.
pub fn vault_answer(reference: &str, body: &[u8]) {
    let Ok(reference) = reference.parse::<SecretRef>() else { return };
    for version in [Kv::V1, Kv::V2] {
        if let Some(result) = vault::fuzz_answer(version, body, reference.selector()) {
            check(&result);
        }
    }
}

/// A secret of AWS gives a value that can be used, or a failure without one.
pub fn aws_answer(reference: &str, text: &str) {
    if let Ok(reference) = reference.parse::<SecretRef>() {
        for key in [None, Some(reference.key())] {
            check(&aws::fuzz_answer(text, key, reference.selector()).map_err(Failure::Aws));
        }
    }
}

/// An error of AWS has a meaning, and its message is never repeated.
pub fn aws_error(code: &str, message: &str) {
    aws::fuzz_error(code, message);
}

#[expect(clippy::disallowed_methods, reason = "looked at, and not kept")]
fn check(result: &Result<Plain, Failure>) {
    match result {
        Ok(value) => {
            let value = value.expose();
            assert!(!value.is_empty() && value.len() <= crate::select::MAX_VALUE, "not usable: {} bytes", value.len());
            assert!(!value.chars().any(char::is_control), "a control character");
        }
        Err(failure) => {
            let explanation = failure.explain();
            assert!(!explanation.what.is_empty() && !explanation.fix.is_empty(), "{failure:?}");
            assert!(!failure.reason().code().is_empty(), "{failure:?}");
        }
    }
}
