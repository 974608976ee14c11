//! A server that misbehaves as no real Vault does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What it does with every connection.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Sends these bytes after the request, then closes.
    Bytes(Vec<u8>),
    /// Sends these bytes after the request, then resets the connection.
    Reset(Vec<u8>),
    /// Accepts and never answers.
    Silence,
}

impl Fault {
    /// A whole HTTP answer.
    pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
        Self::Bytes(format!("{head}{body}").into_bytes())
    }
}

/// The server; it ends when dropped.
pub(crate) struct FaultServer {
    port: u16,
    seen: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl FaultServer {
    pub(crate) async fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(AtomicUsize::new(0));
        let counter = seen.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(misbehave(stream, fault.clone()));
            }
        });
        Self { port, seen, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn misbehave(mut stream: TcpStream, fault: Fault) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await;
    match fault {
        Fault::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Fault::Reset(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.flush().await;
            let _ = stream.set_zero_linger();
        }
        // Until the client gives up.
        Fault::Silence => {
            let _ = stream.read(&mut request).await;
        }
    }
}
