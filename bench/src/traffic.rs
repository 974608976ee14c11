//! Requests to the gateway of a [`House`](crate::House), and a server that answers after a held time.

use anyhow::{Context, Result, ensure};
use postern::control::{ControlPlane, Operator, PluginOwner};
use postern::name::GroupName;
use postern::plugin::{PluginConfig, PluginName, Plugins};
use postern::routing::{RouteForm, ServiceForm};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

impl crate::House {
    /// Publishes the built-in echo at `/ip`, for consumers with a key.
    ///
    /// # Errors
    /// It is refused.
    pub async fn publish_echo(&self) -> Result<()> {
        let (operator, group) = (Operator { name: "bench".to_owned() }, GroupName::default_group());
        let refused = |problems| anyhow::anyhow!("{problems:?}");
        let form = ServiceForm { name: "echo".to_owned(), ..ServiceForm::default() };
        let service = form.parse("new".parse()?, Plugins::new()).map_err(refused)?;
        let service = self.control.add_service(&operator, &group, service).await?.stored;
        let form = RouteForm { name: "ip".to_owned(), path: "/ip".to_owned(), ..RouteForm::default() };
        let route = form.parse("new".parse()?, service.object.id.clone(), Plugins::new()).map_err(refused)?;
        self.control.add_route(&operator, &group, route).await?;
        let owner = PluginOwner::Service(service.object.id);
        let plugin = PluginConfig::parse(PluginName::KeyAuth, "{}").map_err(refused)?;
        self.control.set_plugin(&operator, &group, &owner, service.revision, plugin).await?;
        Ok(())
    }
}

/// A kept connection to the gateway.
pub struct Asker(BufReader<TcpStream>);

impl Asker {
    /// # Errors
    /// Nobody listens there.
    pub fn connect(gateway: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(gateway)?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// The status that a request with this key is answered with.
    ///
    /// # Errors
    /// There is no whole answer.
    pub fn status(&mut self, key: &str) -> Result<u16> {
        let request = format!("GET /ip HTTP/1.1\r\nHost: localhost\r\napikey: {key}\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes())?;
        let head = head(&mut self.0)?.context("no answer")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        std::io::copy(&mut std::io::Read::take(&mut self.0, length.context("no length")?), &mut std::io::sink())?;
        Ok(status)
    }

    /// Asks every fifth of a millisecond; answers how long after `since` the first answer with this status was there.
    ///
    /// # Errors
    /// There is no whole answer, or another one for ten seconds.
    pub fn until(&mut self, key: &str, status: u16, since: Instant) -> Result<Duration> {
        while self.status(key)? != status {
            ensure!(since.elapsed() < Duration::from_secs(10), "a request with {key} is never answered with {status}");
            sleep(Duration::from_micros(200));
        }
        Ok(since.elapsed())
    }
}

/// Starts a server that holds each request for the same time; answers where it listens. `answer` is the JSON for a
/// path, or nothing where the answer is 404.
///
/// It has a thread for each connection, so it does as many at once as its client has connections. A fake, for only how
/// long it takes is meant: what real ones answer, tests prove.
///
/// # Errors
/// No port is free.
pub fn held(hold: Duration, answer: fn(&str) -> Option<String>) -> Result<SocketAddr> {
    // A sleeping thread of Linux is woken up to 50 µs late, unless it asks for better; new threads do as the first one.
    let _sleeps_longer_elsewhere = std::fs::write("/proc/self/timerslack_ns", "1000");
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    spawn(move || {
        for stream in listener.incoming().flatten() {
            // Its client ends it when it likes.
            spawn(move || serve(stream, hold, answer).ok());
        }
    });
    Ok(address)
}

fn serve(stream: TcpStream, hold: Duration, answer: fn(&str) -> Option<String>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(head) = head(&mut stream)? {
        let since = Instant::now();
        let (status, body) = match answer(head.split(' ').nth(1).unwrap_or_default()) {
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", r#"{"errors":[]}"#.to_owned()),
        };
        let whole = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        sleep(hold.saturating_sub(since.elapsed()));
        stream.get_mut().write_all(whole.as_bytes())?;
    }
    Ok(())
}

/// What comes before a body; nothing when the connection has ended.
fn head(stream: &mut BufReader<TcpStream>) -> Result<Option<String>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}
