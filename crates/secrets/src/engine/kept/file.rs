//! The file that keeps the last good values over a restart: sealed as a whole, replaced as a whole.
//!
//! Layout: [`HEADING`], nonce (12 bytes), ciphertext and tag. AES-256-GCM-SIV (RFC 8452), with the heading as
//! additional data. One byte changed anywhere, or another key, and nothing of it is used.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

/// What the file begins with; the number is the format's.
const HEADING: &[u8] = b"postern-last-good-values 1\n";
const NONCE_LENGTH: usize = 12;
/// Larger than any that is written.
const MOST: u64 = 1 << 30;

pub(super) struct SealedFile {
    path: PathBuf,
    key: RandomizedNonceKey,
}

/// Why the file is not used, in words for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("the file cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("it is not a file of last good values, or one of another version of Postern")]
    NotOurs,
    #[error("it was changed or damaged, or it was sealed with another master key")]
    Tampered,
    #[error("the cipher failed")]
    Cipher,
}

impl SealedFile {
    pub(super) fn new(path: PathBuf, key: &[u8; 32]) -> Result<Self, Refused> {
        let key = RandomizedNonceKey::new(&AES_256_GCM_SIV, key).map_err(|_| Refused::Cipher)?;
        Ok(Self { path, key })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What was written last; nothing when there is no file.
    pub(super) fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Refused> {
        match std::fs::metadata(&self.path) {
            Ok(found) if found.len() > MOST => return Err(Refused::NotOurs),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let mut bytes = Zeroizing::new(std::fs::read(&self.path)?);
        let sealed = bytes.strip_prefix(HEADING).ok_or(Refused::NotOurs)?;
        let (nonce, _) = sealed.split_at_checked(NONCE_LENGTH).ok_or(Refused::Tampered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Refused::Tampered)?;
        let from = HEADING.len() + NONCE_LENGTH;
        let opened = self.key.open_in_place(nonce, Aad::from(HEADING), &mut bytes[from..]);
        let length = opened.map_err(|_| Refused::Tampered)?.len();
        bytes.copy_within(from..from + length, 0);
        bytes[length..].zeroize();
        bytes.truncate(length);
        Ok(Some(bytes))
    }

    /// Seals `text`, which is wiped, and puts it in the file's place: after a crash at any moment there is the old
    /// file or the new one.
    pub(super) fn write(&self, mut text: Zeroizing<Vec<u8>>) -> io::Result<()> {
        // Room for the tag, so that growing leaves no copy behind.
        let mut grown = Zeroizing::new(Vec::with_capacity(text.len() + AES_256_GCM_SIV.tag_len()));
        grown.append(&mut text);
        let nonce = self.key.seal_in_place_append_tag(Aad::from(HEADING), &mut *grown);
        let nonce = nonce.map_err(|_| io::Error::other("the cipher failed"))?;
        let next = self.path.with_extension("new");
        remove(&next)?;
        let mut file = create_private(&next)?;
        file.write_all(HEADING)?;
        file.write_all(nonce.as_ref())?;
        file.write_all(&grown)?;
        file.sync_all()?;
        std::fs::rename(&next, &self.path)?;
        self.sync_folder()
    }

    /// Nothing is to be kept any more.
    pub(super) fn remove(&self) -> io::Result<()> {
        remove(&self.path)?;
        self.sync_folder()
    }

    fn sync_folder(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }
}

/// A file that is not there is removed already.
fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Made with its mode, so that nobody else can open it meanwhile.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn file(folder: &TempDir, key: u8) -> SealedFile {
        SealedFile::new(folder.path().join("last-good-values"), &[key; 32]).unwrap()
    }

    fn write(folder: &TempDir, text: &str) {
        file(folder, 7).write(Zeroizing::new(text.as_bytes().to_vec())).unwrap();
    }

    #[test]
    fn what_was_written_last_is_read_and_cannot_be_seen() {
        let folder = TempDir::new().unwrap();
        assert!(file(&folder, 7).read().unwrap().is_none());
        for text in ["canary-1", "", "canary-2 and more"] {
            write(&folder, text);
            assert_eq!(file(&folder, 7).read().unwrap().unwrap().as_slice(), text.as_bytes());
        }
        let bytes = std::fs::read(folder.path().join("last-good-values")).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"canary"));
        file(&folder, 7).remove().unwrap();
        assert!(file(&folder, 7).read().unwrap().is_none());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it_and_what_a_crash_left_is_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("last-good-values.new"), "half").unwrap();
        write(&folder, "text");
        let mode = std::fs::metadata(folder.path().join("last-good-values")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!folder.path().join("last-good-values.new").exists());
    }

    #[test]
    fn one_byte_changed_anywhere_and_nothing_of_it_is_used() {
        let folder = TempDir::new().unwrap();
        write(&folder, "text");
        let path = folder.path().join("last-good-values");
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, bad).unwrap();
            let refused = file(&folder, 7).read().unwrap_err();
            match at < HEADING.len() {
                true => assert!(matches!(refused, Refused::NotOurs), "{at}: {refused}"),
                false => assert!(matches!(refused, Refused::Tampered), "{at}: {refused}"),
            }
        }
        for length in 0..good.len() {
            std::fs::write(&path, &good[..length]).unwrap();
            assert!(file(&folder, 7).read().is_err(), "{length}");
        }
        std::fs::write(&path, &good).unwrap();
        assert!(matches!(file(&folder, 8).read(), Err(Refused::Tampered)), "another key");
    }
}
