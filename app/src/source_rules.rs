//! Rules that no type keeps: what must never stand in the dashboard's own sources.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("source_rules.rs") {
            found.push(path);
        }
    }
}

fn every_source() -> Vec<(PathBuf, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    sources(&here.join("src"), &mut found);
    sources(&here.join("../crates/ui/src"), &mut found);
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn nothing_goes_around_escaping_or_the_content_security_policy() {
    let rules = [
        ("inner_html", "it is not escaped"),
        ("<Title", "leptos_meta writes it unescaped: use PageTitle"),
        (" style=", "the content security policy refuses it"),
        ("style:", "the content security policy refuses it"),
        ("new_local", "what it holds may be dropped by another thread on the server"),
    ];
    for (path, text) in every_source() {
        for (word, why) in rules {
            let lines = text.lines().filter(|line| line.contains(word) && !line.trim_start().starts_with("//"));
            let allowed = usize::from(word == "<Title" && path.ends_with("title.rs"));
            assert!(lines.count() <= allowed, "{} has {word}: {why}", path.display());
        }
    }
}

#[test]
fn a_textarea_never_has_children() {
    for (path, text) in every_source() {
        for (at, _) in text.match_indices("</textarea>") {
            let is_code = !text[..at].lines().next_back().unwrap_or_default().trim_start().starts_with("//");
            let before = text[..at].trim_end();
            assert!(!is_code || before.ends_with('>'), "{}: rendered unescaped by the server", path.display());
        }
    }
}
