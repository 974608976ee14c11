//! No answer of AWS makes a panic; what comes out can be used, or is a failure in words. A reference, a line break, the secret's text;
//! or `!`, an error's code, a line break, its message.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some((first, rest)) = text.split_once('\n') else { return };
    match first.strip_prefix('!') {
        Some(code) => secrets::fuzzing::aws_error(code, rest),
        None => secrets::fuzzing::aws_answer(first, rest),
    }
});
