//! Which files a browser fetches for a page beside what every page needs. The answer names them, so that the browser
//! fetches them while it still compiles the program that would ask for them.

use http::HeaderValue;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The files of each part, as the header `Link` of a page of it. None where the WASM is one file.
#[derive(Clone, Debug, Default)]
pub struct FirstLoads(Arc<BTreeMap<String, HeaderValue>>);

impl FirstLoads {
    /// Reads what `dev/build-site --release` writes: for each part its files, as paths of this site.
    ///
    /// # Errors
    /// It is no such JSON.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        let parts: BTreeMap<String, Vec<String>> = serde_json::from_slice(json)?;
        let links = parts.into_iter().filter_map(|(part, files)| {
            let links: Vec<String> = files.iter().map(|file| link(file)).collect();
            Some((part, links.join(", ").parse().ok()?))
        });
        Ok(Self(Arc::new(links.collect())))
    }
}

/// As `fetch` asks for it, with the same mode and credentials: else the browser would fetch it twice.
fn link(file: &str) -> String {
    format!("<{file}>; rel=preload; as=fetch; crossorigin")
}

/// The page that is answered is of this part.
pub(crate) fn tell_part(part: &str) {
    let (Some(FirstLoads(links)), Some(response)) = (use_context(), use_context::<ResponseOptions>()) else { return };
    if let Some(link) = links.get(part) {
        response.append_header(http::header::LINK, link.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_part_are_named_in_one_header() {
        let FirstLoads(links) = FirstLoads::parse(br#"{"home": ["/pkg/a.wasm", "/pkg/b.wasm"], "lists": []}"#).unwrap();
        assert_eq!(
            links["home"],
            "</pkg/a.wasm>; rel=preload; as=fetch; crossorigin, </pkg/b.wasm>; rel=preload; as=fetch; crossorigin"
        );
        assert!(FirstLoads::parse(b"[]").is_err());
    }
}
