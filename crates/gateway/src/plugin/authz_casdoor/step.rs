//! What happens to a request, decided by its path, its query and its cookie alone.

use super::session::{Attempt, Session};
use crate::plugin::query;
use postern::time::Millis;

/// What happens next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'s> {
    /// The user is signed in.
    Pass,
    /// The browser is sent to Casdoor.
    SignIn,
    /// It comes back from there: the code is to be changed for a token.
    Redeem {
        attempt: &'s Attempt,
        code: String,
    },
    Refuse(Refusal),
}

/// Why a browser that comes back is refused; the texts are APISIX's where it has any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not come from a sign-in that began here, or that one took too long.
    NoSession,
    NoCodeOrState,
    InvalidState,
}

/// Decides. `session` is what the cookie holds, if it opens; `query` is without the `?`.
pub(super) fn next<'s>(session: Option<&'s Session>, is_callback: bool, query: Option<&str>, now: Millis) -> Step<'s> {
    if !is_callback {
        let is_signed_in = session.is_some_and(|session| session.is_signed_in(now));
        return if is_signed_in { Step::Pass } else { Step::SignIn };
    }
    let known = session.filter(|session| session.is_signed_in(now) || session.is_awaited(now));
    let Some(session) = known else { return Step::Refuse(Refusal::NoSession) };
    // Two different values are none: whichever is chosen, somebody else may have meant the other.
    let argument = |name| query::find(query.unwrap_or_default(), name).ok().flatten().filter(|value| !value.is_empty());
    let (Some(code), Some(state)) = (argument("code"), argument("state")) else {
        return Step::Refuse(Refusal::NoCodeOrState);
    };
    let Ok(code) = String::from_utf8(code.into_owned()) else { return Step::Refuse(Refusal::NoCodeOrState) };
    match session.attempt(&state, now) {
        Some(attempt) => Step::Redeem { attempt, code },
        None => Step::Refuse(Refusal::InvalidState),
    }
}

#[cfg(test)]
mod tests {
    use super::super::session::ATTEMPT_SECONDS;
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    #[test]
    fn a_page_passes_only_while_its_user_is_signed_in() {
        let awaited = Session::default().begin("s".to_owned(), "/page", NOW);
        let attempt = awaited.attempt(b"s", NOW).unwrap().clone();
        let signed_in = awaited.clone().signed_in(&attempt, 60, NOW);
        for (session, at, expected) in [
            (None, NOW, Step::SignIn),
            (Some(&awaited), NOW, Step::SignIn),
            (Some(&signed_in), NOW, Step::Pass),
            (Some(&signed_in), NOW.plus_seconds(60), Step::SignIn),
        ] {
            // What a page is asked with decides nothing.
            for query in [None, Some("code=c&state=s")] {
                assert_eq!(next(session, false, query, at), expected);
            }
        }
    }

    #[test]
    fn whoever_comes_back_needs_a_cookie_and_its_state() {
        let awaited = Session::default().begin("s".to_owned(), "/page", NOW);
        let attempt = awaited.attempt(b"s", NOW).unwrap();
        let signed_in = awaited.clone().signed_in(attempt, 60, NOW);
        let good = Some("code=c%2F1&state=s");
        let redeem = || Step::Redeem { attempt, code: "c/1".to_owned() };
        let refuse = |refusal| Step::Refuse(refusal);
        for (session, query, seconds, expected) in [
            (Some(&awaited), good, 0, redeem()),
            (Some(&awaited), good, ATTEMPT_SECONDS, refuse(Refusal::NoSession)),
            (None, good, 0, refuse(Refusal::NoSession)),
            (None, None, 0, refuse(Refusal::NoSession)),
            (Some(&awaited), None, 0, refuse(Refusal::NoCodeOrState)),
            (Some(&awaited), Some("code=c"), 0, refuse(Refusal::NoCodeOrState)),
            (Some(&awaited), Some("state=s"), 0, refuse(Refusal::NoCodeOrState)),
            (Some(&awaited), Some("code=&state=s"), 0, refuse(Refusal::NoCodeOrState)),
            (Some(&awaited), Some("code=%ff&state=s"), 0, refuse(Refusal::NoCodeOrState)),
            (Some(&awaited), Some("error=access_denied&state=s"), 0, refuse(Refusal::NoCodeOrState)),
            (Some(&awaited), Some("code=a&code=b&state=s"), 0, refuse(Refusal::NoCodeOrState)),
            (Some(&awaited), Some("code=c&state=s&state=t"), 0, refuse(Refusal::NoCodeOrState)),
            (Some(&awaited), Some("code=c&state=other"), 0, refuse(Refusal::InvalidState)),
            // The state of a sign-in that is done is nobody's.
            (Some(&signed_in), good, 0, refuse(Refusal::InvalidState)),
            (Some(&signed_in), good, 60, refuse(Refusal::NoSession)),
        ] {
            assert_eq!(next(session, true, query, NOW.plus_seconds(seconds)), expected, "{query:?} after {seconds} s");
        }
    }
}
