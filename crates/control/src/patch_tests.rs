//! After any changes, the patched configuration and what was published of it are those of a full reload.

use crate::{Control, InstanceFacts, Parts};
use backends::OpenBao;
use postern::consumer::ConsumerForm;
use postern::control::{ControlPlane, Operator, PluginOwner};
use postern::credential::{CredentialForm, CredentialType, SecretFieldForm, Source};
use postern::fingerprint::FingerprintKey;
use postern::name::{ConsumerName, GroupName, ObjectId};
use postern::plugin::{PluginConfig, PluginName, Plugins};
use postern::provider::ProviderForm;
use postern::provider::vault::{AuthForm, FormSecret, VaultForm};
use postern::routing::{RouteForm, ServiceForm};
use postern::session_key::SessionKey;
use postern::time::{Clock, Millis};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestCaseError, TestRunner};
use secrets::Engine;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{Sealer, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// Nothing here takes longer, even on a loaded machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

struct Ticks(AtomicU64);

impl Clock for Ticks {
    fn now(&self) -> Millis {
        Millis(1_700_000_000_000 + self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// What an operator, or someone at the secret manager, does. Numbers choose among few things, so that changes meet.
#[derive(Clone, Debug)]
enum Deed {
    SaveConsumer { consumer: u8, custom_id: u8 },
    DeleteConsumer { consumer: u8 },
    AddKey { consumer: u8, key: Key },
    ChangeKey { nth: u8, key: Key },
    DeleteKey { nth: u8 },
    SaveProvider { provider: u8, prefix: u8 },
    DeleteProvider { provider: u8 },
    AddService { name: u8 },
    DeleteService { nth: u8 },
    AddRoute { nth: u8, name: u8 },
    DeleteRoute { nth: u8 },
    SetPlugin { nth: u8, anonymous: u8 },
    SetConsumerPlugin { consumer: u8, key: Key },
    RemoveConsumerPlugin { consumer: u8 },
    Rotate { secret: u8, key: u8 },
    MakeWebhook { provider: u8 },
    DeleteWebhook { provider: u8 },
}

#[derive(Clone, Debug)]
enum Key {
    Literal(u8),
    Reference { provider: u8, secret: u8, key: u8 },
}

fn deed() -> impl Strategy<Value = Deed> {
    let few = || 0..3_u8;
    let key = || {
        prop_oneof![
            (0..6_u8).prop_map(Key::Literal),
            (0..2_u8, few(), few()).prop_map(|(provider, secret, key)| Key::Reference { provider, secret, key }),
            (few(), few()).prop_map(|(secret, key)| Key::Reference { provider: 0, secret, key }),
        ]
    };
    prop_oneof![
        4 => (few(), few()).prop_map(|(consumer, custom_id)| Deed::SaveConsumer { consumer, custom_id }),
        1 => few().prop_map(|consumer| Deed::DeleteConsumer { consumer }),
        6 => (few(), key()).prop_map(|(consumer, key)| Deed::AddKey { consumer, key }),
        3 => (few(), key()).prop_map(|(nth, key)| Deed::ChangeKey { nth, key }),
        1 => few().prop_map(|nth| Deed::DeleteKey { nth }),
        2 => (0..2_u8, 0..2_u8).prop_map(|(provider, prefix)| Deed::SaveProvider { provider, prefix }),
        1 => (0..2_u8).prop_map(|provider| Deed::DeleteProvider { provider }),
        1 => few().prop_map(|name| Deed::AddService { name }),
        1 => few().prop_map(|nth| Deed::DeleteService { nth }),
        2 => (few(), few()).prop_map(|(nth, name)| Deed::AddRoute { nth, name }),
        1 => few().prop_map(|nth| Deed::DeleteRoute { nth }),
        2 => (few(), few()).prop_map(|(nth, anonymous)| Deed::SetPlugin { nth, anonymous }),
        2 => (few(), key()).prop_map(|(consumer, key)| Deed::SetConsumerPlugin { consumer, key }),
        1 => few().prop_map(|consumer| Deed::RemoveConsumerPlugin { consumer }),
        3 => (few(), few()).prop_map(|(secret, key)| Deed::Rotate { secret, key }),
        1 => (0..2_u8).prop_map(|provider| Deed::MakeWebhook { provider }),
        1 => (0..2_u8).prop_map(|provider| Deed::DeleteWebhook { provider }),
    ]
}

struct World {
    control: Control,
    bao: Arc<OpenBao>,
    /// Apart from the other worlds on the same server.
    place: String,
    stop: CancellationToken,
    _folder: TempDir,
}

fn consumer(number: u8) -> ConsumerName {
    format!("consumer-{number}").parse().unwrap()
}

impl World {
    async fn new(bao: Arc<OpenBao>, place: String) -> Self {
        let folder = TempDir::new().unwrap();
        let stop = CancellationToken::new();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("p.db").display())).await.unwrap();
        let key = crate::open_master_key(&store, &folder.path().join("master.key")).await.unwrap();
        let fingerprints = FingerprintKey::new([3; 32]);
        let clock: Arc<dyn Clock> = Arc::new(Ticks(AtomicU64::new(0)));
        let parts = Parts {
            sealer: Sealer::new(&key).unwrap(),
            engine: Engine::start(clock.clone(), fingerprints.clone(), stop.clone()),
            store,
            clock,
            fingerprints,
            session_key: SessionKey::new(key.derive("sessions of browsers 1").unwrap()),
            own_addresses: Vec::new(),
            ambient: std::collections::BTreeMap::new(),
            instance: InstanceFacts { id: "i".to_owned(), version: "0".to_owned(), started_at: Millis(0) },
        };
        let control = Control::start(parts, stop.clone()).await.unwrap();
        let world = Self { control, bao, place, stop, _folder: folder };
        for secret in 0..2 {
            world.rotate(secret, 0).await;
        }
        world.act(&Deed::SaveProvider { provider: 0, prefix: 0 }).await;
        world
    }

    /// The keys of a secret: two different ones and one that another secret may have too.
    async fn rotate(&self, secret: u8, key: u8) {
        let keys = serde_json::json!({ "key-0": format!("key of {secret}"), "key-1": format!("literal-{key}"), "key-2": "shared" });
        self.bao.put(&format!("{}/0/secret-{secret}", self.place), keys).await;
    }

    /// Every third literal is a password, and its user's name is soon taken.
    fn credential(&self, key: &Key) -> CredentialForm {
        let kind = match key {
            Key::Literal(n) if n % 3 == 0 => CredentialType::BasicAuth,
            Key::Literal(_) | Key::Reference { .. } => CredentialType::KeyAuth,
        };
        let secret = self.key(key);
        let identifier = format!("user-{}", secret.text.0.len());
        CredentialForm { name: format!("{key:?}"), identifier, secret, ..CredentialForm::new(kind) }
    }

    fn key(&self, key: &Key) -> SecretFieldForm {
        match key {
            Key::Literal(n) => {
                SecretFieldForm { source: Source::ManuallyInput, text: FormSecret(format!("literal-{n}")) }
            }
            Key::Reference { provider, secret, key } => {
                let text = format!("$secret://vault/provider-{provider}/secret-{secret}/key-{key}");
                SecretFieldForm { source: Source::Reference, text: FormSecret(text) }
            }
        }
    }

    fn provider(&self, provider: u8, prefix: u8) -> ProviderForm {
        ProviderForm {
            id: format!("provider-{provider}"),
            vault: VaultForm {
                url: self.bao.url(),
                prefix: format!("secret/{}/{prefix}", self.place),
                auth: AuthForm { token: FormSecret(self.bao.root().to_owned()), ..AuthForm::default() },
                ..VaultForm::default()
            },
            ..ProviderForm::default()
        }
    }

    /// The ids of all credentials.
    async fn credentials(&self) -> Vec<ObjectId> {
        let inner = &self.control.0;
        let rows = inner.store.objects_of(&inner.group, store::Kind::Credential).await.unwrap();
        rows.iter().map(|row| row.id.parse().unwrap()).collect()
    }

    /// Does it. That some of these are refused is part of it: then nothing may have changed.
    async fn act(&self, deed: &Deed) {
        let (by, group, control) = (Operator { name: "test".to_owned() }, GroupName::default_group(), &self.control);
        let config = control.0.config();
        let nth = |ids: Vec<ObjectId>, n: u8| ids.get(usize::from(n) % ids.len().max(1)).cloned();
        let new: ObjectId = "new".parse().unwrap();
        let _outcome: Option<()> = match deed {
            Deed::SaveConsumer { consumer: number, custom_id } => {
                let labels = if *custom_id == 0 { String::new() } else { format!("custom_id={custom_id}") };
                let form = ConsumerForm { name: consumer(*number).to_string(), labels, ..ConsumerForm::default() };
                let form = form.parse().unwrap();
                match control.consumer(&by, &group, &form.name).await.ok() {
                    None => control.add_consumer(&by, &group, form).await.ok().map(drop),
                    Some(o) => control.save_consumer(&by, &group, o.stored.revision, form).await.ok().map(drop),
                }
            }
            Deed::DeleteConsumer { consumer: number } => {
                control.delete_consumer(&by, &group, &consumer(*number)).await.ok()
            }
            Deed::AddKey { consumer: number, key } => {
                let form = self.credential(key);
                let credential = form.parse(new, consumer(*number)).unwrap();
                control.add_credential(&by, &group, credential).await.ok().map(drop)
            }
            Deed::ChangeKey { nth: n, key } => match nth(self.credentials().await, *n) {
                None => None,
                Some(id) => {
                    let stored = control.0.find_credential(id.as_str()).await.unwrap().unwrap().stored.clone();
                    let form = self.credential(key);
                    let form = CredentialForm { kind: stored.object.kind.credential_type(), ..form };
                    let credential = form.parse(id, stored.object.consumer.clone()).unwrap();
                    control.save_credential(&by, &group, stored.revision, credential).await.ok().map(drop)
                }
            },
            Deed::DeleteKey { nth: n } => match nth(self.credentials().await, *n) {
                None => None,
                Some(id) => control.delete_credential(&by, &group, &id).await.ok(),
            },
            Deed::SaveProvider { provider, prefix } => {
                let provider = self.provider(*provider, *prefix).parse().unwrap();
                match config.providers.get(&provider.key()) {
                    None => control.add_provider(&by, &group, provider).await.ok().map(drop),
                    Some(o) => control.save_provider(&by, &group, o.stored.revision, provider).await.ok().map(drop),
                }
            }
            Deed::DeleteProvider { provider } => {
                let key = self.provider(*provider, 0).parse().unwrap().key();
                control.delete_provider(&by, &group, &key, true).await.ok()
            }
            Deed::AddService { name } => {
                let form = ServiceForm { name: format!("service-{name}"), ..ServiceForm::default() };
                control.add_service(&by, &group, form.parse(new, Plugins::new()).unwrap()).await.ok().map(drop)
            }
            Deed::DeleteService { nth: n } => match nth(config.services.keys().cloned().collect(), *n) {
                None => None,
                Some(id) => control.delete_service(&by, &group, &id).await.ok(),
            },
            Deed::AddRoute { nth: n, name } => match nth(config.services.keys().cloned().collect(), *n) {
                None => None,
                Some(service) => {
                    let form = RouteForm { name: format!("r{name}"), path: format!("/{name}"), ..RouteForm::default() };
                    let route = form.parse(new, service, Plugins::new()).unwrap();
                    control.add_route(&by, &group, route).await.ok().map(drop)
                }
            },
            Deed::DeleteRoute { nth: n } => match nth(config.routes.keys().cloned().collect(), *n) {
                None => None,
                Some(id) => control.delete_route(&by, &group, &id).await.ok(),
            },
            Deed::SetPlugin { nth: n, anonymous } => match nth(config.services.keys().cloned().collect(), *n) {
                None => None,
                Some(id) => {
                    let json = format!("{{\"anonymous_consumer\":\"{}\"}}", consumer(*anonymous));
                    let plugin = PluginConfig::parse(PluginName::KeyAuth, &json).unwrap();
                    let revision = config.services[&id].stored.revision;
                    control.set_plugin(&by, &group, &PluginOwner::Service(id), revision, plugin).await.ok()
                }
            },
            Deed::SetConsumerPlugin { consumer: number, key } => {
                let owner = PluginOwner::Consumer(consumer(*number));
                let password = self.key(key).text.0;
                let json = format!(
                    r#"{{"count": 1, "time_window": 1, "policy": "redis", "redis_host": "redis.example", "redis_password": "{password}"}}"#
                );
                let plugin = PluginConfig::parse_for(owner.placement(), PluginName::LimitCount, &json).unwrap();
                let revision = config.plugin_sets.get(&owner).map_or(0, |set| set.stored.revision);
                control.set_plugin(&by, &group, &owner, revision, plugin).await.ok()
            }
            Deed::RemoveConsumerPlugin { consumer: number } => {
                let owner = PluginOwner::Consumer(consumer(*number));
                control.remove_plugin(&by, &group, &owner, PluginName::LimitCount).await.ok()
            }
            Deed::MakeWebhook { provider } => {
                let key = self.provider(*provider, 0).parse().unwrap().key();
                control.create_webhook(&by, &group, &key).await.ok().map(drop)
            }
            Deed::DeleteWebhook { provider } => {
                let key = self.provider(*provider, 0).parse().unwrap().key();
                control.delete_webhook(&by, &group, &key).await.ok()
            }
            Deed::Rotate { secret, key } => {
                self.rotate(*secret, *key).await;
                Some(())
            }
        };
    }

    /// Claims that a full reload would change nothing.
    async fn compare(&self) -> Result<(), TestCaseError> {
        let inner = &self.control.0;
        // Everything that is being read has been read after this.
        for key in inner.config().providers.keys() {
            inner.engine.refresh(&inner.group, key).await;
        }
        inner.publish();
        let (stored, armed) = inner.read_all().await.unwrap();
        prop_assert_eq!(&*inner.config(), &stored);
        prop_assert_eq!(inner.published().armed.len() - stored.known_ids().count(), self.credentials().await.len());
        let (patched, anew) = (inner.published().in_order(), inner.made_of(&stored, armed).in_order());
        prop_assert!(patched == anew, "patched: {:?}\nanew: {:?}", patched, anew);
        let sent = inner.snapshots.borrow().clone();
        let published = inner.published();
        let differ = |(one, other)| !Arc::ptr_eq(one, other);
        prop_assert_eq!(sent.keys.parts().iter().zip(published.armed.keys.parts()).filter(|p| differ(*p)).count(), 0);
        Ok(())
    }
}

#[test]
fn patched_and_reloaded_are_the_same() {
    let runtime = Runtime::new().unwrap();
    let bao = runtime.block_on(OpenBao::shared());
    let worlds = AtomicU64::new(0);
    let mut runner = TestRunner::new(Cases { cases: 12, max_shrink_iters: 60, ..Cases::default() });
    let outcome = runner.run(&proptest::collection::vec(deed(), 1..30), |deeds| {
        runtime.block_on(async {
            let place = format!("world-{}", worlds.fetch_add(1, Ordering::Relaxed));
            let world = World::new(bao.clone(), place).await;
            let mut compared = world.compare().await;
            for deed in &deeds {
                world.act(deed).await;
                compared = compared.and(world.compare().await);
            }
            world.stop.cancel();
            compared
        })
    });
    outcome.unwrap();
}

#[tokio::test]
async fn a_change_whose_caller_went_away_is_in_force_if_it_was_stored() {
    let w = World::new(OpenBao::shared().await, "cut-off".to_owned()).await;
    let (by, group) = (Operator { name: "test".to_owned() }, GroupName::default_group());
    for number in 0..20 {
        let form = ConsumerForm { name: format!("c{number}"), ..ConsumerForm::default() };
        let adding = w.control.add_consumer(&by, &group, form.parse().unwrap());
        // Cut off at a different moment each time.
        let _gone = tokio::time::timeout(std::time::Duration::from_micros(150 * number), adding).await;
    }
    let inner = &w.control.0;
    let same = async {
        loop {
            let _changing = inner.changing.lock().await;
            inner.store.settled().await.unwrap();
            let (stored, _) = inner.read_all().await.unwrap();
            if *inner.config() == stored {
                return;
            }
            drop(_changing);
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, same).await.expect("the configuration in force is the stored one");
}
