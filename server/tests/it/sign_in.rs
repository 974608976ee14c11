//! Signing in at Casdoor with client_id and client_secret in Vault, through the whole program.

use crate::{Caller, Running};
use backends::{Browser, Casdoor, OpenBao};
use serde_json::json;
use tempfile::TempDir;

const COOKIE: &str = "authz_casdoor_session_";

impl Caller<'_> {
    /// Every page below `/anything/` needs a sign-in at the Casdoor whose client is in the secret `casdoor`.
    async fn publish_guarded_echo(&self, bao: &OpenBao, casdoor: &Casdoor) {
        self.add_vault(bao).await;
        let config = json!({
            "endpoint_addr": casdoor.url(),
            "callback_url": self.callback(),
            "client_id": "$secret://vault/my-vault/casdoor/client_id",
            "client_secret": "$secret://vault/my-vault/casdoor/client_secret",
        });
        self.publish_echo("/anything/*", "authz-casdoor", &config).await;
    }

    fn callback(&self) -> String {
        format!("{}/anything/callback", self.0.gateway)
    }
}

#[tokio::test]
async fn a_user_signs_in_with_a_client_from_vault_and_stays_so_over_a_restart() {
    let bao = OpenBao::start().await;
    let client = json!({"client_id": Casdoor::CLIENT_ID, "client_secret": Casdoor::CLIENT_SECRET});
    bao.put("api7/casdoor", client).await;
    let folder = TempDir::new().unwrap();
    let mut running = Running::start(folder.path());
    let casdoor = Casdoor::start(&Caller(&running).callback(), 3600);
    Caller(&running).publish_guarded_echo(&bao, &casdoor).await;

    let mut browser = Browser::default();
    let page = browser.get(&format!("{}/anything/page", running.gateway)).await;
    assert_eq!(page.status, 302, "{}", page.text);
    let location = page.location.as_ref().unwrap().to_string();
    assert!(location.contains("client_id=casdoor%2Dclient") && !location.contains("secret"), "{location}");
    let back = browser.sign_in(page, &Caller(&running).callback()).await;
    let welcome = browser.get(back.as_str()).await;
    assert_eq!(welcome.location.unwrap().path(), "/anything/page");
    assert_eq!(browser.get(&format!("{}/anything/page", running.gateway)).await.status, 200);

    let (name, value) = browser.cookie(&running.gateway, COOKIE).unwrap();
    running.signal("-KILL");
    let running = Running::start(folder.path());
    Caller(&running).until_told(&["client_secret", "Resolved"]).await;
    let mut browser = Browser::default();
    browser.set_cookie(&running.gateway, &name, &value);
    assert_eq!(browser.get(&format!("{}/anything/page", running.gateway)).await.status, 200);
}
