//! The plugins of consumers, and those that run for every request.

use super::*;
use postern::control::{PluginSetView, ReferenceUser};
use postern::live::SecretNow;
use postern::plugin::{EnteredField, Placement, STORED, SecretAt};
use postern::sensitive::Plain;
use postern::snapshot::LiveField;

const PASSWORD: &str = "$secret://vault/my-vault/redis/password";

fn alice() -> PluginOwner {
    PluginOwner::Consumer("Alice".parse().unwrap())
}

fn limit(owner: &PluginOwner, password: &str) -> PluginConfig<EnteredField> {
    let json = format!(
        r#"{{"count": 3, "time_window": 60, "policy": "redis", "redis_host": "redis.example", "redis_password": "{password}"}}"#
    );
    PluginConfig::parse_for(owner.placement(), PluginName::LimitCount, &json).unwrap()
}

fn is(secret: &LiveField, expected: &str) -> bool {
    matches!(&*secret.now(), SecretNow::Value(value) if value.same_as(&Plain::new(expected.to_owned())))
}

impl World {
    async fn with_alice() -> Self {
        let w = Self::new().await;
        w.control.add_provider(&op(), &group(), provider("t")).await.unwrap();
        w.control.add_consumer(&op(), &group(), consumer("Alice")).await.unwrap();
        w
    }

    async fn set_of(&self, owner: &PluginOwner) -> PluginSetView {
        self.control.plugin_set(&op(), &group(), owner).await.unwrap()
    }

    async fn put(&self, owner: &PluginOwner, plugin: PluginConfig<EnteredField>) -> Result<(), ControlError> {
        let revision = self.set_of(owner).await.revision;
        self.control.set_plugin(&op(), &group(), owner, revision, plugin).await
    }

    /// The password of limit-count as the gateway has it; nothing when there is no such plugin.
    fn enforced_password(&self, owner: &PluginOwner) -> Option<LiveField> {
        let snapshot = self.control.snapshots().borrow().clone();
        let plugins = match owner {
            PluginOwner::Consumer(name) => snapshot.consumer_plugins.get(name).cloned().unwrap_or_default(),
            _ => Plugins::clone(&snapshot.global_plugins),
        };
        plugins.get(&PluginName::LimitCount)?.secret(&SecretAt::new("redis_password")).cloned()
    }
}

#[tokio::test]
async fn a_password_typed_in_is_sealed_masked_and_kept_for_each_owner() {
    for owner in [alice(), PluginOwner::Global] {
        let w = World::with_alice().await;
        assert_eq!(
            w.set_of(&owner).await,
            PluginSetView { revision: 0, plugins: Plugins::new(), references: Vec::new() }
        );
        assert_eq!(fields(w.put(&owner, limit(&owner, STORED)).await.unwrap_err()), ["/redis_password"]);
        w.put(&owner, limit(&owner, "canary-redis")).await.unwrap();
        assert!(w.enforced_password(&owner).is_some_and(|password| is(&password, "canary-redis")), "{owner:?}");
        assert!(!contains(w.folder.path(), b"canary"));
        let view = w.set_of(&owner).await;
        assert!(!serde_json::to_string(&view).unwrap().contains("canary"));
        assert_eq!(view.revision, 1);

        let shown = view.plugins[&PluginName::LimitCount].to_json().replace("\"count\": 3", "\"count\": 4");
        let again = PluginConfig::parse_for(owner.placement(), PluginName::LimitCount, &shown).unwrap();
        w.put(&owner, again).await.unwrap();
        let stale = w.control.set_plugin(&op(), &group(), &owner, 1, limit(&owner, "x")).await.unwrap_err();
        let ControlError::Conflict { current: 2, changes } = stale else { panic!("{stale:?}") };
        assert!(changes.iter().any(|change| change.field.contains("count")), "{changes:?}");
        let elsewhere = limit(&owner, STORED).to_json().replace("redis.example", "redis.evil");
        let elsewhere = PluginConfig::parse_for(owner.placement(), PluginName::LimitCount, &elsewhere).unwrap();
        assert_eq!(fields(w.put(&owner, elsewhere).await.unwrap_err()), ["/redis_password"]);

        let w = w.restart().await;
        assert!(w.enforced_password(&owner).is_some_and(|password| is(&password, "canary-redis")), "{owner:?}");
        w.control.remove_plugin(&op(), &group(), &owner, PluginName::LimitCount).await.unwrap();
        assert!(w.enforced_password(&owner).is_none());
    }
}

#[tokio::test]
async fn a_reference_is_listed_with_its_owner_and_guards_its_provider() {
    for (owner, name) in [(alice(), "Alice"), (PluginOwner::Global, "Global Plugins")] {
        let w = World::with_alice().await;
        let unknown = limit(&owner, "$secret://vault/nowhere/redis/password");
        assert_eq!(fields(w.put(&owner, unknown).await.unwrap_err()), ["/redis_password"]);
        w.put(&owner, limit(&owner, PASSWORD)).await.unwrap();
        let views = w.control.references(&op(), &group()).await.unwrap();
        let [view] = views.as_slice() else { panic!("{views:?}") };
        let ReferenceUser::Plugin { user } = &view.used_by else { panic!("{view:?}") };
        assert_eq!((&user.owner, user.owner_name.as_str(), user.field.as_str()), (&owner, name, "redis_password"));
        assert_eq!(w.set_of(&owner).await.references, views);
        // Nobody answers at the provider's address: what is sent nowhere is named by its incident.
        let unresolved = w.enforced_password(&owner).unwrap();
        assert!(matches!(&*unresolved.now(), SecretNow::Unresolved { incident } if *incident == view.incident));
        let refused = w.control.delete_provider(&op(), &group(), &provider_key(), false).await.unwrap_err();
        assert_eq!(refused, ControlError::InUse { by: vec![format!("{name}, redis_password of limit-count")] });
    }
}

#[tokio::test]
async fn a_consumers_plugins_go_with_it() {
    let w = World::with_alice().await;
    w.put(&alice(), limit(&alice(), PASSWORD)).await.unwrap();
    w.control.delete_consumer(&op(), &group(), &"Alice".parse().unwrap()).await.unwrap();
    assert!(w.control.references(&op(), &group()).await.unwrap().is_empty());
    assert!(w.enforced_password(&alice()).is_none());
    let gone = w.control.plugin_set(&op(), &group(), &alice()).await.unwrap_err();
    assert!(matches!(gone, ControlError::NotFound { .. }), "{gone:?}");
    w.control.add_consumer(&op(), &group(), consumer("Alice")).await.unwrap();
    let w = w.restart().await;
    assert_eq!(w.set_of(&alice()).await.revision, 0);
}

#[tokio::test]
async fn what_is_refused_on_a_consumer_is_refused_however_it_comes() {
    let w = World::with_alice().await;
    let of_route = PluginConfig::parse_for(Placement::Route, PluginName::KeyAuth, "{}").unwrap();
    assert_eq!(fields(w.put(&alice(), of_route).await.unwrap_err()), ["json"]);
    let nobody = PluginOwner::Consumer("Nobody".parse().unwrap());
    let refused = w.control.set_plugin(&op(), &group(), &nobody, 0, limit(&nobody, "x")).await.unwrap_err();
    assert!(matches!(refused, ControlError::NotFound { .. }), "{refused:?}");
}

#[tokio::test]
async fn metadata_is_stored_published_and_apart_from_global_plugins() {
    let w = World::new().await;
    let set = async |revision: u64, json: &str| {
        let config = PluginConfig::parse_for(Placement::Metadata, PluginName::LimitCount, json).unwrap();
        w.control.set_plugin(&op(), &group(), &PluginOwner::Metadata, revision, config).await
    };
    let stored = async |owner: &PluginOwner| w.control.plugin_set(&op(), &group(), owner).await.unwrap();
    set(0, r#"{"limit_header": "RateLimit-Limit"}"#).await.unwrap();
    let view = stored(&PluginOwner::Metadata).await;
    assert_eq!(view.revision, 1);
    assert!(view.plugins[&PluginName::LimitCount].to_json().contains("RateLimit-Limit"));
    assert!(stored(&PluginOwner::Global).await.plugins.is_empty());
    // Beside plugins for every request, which lie in a row of their own.
    let global = r#"{"count": 3, "time_window": 60, "group": "all"}"#;
    let global = PluginConfig::parse(PluginName::LimitCount, global).unwrap();
    w.control.set_plugin(&op(), &group(), &PluginOwner::Global, 0, global).await.unwrap();
    assert!(matches!(set(0, "{}").await, Err(ControlError::Conflict { .. })));
    let w = w.restart().await;
    let snapshot = w.control.snapshots().borrow().clone();
    assert!(snapshot.plugin_metadata.contains_key(&PluginName::LimitCount));
    assert_eq!(snapshot.global_plugins[&PluginName::LimitCount].placement(), Placement::Route);
    w.control.remove_plugin(&op(), &group(), &PluginOwner::Metadata, PluginName::LimitCount).await.unwrap();
    assert!(w.control.snapshots().borrow().plugin_metadata.is_empty());
}
