//! Asking a directory whether a password is a user's.
//!
//! A bind changes who a connection is, so a connection serves one request at a time (RFC 4511 §4.2.1); it is kept
//! for the next one. What is asked over a kept connection that was closed meanwhile is asked once more over a new one.

use crate::upstream::{Reach, Trust, client_config};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, StdStream};
use postern::plugin::ldap_auth::dn::Dn;
use postern::plugin::ldap_auth::{Encryption, LdapAuthPlugin, LdapUri};
use rustls::ClientConfig;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// For a whole answer, connecting included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection that nobody uses is kept.
const KEPT: Duration = Duration::from_secs(60);

/// The most connections of a worker to one directory. More requests wait for one, within the timeout.
const MOST: usize = 64;

/// A directory, and how it is spoken to.
pub(super) struct Directory {
    place: Place,
    tls: Option<Arc<ClientConfig>>,
}

/// What two configurations must have in common to share connections.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    uri: LdapUri,
    port: u16,
    encryption: Encryption,
    is_verified: bool,
    ca_certificate: Option<String>,
}

/// The connections of one worker.
pub(crate) struct Directories {
    reach: Reach,
    timeout: Duration,
    pools: Mutex<HashMap<Place, Arc<Pool>>>,
}

struct Pool {
    idle: Mutex<Vec<Idle>>,
    room: Semaphore,
}

struct Idle {
    connection: Ldap,
    since: Instant,
}

/// What the directory says of a user and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    Refused,
    /// It does not say. `why` is for the log.
    Unknown {
        why: String,
    },
}

impl Directory {
    /// # Errors
    /// Why no directory can be trusted, for the log.
    pub(super) fn of(config: &LdapAuthPlugin) -> Result<Self, String> {
        let trust = match (&config.ca_certificate, config.tls_verify) {
            (_, false) => Trust::Anyone,
            (Some(pem), true) => Trust::Authorities(pem),
            (None, true) => Trust::System,
        };
        let encryption = config.encryption();
        let tls = match encryption {
            Encryption::None => None,
            Encryption::StartTls | Encryption::Ldaps => Some(Arc::new(client_config(trust)?)),
        };
        let place = Place {
            uri: config.ldap_uri.clone(),
            port: config.port(),
            encryption,
            is_verified: config.tls_verify,
            ca_certificate: config.ca_certificate.clone(),
        };
        Ok(Self { place, tls })
    }

    async fn connect(&self, reach: &Reach) -> Result<Ldap, String> {
        let Place { uri, port, encryption, .. } = &self.place;
        let stream = reach.connect(uri.host(), *port).await.map_err(|error| with_cause(&error))?;
        let stream = stream.into_std().map_err(|error| error.to_string())?;
        let mut settings = LdapConnSettings::new()
            .set_std_stream(StdStream::Tcp(stream))
            .set_starttls(*encryption == Encryption::StartTls);
        if let Some(tls) = &self.tls {
            settings = settings.set_config(Arc::clone(tls));
        }
        // The connection is there already: of the address only the name that the certificate must have counts, and an
        // IPv6 address, which ldap3 cannot ask a certificate for, comes this far only when none is checked.
        let name = if uri.is_ipv6() { "directory.invalid" } else { uri.host() };
        let scheme = if *encryption == Encryption::Ldaps { "ldaps" } else { "ldap" };
        let opened = LdapConnAsync::with_settings(settings, &format!("{scheme}://{name}")).await;
        let (connection, ldap) = opened.map_err(|error| explain(&error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(%error, "A connection to a directory ended");
            }
        });
        Ok(ldap)
    }
}

impl Directories {
    pub(crate) fn new(reach: Reach) -> Self {
        Self { reach, timeout: TIMEOUT, pools: Mutex::default() }
    }

    /// Whether `password` is the user's. Never asked with an empty one: to a directory that is a bind as nobody, which
    /// many accept (RFC 4513 §5.1.2).
    pub(super) async fn check(&self, directory: &Directory, user: &Dn, password: &str) -> Verdict {
        if password.is_empty() {
            return Verdict::Refused;
        }
        let bound = tokio::time::timeout(self.timeout, self.bind(directory, user, password)).await;
        bound.unwrap_or_else(|_| Verdict::Unknown { why: format!("no answer within {} s", self.timeout.as_secs_f32()) })
    }

    async fn bind(&self, directory: &Directory, user: &Dn, password: &str) -> Verdict {
        let pool = self.pool(&directory.place);
        // It is never closed.
        let _room = pool.room.acquire().await;
        if let Some(mut kept) = pool.take()
            && let Ok(answer) = kept.simple_bind(user.as_str(), password).await
        {
            pool.keep(kept);
            return verdict(answer.rc);
        }
        let mut connection = match directory.connect(&self.reach).await {
            Ok(connection) => connection,
            Err(why) => return Verdict::Unknown { why },
        };
        match connection.simple_bind(user.as_str(), password).await {
            Ok(answer) => {
                pool.keep(connection);
                verdict(answer.rc)
            }
            Err(error) => Verdict::Unknown { why: explain(&error) },
        }
    }

    /// The connections to one directory; those to others that nobody uses any more are closed on the way.
    fn pool(&self, place: &Place) -> Arc<Pool> {
        let mut pools = lock(&self.pools);
        if let Some(pool) = pools.get(place) {
            return Arc::clone(pool);
        }
        pools.retain(|_, pool| pool.is_in_use());
        let pool = Arc::new(Pool { idle: Mutex::default(), room: Semaphore::new(MOST) });
        pools.insert(place.clone(), Arc::clone(&pool));
        pool
    }
}

impl Pool {
    /// The connection used last; those that have waited too long are closed.
    fn take(&self) -> Option<Ldap> {
        let mut idle = lock(&self.idle);
        idle.retain_mut(|idle| idle.since.elapsed() < KEPT && !idle.connection.is_closed());
        idle.pop().map(|idle| idle.connection)
    }

    fn keep(&self, connection: Ldap) {
        lock(&self.idle).push(Idle { connection, since: Instant::now() });
    }

    fn is_in_use(&self) -> bool {
        let is_recent = lock(&self.idle).iter().any(|idle| idle.since.elapsed() < KEPT);
        is_recent || self.room.available_permits() < MOST
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a bind's result code means (RFC 4511 appendix A). Those that are about the user refuse; the others are about
/// the directory or how it is asked.
fn verdict(code: u32) -> Verdict {
    let why = match code {
        0 => return Verdict::Accepted,
        // constraintViolation, which also is a locked account; inappropriateMatching; noSuchObject;
        // invalidDNSyntax; inappropriateAuthentication; invalidCredentials; insufficientAccessRights;
        // unwillingToPerform, such as for an account that is disabled.
        16 | 19 | 32 | 34 | 48 | 49 | 50 | 53 => return Verdict::Refused,
        2 => "it understands another protocol (2)",
        8 => "it wants stronger authentication (8): perhaps use_tls or start_tls",
        10 => "it refers to another directory (10), which is not followed",
        13 => "it wants encryption (13): set use_tls or start_tls",
        51 => "it is busy (51)",
        52 => "it is unavailable (52)",
        other => return Verdict::Unknown { why: format!("it answered with the result code {other}") },
    };
    Verdict::Unknown { why: why.to_owned() }
}

/// The texts of a directory are not repeated: they can have what was sent.
fn explain(error: &LdapError) -> String {
    match error {
        LdapError::Io { source } => explain_io(source),
        LdapError::LdapResult { result } => format!("it refuses StartTLS with the result code {}", result.rc),
        LdapError::OpSend { .. } | LdapError::ResultRecv { .. } | LdapError::EndOfStream => {
            "it closed the connection".to_owned()
        }
        LdapError::DNSName { .. } => "its name cannot be asked a certificate for".to_owned(),
        _ => "it does not speak LDAP as expected".to_owned(),
    }
}

fn explain_io(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => format!("TLS: {error}"),
        None => error.to_string(),
    }
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backends::{Ldap, LdapMode};
    use futures_util::future::join_all;
    use postern::plugin::{PluginConfig, PluginName};
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const USER: &str = "cn=user01,ou=users,dc=example,dc=org";

    fn directories() -> Directories {
        Directories::new(Reach::of_plugins(&[]))
    }

    /// At `address`, with more fields.
    fn directory(address: &str, more: serde_json::Value) -> Directory {
        let mut config = json!({"base_dn": "dc=x", "ldap_uri": address});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let config = PluginConfig::parse(PluginName::LdapAuth, &config.to_string()).unwrap();
        Directory::of(&config.settings().unwrap()).unwrap()
    }

    async fn check(directory: &Directory, password: &str) -> Verdict {
        directories().check(directory, &USER.parse().unwrap(), password).await
    }

    async fn asked(address: &str) -> Verdict {
        check(&directory(address, json!({})), "password").await
    }

    /// The first words of why it is not known.
    fn unknown(verdict: Verdict) -> String {
        let Verdict::Unknown { why } = verdict else { panic!("{verdict:?}") };
        why
    }

    #[tokio::test]
    async fn a_password_is_checked_over_every_kind_of_connection() {
        let ldap = Ldap::start(LdapMode::Usual);
        let (plain, tls) = (format!("127.0.0.1:{}", ldap.port()), format!("127.0.0.1:{}", ldap.tls_port()));
        let ca = ldap.ca();
        for (address, more) in [
            (&plain, json!({})),
            (&plain, json!({"start_tls": true})),
            (&plain, json!({"start_tls": true, "tls_verify": true, "ca_certificate": ca})),
            (&tls, json!({"use_tls": true})),
            (&tls, json!({"use_tls": true, "tls_verify": true, "ca_certificate": ca})),
        ] {
            let directory = directory(address, more.clone());
            for (password, expected) in [("password1", Verdict::Accepted), ("password2", Verdict::Refused)] {
                assert_eq!(check(&directory, password).await, expected, "{more} {password}");
            }
        }
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_trusted_is_told_no_password() {
        let (ldap, other) = (Ldap::start(LdapMode::Usual), Ldap::start(LdapMode::Strict));
        let (plain, tls) = (format!("127.0.0.1:{}", ldap.port()), format!("127.0.0.1:{}", ldap.tls_port()));
        let named = format!("localhost:{}", ldap.tls_port());
        let strict = format!("127.0.0.1:{}", other.port());
        let (ca, other_ca) = (ldap.ca(), other.ca());
        for (address, more, part) in [
            (&plain, json!({"start_tls": true, "tls_verify": true, "ca_certificate": other_ca}), "TLS: invalid peer"),
            (&tls, json!({"use_tls": true, "tls_verify": true, "ca_certificate": other_ca}), "TLS: invalid peer"),
            (&tls, json!({"use_tls": true, "tls_verify": true}), "TLS: invalid peer"),
            // The certificate is for the address.
            (&named, json!({"use_tls": true, "tls_verify": true, "ca_certificate": ca}), "TLS: invalid peer"),
            (&tls, json!({}), "closed the connection"),
            (&strict, json!({}), "wants encryption (13)"),
        ] {
            let why = unknown(check(&directory(address, more.clone()), "password1").await);
            assert!(why.contains(part), "{more}: {why}");
        }
        let encrypted = directory(&strict, json!({"start_tls": true}));
        assert_eq!(check(&encrypted, "password1").await, Verdict::Accepted);
    }

    #[tokio::test]
    async fn an_empty_password_is_refused_although_the_directory_takes_it() {
        let ldap = Ldap::start(LdapMode::Lax);
        let directory = directory(&format!("127.0.0.1:{}", ldap.port()), json!({}));
        let mut lax = directory.connect(&Reach::of_plugins(&[])).await.unwrap();
        assert_eq!(lax.simple_bind(USER, "").await.unwrap().rc, 0, "the directory itself says yes");
        assert_eq!(check(&directory, "").await, Verdict::Refused);
        assert_eq!(check(&directory, "password1").await, Verdict::Accepted);
    }

    #[tokio::test]
    async fn a_connection_is_kept_and_says_nothing_of_the_next_user() {
        let mut ldap = Ldap::start(LdapMode::Usual);
        let directory = directory(&format!("127.0.0.1:{}", ldap.port()), json!({}));
        let directories = directories();
        let pool = directories.pool(&directory.place);
        for (password, expected) in
            [("password1", Verdict::Accepted), ("x", Verdict::Refused), ("password1", Verdict::Accepted)]
        {
            assert_eq!(directories.check(&directory, &USER.parse().unwrap(), password).await, expected);
            assert_eq!(lock(&pool.idle).len(), 1);
        }
        let unknown_user = "cn=user03,ou=users,dc=example,dc=org".parse().unwrap();
        assert_eq!(directories.check(&directory, &unknown_user, "password1").await, Verdict::Refused);
        let user = USER.parse().unwrap();
        let checks = (0..100).map(|_| directories.check(&directory, &user, "password1"));
        let verdicts = join_all(checks).await;
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Accepted));
        assert!((1..=MOST).contains(&lock(&pool.idle).len()));
        ldap.stop();
        assert!(unknown(directories.check(&directory, &user, "password1").await).contains("not accepted"));
        ldap.restart();
        assert_eq!(directories.check(&directory, &user, "password1").await, Verdict::Accepted);
    }

    #[tokio::test]
    async fn a_directory_that_says_nothing_is_not_waited_for_without_end() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let directory = directory(&silent.local_addr().unwrap().to_string(), json!({}));
        let patient = directories();
        assert_eq!(patient.timeout.as_secs(), 10);
        let directories = Directories { timeout: Duration::from_millis(20), ..patient };
        let verdict = directories.check(&directory, &USER.parse().unwrap(), "password").await;
        assert_eq!(unknown(verdict), "no answer within 0.02 s");
        let pool = directories.pool(&directory.place);
        assert_eq!((lock(&pool.idle).len(), pool.room.available_permits()), (0, MOST));
    }

    #[tokio::test]
    async fn what_is_no_directory_accepts_nobody() {
        for answer in [&b""[..], b"HTTP/1.1 200 OK\r\n\r\n", b"\x30\x00", b"\x30\x84\xff\xff\xff\xff", b"\x00"] {
            let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = server.local_addr().unwrap().to_string();
            let serving = tokio::spawn(async move {
                let (mut stream, _) = server.accept().await.unwrap();
                let mut request = [0; 64];
                let _length = stream.read(&mut request).await.unwrap();
                stream.write_all(answer).await.unwrap();
            });
            assert!(matches!(asked(&address).await, Verdict::Unknown { .. }), "{answer:?}");
            serving.await.unwrap();
        }
    }

    #[tokio::test]
    async fn where_a_cloud_hands_out_credentials_nobody_is_asked() {
        // 169.254.169.254, 100.100.100.200 and 0.0.0.0 as a resolver reads them; the check at save sees names.
        for address in ["2852039166:80", "1684301000", "0xa9fea9fe:389", "0:389"] {
            let Verdict::Unknown { why } = asked(address).await else { panic!("{address}") };
            assert!(why.contains("address"), "{why}");
        }
    }

    #[test]
    fn only_what_is_about_the_user_refuses() {
        assert_eq!(verdict(0), Verdict::Accepted);
        for code in [49, 32, 53, 19] {
            assert_eq!(verdict(code), Verdict::Refused, "{code}");
        }
        for code in [1, 2, 7, 8, 10, 13, 14, 51, 52, 80, 4096] {
            assert!(matches!(verdict(code), Verdict::Unknown { .. }), "{code}");
        }
    }
}
