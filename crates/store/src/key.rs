//! The master key: a file in the data folder, readable for its owner only.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What the file begins with.
const HEADING: &str = "postern-master-key-1";

/// The key from which the sealing keys are derived.
pub struct MasterKey {
    pub(crate) bytes: Zeroizing<[u8; 32]>,
    id: KeyId,
}

/// Four bytes that name a key; says nothing of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyId(pub(crate) [u8; 4]);

/// Why there is no master key to work with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database is sealed with a key that is not here.
    #[error(
        "the database is sealed with master key {needed}, and there is no key file {path}. Put that key file back, or restore the data folder as a whole"
    )]
    Missing { needed: String, path: PathBuf },
    /// The key file holds another key than the one the database is sealed with.
    #[error(
        "the database is sealed with master key {needed}, but {path} holds key {found}. Put the key file that belongs to this database back"
    )]
    Wrong { needed: String, found: String, path: PathBuf },
    /// Group or others may read the file.
    #[error("the key file {path} can be read by others (mode {mode:03o}). Run: chmod 600 {path}")]
    NotPrivate { path: PathBuf, mode: u32 },
    #[error("{path} is not a Postern master key file, or it is damaged")]
    NotAKey { path: PathBuf },
    #[error("the key file {path} cannot be read or written")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the system gives no random numbers")]
    Random,
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({}, redacted)", self.id)
    }
}

impl MasterKey {
    fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"postern master key id");
        context.update(&*bytes);
        let mut id = [0; 4];
        id.copy_from_slice(&context.finish().as_ref()[..4]);
        Self { bytes, id: KeyId(id) }
    }

    /// Eight hex digits that name the key.
    #[must_use]
    pub fn id(&self) -> String {
        self.id.to_string()
    }

    pub(crate) fn key_id(&self) -> KeyId {
        self.id
    }

    /// Reads the key file; makes one when there is none and nothing is sealed yet.
    ///
    /// `needed` is the id of the key that the database is sealed with, if it is.
    ///
    /// # Errors
    /// `Missing` and `Wrong` name the key that is needed; a new key is never made in their place.
    pub fn open(path: &Path, needed: Option<&str>) -> Result<Self, KeyError> {
        let key = match (read(path)?, needed) {
            (Some(key), _) => key,
            (None, None) => make(path)?,
            (None, Some(needed)) => {
                return Err(KeyError::Missing { needed: needed.to_owned(), path: path.to_owned() });
            }
        };
        match needed {
            Some(needed) if needed != key.id() => {
                Err(KeyError::Wrong { needed: needed.to_owned(), found: key.id(), path: path.to_owned() })
            }
            _ => Ok(key),
        }
    }
}

fn read(path: &Path) -> Result<Option<MasterKey>, KeyError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(KeyError::File { path: path.to_owned(), source }),
    };
    check_private(path)?;
    let not_a_key = || KeyError::NotAKey { path: path.to_owned() };
    let mut words = text.split_whitespace();
    let (heading, id, secret) = (words.next(), words.next(), words.next());
    if heading != Some(HEADING) || words.next().is_some() {
        return Err(not_a_key());
    }
    let decoded = Zeroizing::new(BASE64.decode(secret.unwrap_or_default()).map_err(|_| not_a_key())?);
    let bytes: [u8; 32] = decoded.as_slice().try_into().map_err(|_| not_a_key())?;
    let key = MasterKey::from_bytes(Zeroizing::new(bytes));
    if Some(key.id().as_str()) == id { Ok(Some(key)) } else { Err(not_a_key()) }
}

#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).map_err(|source| KeyError::File { path: path.to_owned(), source })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::NotPrivate { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_private(_path: &Path) -> Result<(), KeyError> {
    Ok(())
}

/// Makes the file at once with its mode, and waits until file and folder are on disk: a database sealed
/// with a key that a power cut took away would be lost.
fn make(path: &Path) -> Result<MasterKey, KeyError> {
    let mut bytes = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| KeyError::Random)?;
    let key = MasterKey::from_bytes(bytes);
    let text = Zeroizing::new(format!("{HEADING} {} {}\n", key.id(), BASE64.encode(key.bytes.as_slice())));
    write_private(path, text.as_bytes()).map_err(|source| KeyError::File { path: path.to_owned(), source })?;
    tracing::info!(key = key.id(), path = %path.display(), "made the master key; keep a copy of this file in a safe place");
    Ok(key)
}

fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
