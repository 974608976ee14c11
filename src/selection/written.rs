//! The extensions of a reference, as they are written.

use super::{Encoding, Pin, Pointer};
use std::ops::Range;

/// The names that may follow a `?`.
const NAMES: [&str; 3] = ["version", "stage", "decode"];

/// What is wrong with an extension, and where in the text.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) why: String,
    pub(crate) at: Range<usize>,
}

/// A reference's text taken apart.
pub(crate) struct Written<'a> {
    /// What stands before the extensions.
    pub(crate) plain: &'a str,
    query: Option<&'a str>,
    pointer: Option<&'a str>,
}

/// The extensions of a reference.
#[derive(Debug, Default)]
pub(crate) struct Extensions {
    pub(crate) pin: Option<Pin>,
    pub(crate) decode: Option<Encoding>,
    pub(crate) pointer: Option<Pointer>,
}

impl<'a> Written<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let (rest, pointer) = match text.find("#/") {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        match rest.rsplit_once('?').filter(|(_, query)| is_ours(query)) {
            Some((plain, query)) => Self { plain, query: Some(query), pointer },
            None => Self { plain: rest, query: None, pointer },
        }
    }

    /// Reads the extensions. `pin` knows what a version or stage is with the reference's manager.
    pub(crate) fn extensions(&self, pin: impl Fn(&str, &str) -> Result<Pin, String>) -> Result<Extensions, Fault> {
        let mut found = Extensions::default();
        let mut start = self.plain.len() + 1;
        for item in self.query.into_iter().flat_map(|query| query.split('&')) {
            let at = start..start + item.len();
            start = at.end + 1;
            found.take(item, &pin).map_err(|why| Fault { why, at })?;
        }
        if let Some(text) = self.pointer {
            let start = self.plain.len() + self.query.map_or(0, |query| query.len() + 1) + 1;
            let fault = |why| Fault { why, at: start..start + text.len() };
            found.pointer = Some(Pointer::parse(text).map_err(fault)?);
        }
        Ok(found)
    }
}

/// Whether what follows a `?` is meant for us.
fn is_ours(query: &str) -> bool {
    let is_name = |name: &str| query.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
    !query.contains('/') && NAMES.into_iter().any(is_name)
}

impl Extensions {
    fn take(&mut self, item: &str, pin: impl Fn(&str, &str) -> Result<Pin, String>) -> Result<(), String> {
        let (name, value) = item.split_once('=').unwrap_or((item, ""));
        let double = || Err(format!("'{name}' cannot stand here once more: a reference names one version."));
        match name {
            "decode" if self.decode.is_some() => return Err("'decode' is written twice.".to_owned()),
            "decode" if value == Encoding::Base64.slug() => self.decode = Some(Encoding::Base64),
            "decode" => return Err("Only ?decode=base64 is known.".to_owned()),
            "version" | "stage" if self.pin.is_some() => return double(),
            "version" | "stage" => self.pin = Some(pin(name, value)?),
            _ => return Err(format!("'{name}' is not known here: write {}.", NAMES.join("=…, ") + "=…")),
        }
        Ok(())
    }
}
