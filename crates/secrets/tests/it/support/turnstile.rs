//! A way to a real server that holds its answers back until they are let through: whatever is asked meanwhile is
//! asked before anything is known.

use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The way; it ends when dropped.
pub(crate) struct Turnstile {
    port: u16,
    open: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Turnstile {
    /// Before the server at `url` (`http://127.0.0.1:8200`), closed.
    pub(crate) async fn before(url: &str) -> Self {
        Self::before_answers_about(url, "").await
    }

    /// As [`Turnstile::before`], for connections that were asked for something with this in it.
    pub(crate) async fn before_answers_about(url: &str, what: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (open, opened) = watch::channel(false);
        let server = url.trim_start_matches("http://").to_owned();
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(pass(client, server.clone(), what, opened.clone()));
            }
        });
        Self { port, open, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Lets the answers through, those that are waiting and all that follow.
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Turnstile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(client: TcpStream, server: String, what: &str, mut opened: watch::Receiver<bool>) {
    let server = TcpStream::connect(server).await.unwrap();
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let asked = AtomicBool::new(what.is_empty());
    let questions = async {
        let mut text = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut text).await {
            if String::from_utf8_lossy(&text[..length]).contains(what) {
                asked.store(true, Ordering::SeqCst);
            }
            if to_server.write_all(&text[..length]).await.is_err() {
                break;
            }
        }
        let _ended = to_server.shutdown().await;
    };
    let answers = async {
        let mut text = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut text).await {
            // Who ends the test ends the waiting too.
            if asked.load(Ordering::SeqCst) && opened.wait_for(|open| *open).await.is_err() {
                break;
            }
            if to_client.write_all(&text[..length]).await.is_err() {
                break;
            }
        }
        let _ended = to_client.shutdown().await;
    };
    tokio::join!(questions, answers);
}
