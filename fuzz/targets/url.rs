//! No reference leaves the provider's address and prefix. Lines: Vault Server URL, Secret Prefix, reference.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let (Some(url), Some(prefix), Some(reference)) = (lines.next(), lines.next(), lines.next()) else { return };
    // Those of AWS keep empty parts, and make no URL.
    if reference.starts_with("$secret://vault/") {
        secrets::fuzzing::url(url, prefix, reference);
    }
});
