use super::*;
use crate::secret_ref::SecretRef;

/// A reference's key, version, and what is done to the value.
fn check(text: &str, key: &str, pin: Option<&str>, steps: &str) {
    let reference: SecretRef = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(reference.key(), key, "{text}");
    assert_eq!(reference.pin().map(Pin::to_string).as_deref(), pin, "{text}");
    assert_eq!(reference.selector().steps(), steps, "{text}");
    assert_eq!(reference.to_string(), text);
    assert_eq!(reference.to_string().parse(), Ok(reference));
}

const ID: &str = "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111";

#[test]
fn extensions_are_taken_off_the_end() {
    check("$secret://vault/v/a/k?version=3", "k", Some("version=3"), "");
    check("$secret://vault/v/a/k?decode=base64", "k", None, "?decode=base64");
    check("$secret://vault/v/a/k#/db/password", "k", None, "#/db/password");
    check("$secret://vault/v/a/k#/", "k", None, "#/");
    check("$secret://vault/v/a/k?version=3&decode=base64#/a", "k", Some("version=3"), "?decode=base64#/a");
    check("$secret://aws/s/name/k?stage=AWSPREVIOUS", "k", Some("stage=AWSPREVIOUS"), "");
    check("$secret://aws/s/name?stage=AWSPREVIOUS#/k", "", Some("stage=AWSPREVIOUS"), "#/k");
    check(&format!("$secret://aws/s/name/k?version={ID}"), "k", Some(&format!("version={ID}")), "");
    check("$secret://vault/v/a/k#/a?version=3", "k", None, "#/a?version=3");
    check("$secret://vault/v/a/k#/a#/b", "k", None, "#/a#/b");
    check("$secret://vault/v/a/k##/b", "k#", None, "#/b");
    check("$secret://vault/v/a/k?x=1?version=3", "k?x=1", Some("version=3"), "");
}

/// Plain references of API7 and APISIX mean what they mean there.
#[test]
fn any_other_question_mark_or_hash_belongs_to_the_name() {
    for key in [
        "why?",
        "?",
        "a?b",
        "a?b=c",
        "a?versio=3",
        "a?Version=3",
        "a?VERSION=3",
        "a?version",
        "a?versions=3",
        "a? version=3",
        "#",
        "a#",
        "a#b",
        "#1",
        "a#b?c",
        "a%3Fversion=3",
        "a?decode",
        "a&decode=base64",
    ] {
        check(&format!("$secret://vault/v/path/{key}"), key, None, "");
    }
    for path in ["a?b", "what?version=3", "x?decode=base64", "n#1", "#1"] {
        let text = format!("$secret://vault/v/{path}/k");
        check(&text, "k", None, "");
        assert_eq!(text.parse::<SecretRef>().unwrap().path(), [path]);
    }
}

fn check_bad(text: &str, at: &str, part: &str) {
    let error = text.parse::<SecretRef>().unwrap_err();
    assert_eq!(error.problem.code(), "ref.bad_extension", "{text}: {error}");
    assert_eq!(&text[error.at.clone()], at, "{text}");
    assert!(error.to_string().contains(part), "{text}: {error}");
}

#[test]
fn an_extension_that_is_not_well_formed_is_no_name() {
    for value in ["", "0", "-1", "+3", "03", "3.0", "latest", "18446744073709551616"] {
        check_bad(&format!("$secret://vault/v/a/k?version={value}"), &format!("version={value}"), "whole number");
    }
    check_bad("$secret://vault/v/a/k?stage=AWSPREVIOUS", "stage=AWSPREVIOUS", "no stages");
    check_bad("$secret://aws/s/a/k?version=3", "version=3", "its id");
    check_bad("$secret://aws/s/a/k?stage=", "stage=", "staging label");
    check_bad("$secret://aws/s/a/k?stage=a b", "stage=a b", "staging label");
    check_bad(&format!("$secret://aws/s/a/k?stage=A&version={ID}"), &format!("version={ID}"), "one version");
    check_bad("$secret://vault/v/a/k?version=3&version=4", "version=4", "one version");
    check_bad("$secret://vault/v/a/k?decode=base64&decode=base64", "decode=base64", "twice");
    check_bad("$secret://vault/v/a/k?decode=hex", "decode=hex", "decode=base64");
    check_bad("$secret://vault/v/a/k?version=3&x", "x", "not known");
    check_bad("$secret://vault/v/a/k?version=3&x=y", "x=y", "version=…, stage=…, decode=…");
    check_bad("$secret://vault/v/ä/k?version=3#/~", "/~", "~0");
    check_bad("$secret://vault/v/a/k#/a~2", "/a~2", "~1");
    check_bad("$secret://vault/v/a/k#/a\nb", "/a\nb", "control");
}

#[test]
fn pointers_are_read_as_rfc_6901_has_them() {
    for (text, parts) in [
        ("/foo/0", vec!["foo", "0"]),
        ("/", vec![""]),
        ("/a~1b", vec!["a/b"]),
        ("/c%d", vec!["c%d"]),
        ("/m~0n", vec!["m~n"]),
        ("/~01", vec!["~1"]),
        ("/ ", vec![" "]),
    ] {
        let pointer = Pointer::parse(text).unwrap();
        assert_eq!(pointer.parts().collect::<Vec<_>>(), parts, "{text}");
        assert_eq!((pointer.first(0), pointer.first(9)), (String::new(), text.to_owned()));
    }
}

#[test]
fn every_problem_says_what_is_there_and_what_to_do() {
    let missing = |reached: &str, there| SelectionProblem::Missing { reached: reached.to_owned(), there };
    let names = |names: &[&str]| There::Names(names.iter().map(|&name| name.to_owned()).collect());
    for (problem, parts) in [
        (SelectionProblem::NotBase64, ["is no base64", "Remove ?decode=base64"]),
        (SelectionProblem::NotUtf8, ["bytes that are no text", "UTF-8"]),
        (SelectionProblem::NotJson, ["is no JSON", "Remove the pointer"]),
        (missing("", names(&["db", "tls"])), ["nothing at #/x/y: the value has db, tls.", "Correct the pointer"]),
        (missing("/x", names(&[])), ["/x has no names.", "Correct the pointer"]),
        (missing("/x", There::Items(2)), ["/x is a list of 2, counted from 0.", "Correct the pointer"]),
        (missing("/x", There::Items(0)), ["/x is an empty list.", "Correct the pointer"]),
        (missing("/x", There::Nothing), ["/x is no object and no list.", "Correct the pointer"]),
        (SelectionProblem::NotText { found: "a list".to_owned() }, ["has a list at #/x/y", "one value"]),
        (SelectionProblem::Empty, ["an empty text by #/x/y", "Store a value"]),
        (SelectionProblem::NotUsable, ["no request can carry", "line breaks"]),
    ] {
        let explanation = problem.explain("The key 'k' of secret/a", "#/x/y");
        for part in parts {
            let text = format!("{} {}", explanation.what, explanation.fix);
            assert!(text.contains(part) && text.starts_with("The key 'k' of secret/a"), "{text:?} lacks {part:?}");
        }
    }
    for (problem, parts) in [
        (
            VersionProblem::Deleted { at: "2026-01-01T00:00:00Z".to_owned() },
            ["deleted at 2026", "undelete -versions=3"],
        ),
        (VersionProblem::Destroyed, ["was destroyed", "metadata get"]),
        (VersionProblem::Never { current: 7 }, ["the current one is 7", "metadata get"]),
        (VersionProblem::NotKept, ["KV version 1", "Remove ?version=3"]),
    ] {
        let explanation = problem.explain("secret/a", 3);
        let snippet = explanation.snippet.unwrap_or_default();
        let text = format!("{} {} {snippet}", explanation.what, explanation.fix);
        for part in parts {
            assert!(text.contains(part), "{text:?} lacks {part:?}");
        }
    }
}
