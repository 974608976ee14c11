//! The dashboard's files: WASM, style, fonts, icons. Inside the program, or in a folder while developing.

use app::FirstLoads;
use axum::body::{Body, Bytes};
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
    file: File,
    encoding: Option<&'static str>,
}

/// What a file holds, and a text that is another one when that changes: nothing is hashed for a request.
struct File {
    bytes: Bytes,
    etag: String,
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

    /// What a browser fetches first, page by page; nothing is known of it in a site that is no release.
    pub(crate) fn first_loads(&self) -> FirstLoads {
        let Some(file) = self.read("pkg/parts.json") else { return FirstLoads::default() };
        FirstLoads::parse(&file.bytes).unwrap_or_else(|error| {
            tracing::warn!("pkg/parts.json cannot be read: {error}; pages take longer until they react");
            FirstLoads::default()
        })
    }

    /// Answers a request for a file; `None` when there is no such file.
    pub(crate) fn answer(&self, request: &Request) -> Option<Response> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let path = clean(request.uri().path())?;
        let found = self.find(&path, request.headers())?;
        let etag = &found.file.etag;
        let unchanged = request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known == etag.as_str());
        let mut response = if unchanged {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, content_type(&path))], Body::from(found.file.bytes.clone())).into_response()
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
                && let Some(file) = self.read(&format!("{path}{ending}"))
            {
                return Some(Found { file, encoding: Some(encoding) });
            }
        }
        Some(Found { file: self.read(path)?, encoding: None })
    }

    /// A file inside the program, which was hashed when it was put there.
    #[cfg(feature = "embed-site")]
    fn read(&self, path: &str) -> Option<File> {
        #[derive(rust_embed::RustEmbed)]
        #[folder = "../target/site"]
        struct Files;
        let file = Files::get(path)?;
        let hash = file.metadata.sha256_hash();
        let bytes = match file.data {
            std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            std::borrow::Cow::Owned(bytes) => bytes.into(),
        };
        let digits: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Some(File { bytes, etag: format!("\"{digits}\"") })
    }

    /// A file of the folder. Its ETag is made of its moment and length, as nginx makes it.
    #[cfg(not(feature = "embed-site"))]
    fn read(&self, path: &str) -> Option<File> {
        let path = self.root.join(path);
        let written = std::fs::metadata(&path).ok()?.modified().ok()?;
        let written = written.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let bytes: Bytes = std::fs::read(path).ok()?.into();
        let etag = format!("\"{written:x}-{:x}\"", bytes.len());
        Some(File { bytes, etag })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(feature = "embed-site"))]
    #[test]
    fn a_file_is_sent_again_when_it_has_changed() {
        let folder = tempfile::TempDir::new().unwrap();
        let site = Site::new(folder.path().to_owned());
        let get = |known: &str| {
            let request = http::Request::get("/a.css").header(header::IF_NONE_MATCH, known).body(Body::empty());
            let response = site.answer(&request.unwrap()).unwrap();
            (response.status(), response.headers()[header::ETAG].to_str().unwrap().to_owned())
        };
        std::fs::write(folder.path().join("a.css"), "one").unwrap();
        let (status, one) = get("\"none\"");
        assert_eq!(status, StatusCode::OK);
        assert_eq!(get(&one), (StatusCode::NOT_MODIFIED, one.clone()));
        std::fs::write(folder.path().join("a.css"), "three").unwrap();
        let (status, three) = get(&one);
        assert_eq!(status, StatusCode::OK);
        assert_eq!(get(&three).0, StatusCode::NOT_MODIFIED);
    }

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
