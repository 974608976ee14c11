//! The token of a provider that something else writes into a file, such as Vault Agent.
//!
//! What must never happen here: a file read that lies outside the folder which the server's configuration gives.

use super::client::Client;
use super::session::Held;
use postern::provider::vault::TokenFile;
use postern::resolve::{DeniedBecause, Failure, TokenFileProblem};
use postern::sensitive::Plain;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

/// How often a file is looked at. It is read each time: times of files are too coarse to tell a change by.
const EVERY: Duration = Duration::from_secs(3);
/// The longest token, in bytes. Vault's own are up to a few hundred long.
const LONGEST: u64 = 4096;

impl Client {
    /// What is in the file now.
    pub(super) async fn read_token_file(&self, file: &TokenFile) -> Result<Plain, TokenFileProblem> {
        let (folder, file) = (self.token_files.clone(), file.clone());
        let read = tokio::task::spawn_blocking(move || read(folder.as_deref(), &file)).await;
        read.unwrap_or(Err(TokenFileProblem::Unreadable))
    }

    /// Uses what is in the file now. Only for whoever has the turn.
    pub(super) async fn take_token_file(&self, file: &TokenFile) -> Result<Arc<Held>, Failure> {
        let address = &self.address;
        match self.read_token_file(file).await {
            Ok(token) => {
                tracing::info!(%address, %file, "took the token for Vault at {address} from the token file {file}");
                Ok(self.session.given(token, Instant::now()))
            }
            Err(why) => {
                let failure = failure(file, why);
                self.session.failed(&failure, Instant::now());
                Err(failure)
            }
        }
    }

    /// Why there is no good token, where Vault does not accept the one in use.
    pub(super) async fn refused_token(&self) -> DeniedBecause {
        let Some(file) = self.session.token_file() else { return DeniedBecause::TokenInvalid };
        let why = self.read_token_file(file).await.err().unwrap_or(TokenFileProblem::Refused);
        DeniedBecause::TokenFile { file: file.clone(), why }
    }
}

/// Takes over what something else writes into the file, until the client is gone. A file that cannot be read
/// leaves the token in use: it may still live.
pub(super) async fn follow(client: Weak<Client>) {
    let mut known = None;
    loop {
        let Some(client) = client.upgrade() else { return };
        let Some(file) = client.session.token_file() else { return };
        let problem = look(&client, file).await;
        if let Some(failure) = problem.as_ref().filter(|_| problem != known) {
            let (address, why) = (&client.address, failure.explain().what);
            tracing::warn!(%address, %file, "the token for Vault at {address} cannot be renewed: {why}");
        }
        known = problem;
        drop(client);
        sleep(EVERY.mul_f64(0.8 + 0.2 * fastrand::f64())).await;
    }
}

/// Looks once. Answers why the file has no token, if it has none.
async fn look(client: &Client, file: &TokenFile) -> Option<Failure> {
    let held = client.session.held();
    match client.read_token_file(file).await {
        Ok(token) if held.as_ref().is_some_and(|held| held.token.same_as(&token)) => None,
        Ok(_) => client.held_instead_of(held.map(|held| held.serial)).await.err(),
        Err(why) => Some(failure(file, why)),
    }
}

fn failure(file: &TokenFile, why: TokenFileProblem) -> Failure {
    Failure::Denied { path: String::new(), why: DeniedBecause::TokenFile { file: file.clone(), why } }
}

/// Links are followed only within the folder.
fn read(folder: Option<&Path>, file: &TokenFile) -> Result<Plain, TokenFileProblem> {
    let folder = folder.ok_or(TokenFileProblem::NotAllowed)?.canonicalize().map_err(|error| of(&error))?;
    let path = folder.join(file.as_str()).canonicalize().map_err(|error| of(&error))?;
    if !path.starts_with(&folder) {
        return Err(TokenFileProblem::Outside);
    }
    // Opening a pipe would wait for its writer.
    if !path.metadata().map_err(|error| of(&error))?.is_file() {
        return Err(TokenFileProblem::Unreadable);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(LONGEST + 1).unwrap_or_default()));
    let opened = File::open(&path).map_err(|error| of(&error))?;
    opened.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| of(&error))?;
    token(&bytes)
}

/// A token is sent as an HTTP header, so it is visible ASCII. A line break at its end is what an editor leaves.
fn token(bytes: &[u8]) -> Result<Plain, TokenFileProblem> {
    match bytes.trim_ascii() {
        [] => Err(TokenFileProblem::Empty),
        token if bytes.len() as u64 > LONGEST || !token.iter().all(u8::is_ascii_graphic) => {
            Err(TokenFileProblem::NotAToken)
        }
        token => Ok(Plain::new(token.iter().copied().map(char::from).collect())),
    }
}

fn of(error: &std::io::Error) -> TokenFileProblem {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => TokenFileProblem::Missing,
        _ => TokenFileProblem::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn check(folder: &Path, file: &str, expected: Result<&str, TokenFileProblem>) {
        let got = read(Some(folder), &file.parse().unwrap());
        match (&got, expected) {
            (Ok(token), Ok(wanted)) => assert!(token.same_as(&Plain::new(wanted.to_owned())), "{file}"),
            (Err(problem), Err(wanted)) => assert_eq!(*problem, wanted, "{file}"),
            _ => panic!("{file}: {got:?}, not {expected:?}"),
        }
    }

    #[test]
    fn a_token_is_read_from_inside_the_folder_and_from_nowhere_else() {
        let place = tempfile::TempDir::new().unwrap();
        let folder = place.path().join("tokens");
        std::fs::create_dir_all(folder.join("..data/deep")).unwrap();
        let write = |path: &str, bytes: &[u8]| std::fs::write(folder.join(path), bytes).unwrap();
        std::fs::write(place.path().join("outside"), "canary-outside").unwrap();
        write("plain", b"hvs.token");
        write("line", b"hvs.token\r\n");
        write("..data/deep/token", b"hvs.deep");
        write("empty", b"");
        write("blank", b" \n\n");
        write("lines", b"hvs.one\nhvs.two");
        write("bytes", &[0xff, 0xfe]);
        write("long", &[b'x'; 5000]);
        symlink("..data/deep/token", folder.join("link")).unwrap();
        symlink("../outside", folder.join("climbs")).unwrap();
        symlink("/etc/passwd", folder.join("leaves")).unwrap();
        symlink(place.path(), folder.join("up")).unwrap();
        symlink("nowhere", folder.join("dangling")).unwrap();
        for (file, expected) in [
            ("plain", Ok("hvs.token")),
            ("line", Ok("hvs.token")),
            ("..data/deep/token", Ok("hvs.deep")),
            ("link", Ok("hvs.deep")),
            ("climbs", Err(TokenFileProblem::Outside)),
            ("leaves", Err(TokenFileProblem::Outside)),
            ("up/outside", Err(TokenFileProblem::Outside)),
            ("dangling", Err(TokenFileProblem::Missing)),
            ("none", Err(TokenFileProblem::Missing)),
            ("plain/token", Err(TokenFileProblem::Missing)),
            ("..data", Err(TokenFileProblem::Unreadable)),
            ("empty", Err(TokenFileProblem::Empty)),
            ("blank", Err(TokenFileProblem::Empty)),
            ("lines", Err(TokenFileProblem::NotAToken)),
            ("bytes", Err(TokenFileProblem::NotAToken)),
            ("long", Err(TokenFileProblem::NotAToken)),
        ] {
            check(&folder, file, expected);
        }
        check(&place.path().join("none"), "plain", Err(TokenFileProblem::Missing));
        assert_eq!(read(None, &"plain".parse().unwrap()).unwrap_err(), TokenFileProblem::NotAllowed);
    }
}
