//! Secrets of providers that stand in the environment.

use crate::support::aws::{Moto, Office, key_of};
use crate::support::bao::Bao;
use crate::support::{House, claim, settings};
use postern::diagnosis::Stage;
use postern::provider::{Freshness, Settings};
use postern::sensitive::Plain;
use secrets::{Ambient, Environment};
use serde_json::json;

fn environment(name: &str, value: &str) -> Environment {
    Environment::of("POSTERN_SECRET_", [(name.into(), value.into())])
}

#[tokio::test]
async fn vaults_token_is_read_from_the_environment_or_nothing_is_asked() {
    let bao = Bao::shared().await;
    bao.put("by-env", json!({ "key": "v" })).await;
    let house = House::empty();
    house.engine.set_environment(environment("POSTERN_SECRET_VAULT", &json!({ "token": bao.root() }).to_string()));
    for (revision, token, name, stage, parts) in [
        (1, "$env://POSTERN_SECRET_VAULT/token", "ok", None, vec![]),
        (2, "$ENV://POSTERN_SECRET_VAULT#/token", "ok", None, vec![]),
        (3, "$env://POSTERN_SECRET_NONE", "not_found", Some(Stage::Token), vec!["POSTERN_SECRET_NONE is not set"]),
        (4, "$env://VAULT_TOKEN", "denied", Some(Stage::Token), vec!["begin with POSTERN_SECRET_ only"]),
        (5, "$env://POSTERN_SECRET_VAULT/tok", "key_missing", Some(Stage::Token), vec!["it has token"]),
    ] {
        let settings = settings(&bao.url(), token);
        house.set(revision, settings.clone(), Freshness::default());
        let before = bao.reads_of("secret/data/api7/by-env");
        claim(&house.check("by-env/key").await, name, &parts);
        assert_eq!(bao.reads_of("secret/data/api7/by-env") > before, name == "ok", "{token}");
        let diagnosis =
            secrets::diagnose(&Settings::Vault(settings), &Ambient::default(), &house.engine.environment()).await;
        assert_eq!(diagnosis.failure().map(|(stage, ..)| stage), stage, "{token}: {diagnosis:?}");
        assert_eq!(diagnosis.works(), stage.is_none(), "{token}");
    }
}

#[tokio::test]
async fn the_keys_of_aws_are_read_from_the_environment() {
    let moto = Moto::shared().await;
    let key = moto.key("reader");
    let variable = json!({ "id": key.id, "secret": key.secret }).to_string();
    let mut settings = moto.settings("reader");
    key_of(&mut settings).access_key_id = "$env://POSTERN_SECRET_AWS/id".parse().unwrap();
    key_of(&mut settings).secret_access_key = Plain::new("$env://POSTERN_SECRET_AWS/secret".to_owned());
    let office = Office::new(settings.clone());
    claim(&office.check("plain").await, "not_found", &["POSTERN_SECRET_AWS is not set"]);
    office.engine().set_environment(environment("POSTERN_SECRET_AWS", &variable));
    office.set(2, settings, 300);
    claim(&office.check("plain").await, "ok", &[]);
}
