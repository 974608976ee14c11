//! OpenLDAP, as the tests need it.

use crate::{PATIENCE, free_port};
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// Who is in it.
const PEOPLE: &str = include_str!("../../../dev/backends/people.ldif");
/// Its settings, but for TLS.
const SETTINGS: &str = include_str!("../../../dev/backends/slapd.conf");

/// One directory, over plain LDAP, StartTLS and ldaps.
pub struct Ldap {
    process: Child,
    port: u16,
    tls_port: u16,
    ca: String,
    folder: TempDir,
}

/// How a directory is to differ from one that serves everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LdapMode {
    Usual,
    /// Refuses a password over a connection that is not encrypted.
    Strict,
    /// Takes a name without a password for a bind as nobody, and says that it was successful.
    Lax,
}

impl Ldap {
    /// The user of username `#O'Neil, Ann + "x";<>\ =1`, whose name needs escaping, with password `password3`.
    pub const ODD_USER: &str = "#O'Neil, Ann + \"x\";<>\\ =1";

    /// A directory that answers: `cn=user01,ou=users,dc=example,dc=org` has `password1`, `user02` has `pass word:2`.
    ///
    /// # Panics
    /// The program is not there, or does not get ready.
    #[must_use]
    pub fn start(mode: LdapMode) -> Self {
        let folder = TempDir::new().unwrap();
        let (port, tls_port) = (free_port(), free_port());
        let ca = certificates(folder.path());
        let config = folder.path().join("slapd.conf");
        fs::create_dir(folder.path().join("db")).unwrap();
        fs::write(&config, configuration(folder.path(), mode)).unwrap();
        let people = folder.path().join("people.ldif");
        fs::write(&people, PEOPLE).unwrap();
        // Ubuntu confines the installed program to its own folders, by its path. Copied by another process: a program
        // cannot be started while any process has it open for writing, and what is open here is so in every child.
        let program = folder.path().join("slapd");
        let copied = Command::new("cp").arg(installed()).arg(&program).output().unwrap();
        assert!(copied.status.success(), "OpenLDAP is needed: run dev/test, which installs it");
        let filled = Command::new(&program).args(["-T", "add", "-f"]).arg(&config).arg("-l").arg(&people).output();
        let filled = filled.unwrap();
        assert!(filled.status.success(), "slapadd: {}", String::from_utf8_lossy(&filled.stderr));
        let process = spawn(folder.path(), port, tls_port);
        Self { process, port, tls_port, ca, folder }.when_ready()
    }

    /// Starts it again after [`Ldap::stop`], with the same people at the same ports.
    ///
    /// # Panics
    /// As [`Ldap::start`].
    pub fn restart(&mut self) {
        self.process = spawn(self.folder.path(), self.port, self.tls_port);
        self.wait();
    }

    fn when_ready(self) -> Self {
        self.wait();
        self
    }

    fn wait(&self) {
        let began = Instant::now();
        while [self.port, self.tls_port].iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()) {
            assert!(began.elapsed() < PATIENCE, "slapd does not get ready");
            std::thread::yield_now();
        }
    }

    /// Where it speaks LDAP and StartTLS.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it speaks ldaps.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The authority of its certificate, PEM. The certificate is for 127.0.0.1.
    #[must_use]
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// Ends it, as a crash would.
    pub fn stop(&mut self) {
        // It may have ended already.
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

impl Drop for Ldap {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(folder: &Path, port: u16, tls_port: u16) -> Child {
    let addresses = format!("ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{tls_port}/");
    let config = folder.join("slapd.conf");
    let mut command = Command::new(folder.join("slapd"));
    command.args(["-d", "0", "-h", &addresses, "-f"]).arg(config).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Debian has it where only root looks.
fn installed() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("slapd"));
    on_path.chain([PathBuf::from("/usr/sbin/slapd")]).find(|program| program.is_file()).unwrap_or_default()
}

fn configuration(folder: &Path, mode: LdapMode) -> String {
    let folder = folder.display();
    let more = match mode {
        LdapMode::Usual => "",
        LdapMode::Strict => "security simple_bind=128",
        LdapMode::Lax => "allow bind_anon_dn",
    };
    let usual = SETTINGS.replace("FOLDER", &folder.to_string());
    format!(
        "TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
TLSVerifyClient never
{more}
{usual}"
    )
}

/// An authority, and by it a certificate for 127.0.0.1. Answers the authority.
fn certificates(folder: &Path) -> String {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
    let params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    for (name, pem) in
        [("ca.pem", authority.pem()), ("server.pem", certificate.pem()), ("server.key", key.serialize_pem())]
    {
        fs::write(folder.join(name), pem).unwrap();
    }
    authority.pem()
}
