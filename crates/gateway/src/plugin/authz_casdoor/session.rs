//! What a browser's cookie says: until when its user is signed in, and which sign-ins are under way.
//!
//! The access token is not in it: nothing here needs it, and what is not kept cannot be taken.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use postern::time::Millis;
use serde::{Deserialize, Serialize};

/// How long a user may take to sign in, in seconds.
pub(super) const ATTEMPT_SECONDS: u64 = 3600;
/// Browsers keep no cookie for longer: 400 days, in seconds (RFC 6265bis §5.5).
const LONGEST_SECONDS: u64 = 400 * 24 * 3600;
/// Pages that a browser opens at once have a sign-in each.
const MOST_ATTEMPTS: usize = 4;
/// A longer address is not come back to, for want of room in the cookie.
const LONGEST_TARGET: usize = 1500;

/// The content of one cookie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// Until then the user is signed in.
    until: Millis,
    /// Sign-ins that are under way, the oldest first.
    attempts: Vec<Attempt>,
}

/// A user was sent to Casdoor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// What Casdoor hands back: nobody who has not the cookie can know it.
    state: String,
    /// Path and query to come back to, on this host.
    pub(super) target: String,
    until: Millis,
}

impl Session {
    pub(super) fn is_signed_in(&self, now: Millis) -> bool {
        now < self.until
    }

    /// Whether a sign-in can still come back.
    pub(super) fn is_awaited(&self, now: Millis) -> bool {
        self.attempts.iter().any(|attempt| now < attempt.until)
    }

    /// The sign-in that has this state.
    pub(super) fn attempt(&self, state: &[u8], now: Millis) -> Option<&Attempt> {
        let is_it = |attempt: &&Attempt| verify_slices_are_equal(attempt.state.as_bytes(), state).is_ok();
        self.attempts.iter().filter(|attempt| now < attempt.until).find(is_it)
    }

    /// With one more sign-in under way; those that are over, or too many, go.
    pub(super) fn begin(mut self, state: String, target: &str, now: Millis) -> Self {
        self.attempts.retain(|attempt| now < attempt.until);
        let until = now.plus_seconds(ATTEMPT_SECONDS);
        self.attempts.push(Attempt { state, target: local(target), until });
        while self.attempts.len() > MOST_ATTEMPTS || (self.attempts.len() > 1 && self.target_bytes() > LONGEST_TARGET) {
            self.attempts.remove(0);
        }
        self
    }

    /// Signed in for so many seconds; the sign-in that led to it cannot be used again.
    pub(super) fn signed_in(mut self, attempt: &Attempt, seconds: u64, now: Millis) -> Self {
        self.attempts.retain(|other| other != attempt && now < other.until);
        self.until = now.plus_seconds(seconds.min(LONGEST_SECONDS));
        self
    }

    /// After how many seconds the browser may forget it.
    pub(super) fn max_age(&self, now: Millis) -> u64 {
        let ends = self.attempts.iter().map(|attempt| attempt.until).chain([self.until]);
        ends.max().map_or(0, |last| last.since(now) / 1000)
    }

    fn target_bytes(&self) -> usize {
        self.attempts.iter().map(|attempt| attempt.target.len()).sum()
    }
}

/// Where to come back to, which is on this host whatever a browser makes of it: to it, `//other.example` and
/// `/\other.example` are other hosts.
fn local(target: &str) -> String {
    let path = target.trim_start_matches(['/', '\\']);
    let short = path.len() < LONGEST_TARGET;
    let path = if short { path } else { path.split('?').next().unwrap_or_default() };
    if path.len() < LONGEST_TARGET { format!("/{path}") } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed_cookie::LONGEST_CONTENT;

    const NOW: Millis = Millis(1_000_000);

    fn after(seconds: u64) -> Millis {
        NOW.plus_seconds(seconds)
    }

    fn begun(states: &[&str]) -> Session {
        let begin = |session: Session, state: &&str| session.begin((*state).to_owned(), "/page", NOW);
        states.iter().fold(Session::default(), begin)
    }

    #[test]
    fn nobody_is_sent_to_another_host() {
        let long_query = format!("/page?{}", "q".repeat(LONGEST_TARGET));
        let long_path = format!("/{}", "p".repeat(LONGEST_TARGET));
        for (target, expected) in [
            ("/", "/"),
            ("/anything/d?param1=foo&param2=bar", "/anything/d?param1=foo&param2=bar"),
            ("//evil.example/x", "/evil.example/x"),
            ("/\\evil.example", "/evil.example"),
            ("///\\/evil.example", "/evil.example"),
            ("/x?next=https://evil.example", "/x?next=https://evil.example"),
            ("*", "/*"),
            (&long_query, "/page"),
            (&long_path, "/"),
        ] {
            assert_eq!(local(target), expected, "{target}");
        }
    }

    #[test]
    fn a_sign_in_is_found_by_its_own_state_until_it_is_over() {
        let session = begun(&["one", "two"]);
        assert!(session.attempt(b"one", NOW).is_some());
        assert!(session.attempt(b"two", after(ATTEMPT_SECONDS - 1)).is_some());
        assert!(session.attempt(b"two", after(ATTEMPT_SECONDS)).is_none());
        for other in [&b""[..], b"three", b"on", b"onet", b"One"] {
            assert!(session.attempt(other, NOW).is_none());
        }
        assert!(!session.is_signed_in(NOW));
        assert!(session.is_awaited(NOW) && !session.is_awaited(after(ATTEMPT_SECONDS)));
    }

    #[test]
    fn a_sign_in_is_used_once_and_leaves_the_others() {
        let session = begun(&["one", "two"]);
        let attempt = session.attempt(b"one", NOW).unwrap().clone();
        let session = session.signed_in(&attempt, 60, NOW);
        assert!(session.is_signed_in(after(59)) && !session.is_signed_in(after(60)));
        assert!(session.attempt(b"one", NOW).is_none());
        assert!(session.attempt(b"two", NOW).is_some());
    }

    #[test]
    fn a_lifetime_beyond_reason_is_cut() {
        let session = begun(&["one"]);
        let attempt = session.attempt(b"one", NOW).unwrap().clone();
        let session = session.signed_in(&attempt, u64::MAX, NOW);
        assert_eq!(session.max_age(NOW), LONGEST_SECONDS);
    }

    #[test]
    fn the_browser_keeps_it_as_long_as_something_of_it_is_of_use() {
        let session = begun(&["one"]);
        assert_eq!(session.max_age(NOW), ATTEMPT_SECONDS);
        let attempt = session.attempt(b"one", NOW).unwrap().clone();
        assert_eq!(session.signed_in(&attempt, 60, NOW).max_age(NOW), 60);
        assert_eq!(Session::default().max_age(NOW), 0);
    }

    #[test]
    fn however_much_is_asked_for_it_fits_into_a_cookie() {
        let target = format!("/{}", "\"".repeat(LONGEST_TARGET - 2));
        let state = "s".repeat(43);
        let mut session = begun(&["1", "2", "3", "4", "5", "6"]);
        assert_eq!(session.attempts.len(), MOST_ATTEMPTS);
        for _ in 0..9 {
            session = session.begin(state.clone(), &target.replace('"', "x"), NOW);
            let content = serde_json::to_vec(&session).unwrap();
            assert!(content.len() <= LONGEST_CONTENT, "{}", content.len());
            assert!(session.attempt(state.as_bytes(), NOW).is_some(), "the last one is always there");
        }
    }
}
