//! No text makes the grammar panic; what it accepts it writes and reads again, and no part climbs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern::reference::Reference;
use postern::secret_ref::{Reading, read};

fuzz_target!(|text: &str| {
    let reading = read(text);
    let reference = match reading {
        Reading::Reference(reference) => Reference::Secret(reference),
        Reading::Env(reference) => Reference::Env(reference),
        Reading::Malformed(error) => {
            let at = error.at.clone();
            assert!(at.start <= at.end && at.end <= text.len(), "{error:?}");
            assert!(text.get(at).is_some(), "the part at fault cuts a character: {error:?}");
            assert!(!error.to_string().is_empty());
            return;
        }
        Reading::NearMiss(_) | Reading::Literal => return,
    };
    assert_eq!(reference.to_string().parse().as_ref(), Ok(&reference));
    if let Reference::Secret(secret) = &reference {
        assert!(!secret.path().is_empty());
        for part in secret.path().iter().map(String::as_str).chain([secret.key()]) {
            assert!(part != "." && part != ".." && !part.contains('/') && !part.chars().any(char::is_control));
        }
    }
});
