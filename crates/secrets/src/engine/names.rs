//! The names that complete a reference, asked of the provider that it begins with: with the provider's own login, on
//! its own connections, one question at a time, and not at all while it is away.

use super::provider::Provider;
use super::{Engine, Inner};
use postern::listing::Listing;
use postern::name::GroupName;
use postern::secret_ref::Opening;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long an answer is used: typing one reference asks once for each part.
const USED_FOR: Duration = Duration::from_secs(10);
/// The longest that someone who types waits.
const WAIT: Duration = Duration::from_secs(5);
/// Answers kept of one provider.
const MOST_KEPT: usize = 32;

/// A path, and how the name begins that is looked for there; empty for all names.
type Place = (Vec<String>, String);

/// What a provider has answered lately. It ends with the provider's settings.
#[derive(Default)]
pub(super) struct Lists {
    asking: tokio::sync::Mutex<()>,
    answers: Mutex<HashMap<Place, (Instant, Listing)>>,
}

impl Lists {
    fn last(&self, place: &Place, now: Instant) -> Option<Listing> {
        let (at, listing) = self.answers().get(place).cloned()?;
        (now.duration_since(at) < USED_FOR).then_some(listing)
    }

    fn keep(&self, place: Place, listing: Listing, now: Instant) {
        let mut answers = self.answers();
        answers.retain(|_, (at, _)| now.duration_since(*at) < USED_FOR);
        if answers.len() < MOST_KEPT {
            answers.insert(place, (now, listing));
        }
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<Place, (Instant, Listing)>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// The names at the place of a reference that is begun, as far as its provider may list them: they begin with
    /// what is typed behind the place. From memory for some seconds.
    pub async fn names(&self, group: &GroupName, opening: &Opening) -> Listing {
        let Some(provider) = self.inner.board().provider(group, opening.provider()).cloned() else {
            return Listing::Unknown;
        };
        let (path, begun) = (opening.path().to_vec(), opening.begun());
        let asked = async {
            let all = self.inner.list(&provider, (path.clone(), String::new())).await;
            match all.is_cut() && !begun.is_empty() {
                true => self.inner.list(&provider, (path, begun.to_owned())).await,
                false => all,
            }
        };
        timeout(WAIT, asked).await.unwrap_or(Listing::Unknown).narrowed(begun)
    }
}

impl Inner {
    async fn list(&self, provider: &Provider, place: Place) -> Listing {
        if let Some(listing) = provider.lists.last(&place, Instant::now()) {
            return listing;
        }
        let _turn = provider.lists.asking.lock().await;
        if let Some(listing) = provider.lists.last(&place, Instant::now()) {
            return listing;
        }
        if provider.gate.is_away() {
            return Listing::Unknown;
        }
        let pass = provider.gate.pass_awaited().await;
        let (path, begun) = &place;
        let answer = provider.manager.names(path, begun).await;
        let outage = answer.as_ref().err().filter(|failure| failure.is_transient());
        provider.gate.report(&pass, outage, self.clock.now());
        let listing = answer.map_or(Listing::Unknown, Listing::from);
        provider.lists.keep(place, listing.clone(), Instant::now());
        listing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_used_for_some_seconds_and_never_pile_up() {
        let (lists, now) = (Lists::default(), Instant::now());
        let place = |n: usize| (vec![n.to_string()], String::new());
        for n in 0..2 * MOST_KEPT {
            lists.keep(place(n), Listing::Denied, now);
        }
        assert_eq!(lists.answers().len(), MOST_KEPT);
        assert_eq!(lists.last(&place(0), now), Some(Listing::Denied));
        let later = now + USED_FOR;
        assert_eq!(lists.last(&place(0), later), None);
        lists.keep(place(0), Listing::Unknown, later);
        assert_eq!(lists.answers().len(), 1);
    }
}
