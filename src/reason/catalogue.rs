//! The catalogue page, `docs/reasons.md`, made of the table.

use super::Reason;
use std::fmt::Write;

const HEAD: &str = "# Reason codes

Everything that can go wrong on the way to a secret has a code: on screen, in the log and in the JSON of
`postern resolve` and `postern providers test`. The sentence beside it names paths and keys; this page says what
is true of every failure of that code. This page is made from the program by `dev/reasons`.

A code is `<area>.<what>` and keeps its meaning. Areas: `ref` (the text of a reference), `provider`, `network`,
`tls`, one for each manager, `env` (the environment), `secret` (what was read), `field` (the rules of the field that a
value is for).
";

impl Reason {
    /// The whole page, as Markdown.
    #[must_use]
    pub fn catalogue() -> String {
        let mut page = HEAD.to_owned();
        let mut area = "";
        for reason in Self::ALL {
            if reason.area() != area {
                area = reason.area();
                // Writing to a String does not fail.
                let _written = writeln!(page, "\n## {area}\n");
            }
            let (code, meaning, remedy) = (reason.code(), reason.meaning(), reason.remedy());
            let _written = writeln!(page, "### {code}\n\n{meaning}\n\n*What to do:* {remedy}\n");
        }
        page.truncate(page.trim_end().len());
        page.push('\n');
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// `dev/reasons` sets `POSTERN_WRITE_REASONS`; then the page is written instead of compared.
    #[test]
    fn the_page_in_docs_is_what_the_code_says() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reasons.md");
        if std::env::var_os("POSTERN_WRITE_REASONS").is_some() {
            std::fs::write(&file, Reason::catalogue()).unwrap();
        }
        let page = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(page == Reason::catalogue(), "docs/reasons.md is out of date: run dev/reasons");
    }

    #[test]
    fn codes_are_well_formed_and_each_is_there_once() {
        let mut seen = BTreeSet::new();
        for reason in Reason::ALL {
            let code = reason.code();
            let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            let parts: Vec<&str> = code.split('.').collect();
            assert!(parts.len() == 2 && parts.iter().all(|part| plain(part)), "{code}");
            assert!(seen.insert(code), "{code} is there twice");
            for text in [reason.meaning(), reason.remedy()] {
                assert!(text.ends_with('.'), "{code}: {text:?} is no sentence");
            }
        }
    }

    #[test]
    fn areas_stand_together() {
        let mut areas: Vec<&str> = Reason::ALL.iter().map(|reason| reason.area()).collect();
        areas.dedup();
        let all: BTreeSet<&str> = areas.iter().copied().collect();
        assert_eq!(all.len(), areas.len(), "{areas:?}");
    }
}
