//! Plugins with secrets: typed in, or by reference.

use super::*;
use postern::control::{ReferenceUser, ReferenceView};
use postern::live::SecretNow;
use postern::plugin::{EnteredField, STORED};
use postern::sensitive::Plain;
use postern::snapshot::LiveField;

const PASSWORD: &str = "$secret://vault/my-vault/redis/password";

fn limit(password: &str, rest: &str) -> PluginConfig<EnteredField> {
    let json = format!(
        r#"{{"count": 3, "time_window": 60, "policy": "redis", "redis_host": "redis.example", "redis_password": "{password}"{rest}}}"#
    );
    PluginConfig::parse(PluginName::LimitCount, &json).unwrap()
}

impl World {
    async fn with_service() -> (Self, PluginOwner) {
        let w = Self::new().await;
        w.control.add_provider(&op(), &group(), provider("t")).await.unwrap();
        let owner = w.add_limited("httpbin").await;
        (w, owner)
    }

    async fn add_limited(&self, name: &str) -> PluginOwner {
        let form = ServiceForm { name: name.to_owned(), ..ServiceForm::default() };
        let service = form.parse(id("new"), Plugins::new()).unwrap();
        let service = self.control.add_service(&op(), &group(), service).await.unwrap();
        PluginOwner::Service(service.stored.object.id)
    }

    async fn set(&self, owner: &PluginOwner, plugin: PluginConfig<EnteredField>) -> Result<(), ControlError> {
        let PluginOwner::Service(service) = owner else { panic!("a service") };
        let revision = self.control.service(&op(), &group(), service).await.unwrap().stored.revision;
        self.control.set_plugin(&op(), &group(), owner, revision, plugin).await
    }

    /// What the gateway would show to Redis; nothing when there is no value.
    fn password(&self, owner: &PluginOwner) -> Option<Plain> {
        let PluginOwner::Service(service) = owner else { panic!("a service") };
        let snapshot = self.control.snapshots().borrow().clone();
        let plugins = &snapshot.services.get(service).unwrap().plugins;
        let mut found = None;
        let config = plugins.get(&PluginName::LimitCount).unwrap();
        let _looked_at = config.try_map(|field, secret: &LiveField| {
            if field.as_str() == "redis_password" {
                found = Some(secret.now());
            }
            Ok::<_, ()>(())
        });
        match &*found? {
            SecretNow::Value(value) => Some(value.clone()),
            SecretNow::Unresolved { .. } => None,
        }
    }

    async fn references(&self) -> Vec<ReferenceView> {
        self.control.references(&op(), &group()).await.unwrap()
    }
}

fn is(value: Option<Plain>, expected: &str) -> bool {
    value.is_some_and(|value| value.same_as(&Plain::new(expected.to_owned())))
}

#[tokio::test]
async fn a_password_typed_in_is_sealed_masked_and_kept() {
    let (w, owner) = World::with_service().await;
    w.set(&owner, limit("canary-redis", "")).await.unwrap();
    assert!(is(w.password(&owner), "canary-redis"));
    assert!(!contains(w.folder.path(), b"canary"));
    let PluginOwner::Service(service) = &owner else { panic!("a service") };
    let view = w.control.service(&op(), &group(), service).await.unwrap();
    let shown = serde_json::to_string(&view).unwrap();
    assert!(!shown.contains("canary"), "{shown}");
    let json = view.stored.object.plugins[&PluginName::LimitCount].to_json();
    assert!(json.contains(STORED), "{json}");

    let again = PluginConfig::parse(PluginName::LimitCount, &json.replace("\"count\": 3", "\"count\": 4")).unwrap();
    w.set(&owner, again).await.unwrap();
    let w = w.restart().await;
    assert!(is(w.password(&owner), "canary-redis"), "it survives an edit and a restart");

    // What is stored is for one server.
    let elsewhere = limit(STORED, "").to_json().replace("redis.example", "redis.evil");
    let elsewhere = PluginConfig::parse(PluginName::LimitCount, &elsewhere).unwrap();
    assert_eq!(fields(w.set(&owner, elsewhere).await.unwrap_err()), ["/redis_password"]);
    let other = w.add_limited("other").await;
    assert_eq!(fields(w.set(&other, limit(STORED, "")).await.unwrap_err()), ["/redis_password"]);
}

#[tokio::test]
async fn a_reference_is_read_listed_and_guards_its_provider() {
    let (w, owner) = World::with_service().await;
    let unknown = limit("$secret://vault/nowhere/redis/password", "");
    assert_eq!(fields(w.set(&owner, unknown).await.unwrap_err()), ["/redis_password"]);
    w.set(&owner, limit(PASSWORD, "")).await.unwrap();
    // Nobody answers at the provider's address.
    assert!(w.password(&owner).is_none());
    let views = w.references().await;
    let [view] = views.as_slice() else { panic!("{views:?}") };
    assert_eq!((view.reference.to_string().as_str(), view.state.name), (PASSWORD, StateName::Unreachable));
    let ReferenceUser::Plugin { user } = &view.used_by else { panic!("{view:?}") };
    assert_eq!((user.owner_name.as_str(), user.field.as_str()), ("httpbin", "redis_password"));
    assert_eq!(view.incident.len(), 8);
    let PluginOwner::Service(service) = &owner else { panic!("a service") };
    assert_eq!(w.control.plugin_references(&op(), &group(), service).await.unwrap(), views);
    let refused = w.control.delete_provider(&op(), &group(), &provider_key(), false).await.unwrap_err();
    assert_eq!(refused, ControlError::InUse { by: vec!["httpbin, redis_password of limit-count".to_owned()] });
    w.control.remove_plugin(&op(), &group(), &owner, PluginName::LimitCount).await.unwrap();
    assert!(w.references().await.is_empty());
}

#[tokio::test]
async fn all_of_a_group_count_alike() {
    let (w, first) = World::with_service().await;
    let second = w.add_limited("other").await;
    let grouped = |count| {
        let json = format!(r#"{{"count": {count}, "time_window": 60, "group": "g"}}"#);
        PluginConfig::parse(PluginName::LimitCount, &json).unwrap()
    };
    w.set(&first, grouped(3)).await.unwrap();
    w.set(&second, grouped(3)).await.unwrap();
    let refused = w.set(&second, grouped(4)).await.unwrap_err();
    let told = format!("{refused:?}");
    assert!(told.contains("group conf mismatched: the service httpbin has the group 'g'"), "{told}");
    assert_eq!(fields(refused), ["/group"]);
}

#[tokio::test]
async fn our_own_listeners_are_no_redis() {
    let (w, owner) = World::with_service().await;
    for (server, field) in [
        (r#""policy": "redis", "redis_host": "127.0.0.1", "redis_port": 7080"#, "/redis_host"),
        (
            r#""policy": "redis-cluster", "redis_cluster_nodes": ["redis.example:7000", "localhost:7080"],
               "redis_cluster_name": "c""#,
            "/redis_cluster_nodes/1",
        ),
        (
            r#""policy": "redis-sentinel", "redis_sentinels": [{"host": "127.0.0.1", "port": 7080}],
               "redis_master_name": "m""#,
            "/redis_sentinels/0/host",
        ),
    ] {
        let json = format!(r#"{{"count": 3, "time_window": 60, {server}}}"#);
        let own = PluginConfig::parse(PluginName::LimitCount, &json).unwrap();
        assert_eq!(fields(w.set(&owner, own).await.unwrap_err()), [field]);
    }
}

#[tokio::test]
async fn a_casdoor_is_not_postern_and_is_not_shown_anothers_secret() {
    let (w, owner) = World::with_service().await;
    let casdoor = |endpoint: &str, secret: &str| {
        let json = format!(
            r#"{{"endpoint_addr": "{endpoint}", "callback_url": "https://api.example.com/callback", "client_id": "canary-id", "client_secret": "{secret}"}}"#
        );
        PluginConfig::parse(PluginName::AuthzCasdoor, &json).unwrap()
    };
    for own in ["http://127.0.0.1:7080", "http://localhost:7080"] {
        assert_eq!(fields(w.set(&owner, casdoor(own, "s")).await.unwrap_err()), ["/endpoint_addr"], "{own}");
    }
    w.set(&owner, casdoor("https://door.example.com", "canary-secret")).await.unwrap();
    assert!(!contains(w.folder.path(), b"canary"));
    assert!(w.control.snapshots().borrow().session_key.is_some());
    w.set(&owner, casdoor("https://door.example.com", STORED)).await.unwrap();
    let elsewhere = casdoor("https://door.example.org", STORED);
    assert_eq!(fields(w.set(&owner, elsewhere).await.unwrap_err()), ["/client_secret"]);
}
