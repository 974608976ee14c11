//! No answer of Vault makes a panic; what comes out can be used, or is a failure in words. A reference, a line break, the answer.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (Some(reference), Some(body)) = (parts.next(), parts.next()) else { return };
    if let Ok(reference) = std::str::from_utf8(reference) {
        secrets::fuzzing::vault_answer(reference, body);
    }
});
