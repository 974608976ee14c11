//! The dashboard's files: WASM, style, fonts, icons. Inside the program, or in a folder while developing.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderMap};
use http::{Method, StatusCode};
use std::path::PathBuf;

/// Where the files come from.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    root: PathBuf,
}

/// One file as it is to be sent.
struct Found {
    bytes: Vec<u8>,
    encoding: Option<&'static str>,
}

impl Site {
    /// Files in `root`, unless the program carries them itself.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// What is missing, if the dashboard could not work in a browser.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.read("pkg/postern.js").is_some() {
            return None;
        }
        Some(format!(
            "the dashboard's files are not in {}; build them (dev/up does) or give their folder with --site-root",
            self.root.display()
        ))
    }

    /// Answers a request for a file; `None` when there is no such file.
    pub(crate) fn answer(&self, request: &Request) -> Option<Response> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let path = clean(request.uri().path())?;
        let found = self.find(&path, request.headers())?;
        let etag = etag(&found.bytes);
        let unchanged = request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known == etag.as_str());
        let mut response = if unchanged {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, content_type(&path))], Body::from(found.bytes)).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, header::HeaderValue::from_static("accept-encoding"));
        if let Ok(etag) = etag.parse() {
            headers.insert(header::ETAG, etag);
        }
        if let Some(encoding) = found.encoding {
            headers.insert(header::CONTENT_ENCODING, header::HeaderValue::from_static(encoding));
        }
        Some(response)
    }

    /// The file, compressed if it is there compressed and the browser takes it so.
    fn find(&self, path: &str, headers: &HeaderMap) -> Option<Found> {
        let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let accepts =
            |name: &str| accepted.split(',').any(|part| part.split(';').next().is_some_and(|n| n.trim() == name));
        for (encoding, ending) in [("br", ".br"), ("gzip", ".gz")] {
            if accepts(encoding)
                && let Some(bytes) = self.read(&format!("{path}{ending}"))
            {
                return Some(Found { bytes, encoding: Some(encoding) });
            }
        }
        Some(Found { bytes: self.read(path)?, encoding: None })
    }

    #[cfg(feature = "embed-site")]
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        #[derive(rust_embed::RustEmbed)]
        #[folder = "../target/site"]
        struct Files;
        Files::get(path).map(|file| file.data.into_owned())
    }

    #[cfg(not(feature = "embed-site"))]
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        std::fs::read(self.root.join(path)).ok()
    }
}

/// The path below the site's root; `None` for anything that could lead out of it.
fn clean(path: &str) -> Option<String> {
    let path = path.strip_prefix('/')?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let good = |segment: &str| !segment.is_empty() && !segment.starts_with('.') && segment.chars().all(allowed);
    path.split('/').all(good).then(|| path.to_owned())
}

fn content_type(path: &str) -> String {
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    if mime.type_() == "text" { format!("{mime}; charset=utf-8") } else { mime.to_string() }
}

fn etag(bytes: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_below_the_root_are_files() {
        for (path, file) in [
            ("/pkg/postern.js", Some("pkg/postern.js")),
            ("/favicon.svg", Some("favicon.svg")),
            ("/", None),
            ("/../Cargo.toml", None),
            ("/pkg/../../x", None),
            ("/.git/config", None),
            ("/pkg//x", None),
            ("/%2e%2e/x", None),
            ("/a\\b", None),
        ] {
            assert_eq!(clean(path).as_deref(), file, "{path}");
        }
    }
}
