//! The token that requests carry: the provider's own, or what a login gave for it. Kept in memory only.
//!
//! One login serves all who wait. It is renewed ahead of its end, and replaced where that is refused. What
//! was refused is not tried again at once: some methods lock a user out after a few wrong logins.

use postern::provider::vault::{AuthMethod, TokenFile, VaultAuth};
use postern::resolve::Failure;
use postern::sensitive::Plain;
use serde::Deserialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// After the first refused login, the time to the next; it doubles up to [`REFUSED_AT_MOST`].
const REFUSED_AT_FIRST: Duration = Duration::from_secs(5);
const REFUSED_AT_MOST: Duration = Duration::from_secs(60);
/// When a token's keeper found nobody to talk to, it tries again after at most this time.
const AGAIN: Duration = Duration::from_secs(5);
/// A token that may not look at itself is replaced on a refusal when it is at least this old: whether it
/// ended or lacks a policy cannot be known.
const SHY_FOR: Duration = Duration::from_secs(60);

/// How one provider proves itself, and the token it has for that.
pub(super) struct Session {
    auth: VaultAuth<Plain>,
    /// Whose turn it is to log in.
    pub(super) turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// Ticks with every new plan.
    planned: watch::Sender<u64>,
    keeper: Mutex<Option<AbortOnDropHandle<()>>>,
}

#[derive(Default)]
struct State {
    held: Option<Arc<Held>>,
    /// How the last login failed.
    failed: Option<Failed>,
    plan: Option<Plan>,
}

/// A token in use.
pub(super) struct Held {
    pub(super) token: Plain,
    /// Of the login that gave it.
    pub(super) serial: u64,
    since: Instant,
    /// The life it was given at first.
    lease: Duration,
    /// Whether it may ask Vault about itself: it has the `default` policy.
    pub(super) may_look: bool,
}

impl Held {
    /// Whether a refusal may mean that it has ended, where it may not ask.
    pub(super) fn may_have_ended(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= SHY_FOR
    }
}

struct Failed {
    at: Instant,
    /// Until then the same answer is given without asking again.
    until: Instant,
    /// How often in a row a login was refused.
    refusals: u32,
    failure: Failure,
}

/// What is to be done about the token next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) at: Instant,
    pub(super) what: Task,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Ask how long the provider's own token lives.
    Look,
    Renew,
    LogIn,
}

/// What a login or a renewal grants.
#[derive(Deserialize)]
pub(super) struct Grant {
    #[serde(default)]
    pub(super) client_token: String,
    /// Seconds; 0 means for ever.
    pub(super) lease_duration: u64,
    #[serde(default)]
    pub(super) renewable: bool,
    #[serde(default)]
    policies: Vec<String>,
}

/// The `auth` of an answer. Nothing when the answer is not what Vault answers.
pub(super) fn parse(body: &[u8]) -> Option<Grant> {
    #[derive(Deserialize)]
    struct Answered {
        auth: Grant,
    }
    serde_json::from_slice::<Answered>(body).ok().map(|answer| answer.auth)
}

impl Session {
    pub(super) fn new(auth: VaultAuth<Plain>) -> Self {
        let token = match &auth {
            VaultAuth::Token { token } => Some(token.clone()),
            VaultAuth::TokenFile { .. }
            | VaultAuth::AppRole { .. }
            | VaultAuth::Userpass { .. }
            | VaultAuth::Kubernetes { .. }
            | VaultAuth::Jwt { .. }
            | VaultAuth::Cert { .. } => None,
        };
        let session = Self {
            auth,
            turn: tokio::sync::Mutex::default(),
            state: Mutex::default(),
            planned: watch::Sender::new(0),
            keeper: Mutex::default(),
        };
        if let Some(token) = token {
            session.given(token, Instant::now());
        }
        session
    }

    pub(super) fn auth(&self) -> &VaultAuth<Plain> {
        &self.auth
    }

    pub(super) fn method(&self) -> AuthMethod {
        self.auth.method()
    }

    /// The file that the provider's token is in, if it is in one.
    pub(super) fn token_file(&self) -> Option<&TokenFile> {
        match &self.auth {
            VaultAuth::TokenFile { file } => Some(file),
            VaultAuth::Token { .. }
            | VaultAuth::AppRole { .. }
            | VaultAuth::Userpass { .. }
            | VaultAuth::Kubernetes { .. }
            | VaultAuth::Jwt { .. }
            | VaultAuth::Cert { .. } => None,
        }
    }

    /// The token in use.
    pub(super) fn held(&self) -> Option<Arc<Held>> {
        self.state().held.clone()
    }

    /// What whoever wants another token than `stale` is answered without a login, asked at `called`: a token
    /// that came meanwhile, a login that failed meanwhile, or one that was refused a moment ago.
    pub(super) fn settled(
        &self,
        stale: Option<u64>,
        called: Instant,
        now: Instant,
    ) -> Option<Result<Arc<Held>, Failure>> {
        let state = self.state();
        if let Some(held) = state.held.as_ref().filter(|held| Some(held.serial) != stale) {
            return Some(Ok(held.clone()));
        }
        let failed = state.failed.as_ref()?;
        (failed.at > called || failed.until > now).then(|| Err(failed.failure.clone()))
    }

    /// Takes over what a login granted.
    pub(super) fn logged_in(&self, grant: Grant, now: Instant) -> Arc<Held> {
        let lease = Duration::from_secs(grant.lease_duration);
        let may_look = grant.policies.iter().any(|policy| policy == "default" || policy == "root");
        let what = if grant.renewable { Task::Renew } else { Task::LogIn };
        let mut state = self.state();
        let serial = state.held.as_ref().map_or(1, |held| held.serial + 1);
        let token = Plain::new(grant.client_token);
        let held = Arc::new(Held { token, serial, since: now, lease, may_look });
        state.held = Some(held.clone());
        state.failed = None;
        state.plan = (!lease.is_zero()).then(|| Plan { at: now + ahead(lease), what });
        drop(state);
        self.tick();
        held
    }

    /// Takes over a token of the provider's own.
    pub(super) fn given(&self, token: Plain, now: Instant) -> Arc<Held> {
        let mut state = self.state();
        let serial = state.held.as_ref().map_or(0, |held| held.serial + 1);
        let held = Arc::new(Held { token, serial, since: now, lease: Duration::ZERO, may_look: true });
        state.held = Some(held.clone());
        state.failed = None;
        state.plan = Some(Plan { at: now, what: Task::Look });
        drop(state);
        self.tick();
        held
    }

    /// Remembers how a login failed. The token before stays in use: it may live a little longer.
    pub(super) fn failed(&self, failure: &Failure, now: Instant) {
        let mut state = self.state();
        let before = state.failed.as_ref().map_or(0, |failed| failed.refusals);
        // To look into a file locks nobody out.
        let refusals = if failure.is_transient() || !self.method().logs_in() { 0 } else { before + 1 };
        let until = now + pause(refusals);
        state.failed = Some(Failed { at: now, until, refusals, failure: failure.clone() });
    }

    /// Plans the next renewal of a token that was renewed, or looked at for the first time. A lease that
    /// has shrunk to less than half is near its end, which no renewal moves: then a login is better.
    pub(super) fn granted(&self, held: &Held, seconds: u64, renewable: bool, now: Instant) {
        if self.held().is_none_or(|current| current.serial != held.serial) {
            return;
        }
        let lease = Duration::from_secs(seconds);
        let what = match () {
            () if lease.is_zero() => None,
            () if renewable && lease * 2 >= held.lease => Some(Task::Renew),
            () if self.method().logs_in() => Some(Task::LogIn),
            () => None,
        };
        self.plan(what.map(|what| Plan { at: now + ahead(lease), what }));
    }

    /// The renewal was refused: a login gives a new token; a provider's own cannot be replaced.
    pub(super) fn not_renewed(&self, now: Instant) {
        self.plan(self.method().logs_in().then_some(Plan { at: now, what: Task::LogIn }));
    }

    /// It did not work: the same again soon, a login not before it may be tried again.
    pub(super) fn postpone(&self, what: Task, now: Instant) {
        let soon = now + jittered(AGAIN);
        let refused_until = self.state().failed.as_ref().map(|failed| failed.until);
        let at = match what {
            Task::LogIn => refused_until.map_or(soon, |until| until.max(soon)),
            Task::Look | Task::Renew => soon,
        };
        self.plan(Some(Plan { at, what }));
    }

    /// There is nothing more to be done about this token.
    pub(super) fn leave(&self) {
        self.plan(None);
    }

    pub(super) fn next(&self) -> Option<Plan> {
        self.state().plan
    }

    pub(super) fn plans(&self) -> watch::Receiver<u64> {
        self.planned.subscribe()
    }

    /// Starts the token's keeper, once.
    pub(super) fn keep_with(&self, start: impl FnOnce() -> AbortOnDropHandle<()>) {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(start);
    }

    fn plan(&self, plan: Option<Plan>) {
        self.state().plan = plan;
        self.tick();
    }

    fn tick(&self) {
        self.planned.send_modify(|ticks| *ticks += 1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two thirds of a lease, and up to a tenth earlier, so that many instances do not renew at once. Never
/// less than a second: a lease that no renewal prolongs would be renewed ever faster.
fn ahead(lease: Duration) -> Duration {
    lease.mul_f64(2.0 / 3.0 * (0.9 + 0.1 * fastrand::f64())).max(Duration::from_secs(1))
}

fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + 0.5 * fastrand::f64())
}

fn pause(refusals: u32) -> Duration {
    match refusals.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => REFUSED_AT_MOST.min(REFUSED_AT_FIRST * 2_u32.pow(doublings.min(8))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::resolve::{DeniedBecause, UnreachableBecause};

    fn approle() -> Session {
        Session::new(VaultAuth::AppRole {
            role_id: "r".to_owned(),
            secret_id: Plain::new("s".to_owned()),
            mount: "approle".parse().unwrap(),
        })
    }

    fn grant(seconds: u64, renewable: bool) -> Grant {
        let json = format!(
            r#"{{"auth":{{"client_token":"s.x","lease_duration":{seconds},"renewable":{renewable},"policies":["default"]}}}}"#
        );
        parse(json.as_bytes()).unwrap()
    }

    fn refused() -> Failure {
        Failure::Denied { path: "auth/approle/login".to_owned(), why: DeniedBecause::Unknown }
    }

    fn outage() -> Failure {
        Failure::Unreachable { address: "http://v".to_owned(), why: UnreachableBecause::ConnectionRefused }
    }

    #[test]
    fn grants_are_understood() {
        let grant = parse(br#"{"auth":{"client_token":"s.x","lease_duration":5,"renewable":true,"more":1}}"#).unwrap();
        assert_eq!((grant.lease_duration, grant.renewable), (5, true));
        for body in ["", "<html>", "{}", r#"{"auth":null}"#, r#"{"auth":{"lease_duration":-1}}"#] {
            assert!(parse(body.as_bytes()).is_none(), "{body}");
        }
    }

    #[test]
    fn renewal_is_ahead_of_the_end_and_no_two_at_once() {
        let lease = Duration::from_secs(300);
        let times: Vec<Duration> = (0..100).map(|_| ahead(lease)).collect();
        assert!(times.iter().all(|time| (180..=200).contains(&time.as_secs())), "{times:?}");
        assert!(times.iter().any(|time| *time != times[0]));
    }

    #[test]
    fn refused_logins_become_rare() {
        let seconds: Vec<u64> = (0..8).map(|refusals| pause(refusals).as_secs()).collect();
        assert_eq!(seconds, [0, 5, 10, 20, 40, 60, 60, 60]);
        assert_eq!(pause(u32::MAX), REFUSED_AT_MOST);
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_refused_login_is_remembered_for_a_while_and_an_outage_is_not() {
        let (session, start) = (approle(), Instant::now());
        let settled = |called, now| session.settled(None, called, now).map(|answer| answer.map(|_| ()));
        assert_eq!(settled(start, start), None);
        session.failed(&refused(), start + MS);
        assert_eq!(settled(start, start + MS), Some(Err(refused())));
        let later = start + Duration::from_secs(4);
        assert_eq!(settled(later, later), Some(Err(refused())));
        let later = start + Duration::from_secs(6);
        assert_eq!(settled(later, later), None);

        session.failed(&outage(), later + MS);
        assert_eq!(settled(later, later + MS), Some(Err(outage())), "who waited learns of it");
        assert_eq!(settled(later + 2 * MS, later + 2 * MS), None, "who comes later tries again");
    }

    #[test]
    fn one_login_serves_all_who_found_the_same_token_wanting() {
        let (session, now) = (approle(), Instant::now());
        let first = session.logged_in(grant(60, true), now).serial;
        assert!(session.settled(Some(first), now, now).is_none());
        let second = session.logged_in(grant(60, true), now).serial;
        let settled = session.settled(Some(first), now, now);
        assert_eq!(settled.unwrap().unwrap().serial, second);
    }

    #[test]
    fn what_comes_next_follows_from_the_lease() {
        let (session, now) = (approle(), Instant::now());
        let held = session.logged_in(grant(60, true), now);
        let planned = || session.next().map(|plan| plan.what);
        assert_eq!(planned(), Some(Task::Renew));
        session.granted(&held, 60, true, now);
        assert_eq!(planned(), Some(Task::Renew));
        session.granted(&held, 20, true, now);
        assert_eq!(planned(), Some(Task::LogIn), "the lease has shrunk");
        session.granted(&held, 60, false, now);
        assert_eq!(planned(), Some(Task::LogIn));
        session.not_renewed(now);
        assert_eq!(session.next(), Some(Plan { at: now, what: Task::LogIn }));
        session.failed(&refused(), now);
        session.postpone(Task::LogIn, now);
        assert!(session.next().is_some_and(|plan| plan.at >= now + REFUSED_AT_FIRST));
        assert!(session.held().is_some(), "the old token may still live");
        session.logged_in(grant(60, false), now);
        assert_eq!(planned(), Some(Task::LogIn));
        session.logged_in(grant(0, false), now);
        assert_eq!(planned(), None, "it never ends");
    }

    #[test]
    fn a_providers_own_token_is_renewed_but_not_replaced() {
        let session = Session::new(VaultAuth::Token { token: Plain::new("s.x".to_owned()) });
        let (held, now) = (session.held().unwrap(), Instant::now());
        let planned = || session.next().map(|plan| plan.what);
        assert_eq!(planned(), Some(Task::Look));
        session.granted(&held, 60, true, now);
        assert_eq!(planned(), Some(Task::Renew));
        session.granted(&held, 60, false, now);
        assert_eq!(planned(), None);
        session.not_renewed(now);
        assert_eq!(planned(), None);
    }
}
