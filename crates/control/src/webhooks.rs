//! Webhooks: made, deleted, and called by whoever changed a secret.

use crate::config::{Change, Config, Deleted, Object};
use crate::errors::{Described, internal, not_found};
use crate::providers::stored_provider;
use crate::row::sealed_row;
use crate::{Control, Inner};
use aws_lc_rs::hmac;
use postern::control::{Answer, NewWebhook};
use postern::provider::vault::FormSecret;
use postern::provider::{Manager, ProviderKey};
use postern::sensitive::{Masked, Plain, Sealed};
use postern::time::Millis;
use postern::webhook::{Call, Refusal, WINDOW_SECONDS, Webhook};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use store::{Kind, NewRow, Place};

/// How long a caller waits for the reads; after that they go on without it.
const READ_WAIT: Duration = Duration::from_secs(10);

/// Calls at once, and calls a second after that: rotating hundreds of secrets at a stroke gets through.
const BURST: f64 = 200.0;
const PER_SECOND: f64 = 50.0;

/// What is remembered of earlier calls.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// How many calls were more than `PER_SECOND` allows, by `counted_at`.
    excess: f64,
    counted_at: Millis,
    /// The signatures followed while their timestamps are still good, oldest first.
    followed: VecDeque<(Millis, [u8; 32])>,
    known: HashSet<[u8; 32]>,
}

impl Calls {
    fn count(&mut self, now: Millis) -> Result<(), Refusal> {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds between two calls")]
        let seconds = now.since(self.counted_at) as f64 / 1000.0;
        self.excess = (self.excess - seconds * PER_SECOND).max(0.0);
        self.counted_at = now;
        if self.excess + 1.0 > BURST {
            return Err(Refusal::TooMany);
        }
        self.excess += 1.0;
        Ok(())
    }

    fn follow_once(&mut self, signature: [u8; 32], now: Millis) -> Result<(), Refusal> {
        // A timestamp may be ahead by the window, and is good until it is behind by as much.
        while self.followed.front().is_some_and(|(at, _)| now.since(*at) > 2 * WINDOW_SECONDS * 1000) {
            if let Some((_, old)) = self.followed.pop_front() {
                self.known.remove(&old);
            }
        }
        if !self.known.insert(signature) {
            return Err(Refusal::Repeated);
        }
        self.followed.push_back((now, signature));
        Ok(())
    }
}

impl<S> Described for Webhook<S> {
    const WHAT: &'static str = "webhook";
    fn name(&self) -> String {
        self.provider.to_string()
    }
}

impl Control {
    /// Follows a call: reads the secrets it is about, and has the gateway enforce what came of it. Answers how many
    /// secrets that were.
    ///
    /// # Errors
    /// Why it was not followed. The log says what the caller is not told.
    pub async fn webhook_called(&self, call: Call<'_>) -> Result<usize, Refusal> {
        let answer = self.0.webhook_called(call).await;
        match answer {
            Ok(secrets) => {
                tracing::info!(provider = call.provider, secrets, "webhook called for {}", call.provider);
            }
            Err(why) => tracing::warn!(provider = ?call.provider, "a call of a webhook was not followed: {why}"),
        }
        answer
    }
}

impl Inner {
    pub(crate) async fn create_webhook(&self, key: &ProviderKey) -> Answer<NewWebhook> {
        let _changing = self.changing.lock().await;
        let config = self.config();
        let provider = stored_provider(&config, key)?;
        let before = config.webhooks.get(key);
        let row = before.map_or_else(|| uuid::Uuid::new_v4().to_string(), |object| object.row.to_string());
        let secret = new_secret().map_err(internal)?;
        let sealed =
            self.sealer.seal(webhook_place(&row), &Plain::new(secret.clone()), self.now()).map_err(internal)?;
        let webhook = Webhook { provider: key.clone(), secret: sealed };
        let new = new_row(&row, &provider.row, &webhook)?;
        let stored = match before {
            None => self.storing(self.store.insert(&self.group, &new, self.now())).await,
            Some(object) => self.storing(self.store.update(&new, object.stored.revision, self.now())).await,
        };
        let row = stored.map_err(|e| webhook.describe(e))?;
        self.changed(Change::Saved(row)).await?;
        tracing::info!(provider = %key, "made a signing secret for the webhook of {key}");
        Ok(NewWebhook { path: format!("/hooks/secrets/{}", key.id), secret: FormSecret(secret) })
    }

    pub(crate) async fn delete_webhook(&self, key: &ProviderKey) -> Answer<()> {
        let _changing = self.changing.lock().await;
        let config = self.config();
        let object = config.webhooks.get(key).ok_or_else(|| not_found("webhook", key))?;
        self.storing(self.store.delete(&object.row)).await.map_err(|e| object.stored.object.describe(e))?;
        tracing::info!(provider = %key, "deleted the webhook of {key}");
        self.changed(Change::Deleted(Deleted::Webhook(key.clone()))).await
    }

    async fn webhook_called(&self, call: Call<'_>) -> Result<usize, Refusal> {
        let now = self.now();
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).count(now)?;
        let (signed_at, signature) = (call.signed_at()?, call.signed_with()?);
        if (now.0 / 1000).abs_diff(signed_at) > WINDOW_SECONDS {
            return Err(Refusal::OutsideWindow);
        }
        let provider = self.signer(&self.config(), &call, &signature).ok_or(Refusal::BadSignature)?;
        let wanted = call.wanted()?;
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).follow_once(signature, now)?;
        let reads = self.engine.refresh_where(&self.group, &provider, |path| wanted.includes(path));
        let secrets = reads.secrets;
        // A manager that does not answer in time shows in the states; the engine goes on trying.
        let _in_time = tokio::time::timeout(READ_WAIT, reads.ended()).await;
        self.publish();
        self.enforced().await;
        Ok(secrets)
    }

    /// The provider of that id, of any manager, whose secret made the signature. As many signatures are computed
    /// when there is none: the time tells no names.
    fn signer(&self, config: &Config, call: &Call<'_>, signature: &[u8; 32]) -> Option<ProviderKey> {
        let id = call.provider.parse().ok();
        let mut text = call.timestamp.unwrap_or_default().as_bytes().to_vec();
        text.push(b'.');
        text.extend(call.body);
        let mut signer = None;
        for manager in Manager::ALL {
            let webhook = id.clone().and_then(|id| config.webhooks.get(&ProviderKey { manager, id }));
            let opened = webhook.and_then(|object| self.open_webhook(object));
            // What nobody knows, where there is no secret.
            let secret = opened.unwrap_or_else(|| Plain::new(uuid::Uuid::new_v4().to_string()));
            let fits = hmac::verify(&key_of(&secret), &text, signature).is_ok();
            signer = signer.or(webhook.filter(|_| fits).map(|object| object.stored.object.provider.clone()));
        }
        signer
    }

    fn open_webhook(&self, object: &Arc<Object<Webhook<Sealed>>>) -> Option<Plain> {
        let opened = self.sealer.open(webhook_place(&object.row), &object.stored.object.secret);
        let key = &object.stored.object.provider;
        opened.inspect_err(|error| tracing::error!(provider = %key, %error, "a signing secret cannot be opened")).ok()
    }
}

#[expect(clippy::disallowed_methods, reason = "the key of the signature that is checked")]
fn key_of(secret: &Plain) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes())
}

/// 256 random bits in hex.
fn new_secret() -> Result<String, NoRandomNumbers> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandomNumbers)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers")]
struct NoRandomNumbers;

fn webhook_place(row: &str) -> Place<'_> {
    Place { table: Kind::Webhook.slug(), row, column: "secret" }
}

fn new_row(id: &str, provider: &str, webhook: &Webhook<Sealed>) -> Answer<NewRow> {
    let masked = Webhook { provider: webhook.provider.clone(), secret: Masked::from(&webhook.secret) };
    sealed_row(id, Kind::Webhook, Some(provider), "webhook".to_owned(), webhook, &masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_a_flood_does_not() {
        let mut calls = Calls::default();
        let start = Millis(1_000_000);
        let passed = (0..1_000).filter(|_| calls.count(start).is_ok()).count();
        assert_eq!(passed, 200);
        let later = (0..1_000).filter(|_| calls.count(start.plus_seconds(1)).is_ok()).count();
        assert_eq!(later, 50);
    }

    #[test]
    fn a_signature_is_followed_once_for_as_long_as_it_is_good() {
        let mut calls = Calls::default();
        let at = |seconds| Millis(1_000_000).plus_seconds(seconds);
        assert_eq!(calls.follow_once([1; 32], at(0)), Ok(()));
        assert_eq!(calls.follow_once([1; 32], at(600)), Err(Refusal::Repeated));
        assert_eq!(calls.follow_once([2; 32], at(601)), Ok(()));
        assert_eq!((calls.followed.len(), calls.known.len()), (1, 1), "what is too old is forgotten");
    }
}
