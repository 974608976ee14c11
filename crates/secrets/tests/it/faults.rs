//! Answers that no real Vault gives. None is followed, believed or shown.

use crate::support::fault::{Fault, FaultServer};
use crate::support::logs::{Logs, claim_no_canary};
use crate::support::{House, claim, settings};

async fn check(fault: Fault, parts: &[&str]) {
    Logs::listen();
    let shown = format!("{fault:?}").chars().take(80).collect::<String>();
    let server = FaultServer::start(fault).await;
    let house = House::new(settings(&server.url(), "canary-token"));
    house.watch(&["alice/key"]);
    let state = house.check("alice/key").await;
    println!("{shown}: {state:?}");
    claim_no_canary(&format!("{state:?}"));
    claim(&state, "unreachable", parts);
    assert_eq!(house.value("alice/key"), None);
}

#[tokio::test]
async fn an_answer_that_is_not_vaults_is_not_believed() {
    let json = |body: &str| Fault::answer("200 OK", "Content-Type: application/json\r\n", body);
    let mounted = r#"{"data":{"path":"secret/","type":"kv","options":{"version":"2"}}"#;
    for fault in [
        json("<html>canary</html>"),
        json(""),
        json("null"),
        json(r#"{"data":"canary"}"#),
        json(&format!("{mounted},")),
        json(&"[".repeat(100_000)),
        Fault::answer("200 OK", "Content-Type: text/html\r\n", "<html>canary</html>"),
        Fault::answer("204 No Content", "", ""),
        Fault::Bytes(b"\x16\x03canary nonsense that is no HTTP at all\r\n\r\n".to_vec()),
    ] {
        check(fault, &["is "]).await;
    }
}

#[tokio::test]
async fn garbage_is_told_from_a_lost_connection() {
    check(Fault::Bytes(b"canary nonsense\r\n\r\n".to_vec()), &["NotUnderstood"]).await;
    check(Fault::Bytes(vec![]), &["ConnectionLost"]).await;
    check(Fault::Reset(vec![]), &["ConnectionLost"]).await;
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":{\"canary\"".to_vec();
    check(Fault::Reset(half.clone()), &["ConnectionLost"]).await;
    check(Fault::Bytes(half), &["ConnectionLost"]).await;
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let body = format!(r#"{{"data":{{"canary":"{}"}}}}"#, "x".repeat(3 * 1024 * 1024));
    check(Fault::answer("200 OK", "", &body), &["NotUnderstood"]).await;
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{body}").into_bytes();
    check(Fault::Bytes(endless), &["NotUnderstood"]).await;
}

#[tokio::test]
async fn statuses_that_are_no_answer() {
    for (status, parts) in [
        ("429 Too Many Requests", ["Throttled"]),
        ("412 Precondition Failed", ["status: 412"]),
        ("400 Bad Request", ["status: 400"]),
        ("473 Standby", ["status: 473"]),
        ("500 Oops", ["status: 500"]),
        ("502 Bad Gateway", ["status: 502"]),
        ("503 Unavailable", ["status: 503"]),
    ] {
        check(Fault::answer(status, "", r#"{"errors":["canary"]}"#), &parts).await;
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = FaultServer::start(Fault::answer("200 OK", "", "{}")).await;
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("Location: {}/v1/elsewhere\r\n", elsewhere.url());
        check(Fault::answer(status, &location, ""), &["Redirected", "never sends a token"]).await;
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn silence_ends_after_five_seconds() {
    check(Fault::Silence, &["TimedOut { after_ms: 5000 }", "within 5 s"]).await;
}

#[tokio::test]
async fn nobody_there() {
    let gone = FaultServer::start(Fault::Silence).await.url();
    for (url, parts) in [
        (gone.as_str(), ["refused"]),
        ("http://no-such-host.invalid:8200", ["no-such-host.invalid' has no address"]),
        ("http://169.254.169.254", ["never connects there"]),
    ] {
        claim(&House::new(settings(url, "t")).check("a/key").await, "unreachable", &parts);
    }
}
