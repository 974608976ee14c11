//! A connection over TLS, which remembers when the server did not accept what it was shown.
//!
//! In TLS 1.3 a server looks at a client's certificate after the handshake is over for the client, so what it has to say
//! comes in place of an answer, and hyper or HTTP/2 may lose it on the way up.

use super::tls::{alert, refuses_certificate};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use rustls::AlertDescription;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream as Inner;

/// What the server said against the certificate, or against there being none, once it has.
pub(super) type Refusal = Arc<OnceLock<AlertDescription>>;

/// A connection whose handshake is done.
pub(crate) struct TlsStream {
    stream: TokioIo<Inner<TcpStream>>,
    pub(super) refusal: Refusal,
}

impl TlsStream {
    pub(super) fn new(stream: Inner<TcpStream>) -> Self {
        Self { stream: TokioIo::new(stream), refusal: Refusal::default() }
    }

    fn note(&self, error: &io::Error) {
        if let Some(alert) = alert(error).filter(|alert| refuses_certificate(*alert)) {
            self.refusal.get_or_init(|| alert);
        }
    }

    /// When nothing more can be written, what the server said before it left may still be there to be read. It is waited
    /// for: a connection that has ended can be read, if only to its end.
    fn listen_once_more<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if !matches!(written, Poll::Ready(Err(_))) {
            return written;
        }
        // Without room, nothing that was said is lost.
        match Pin::new(self.stream.inner_mut()).poll_read(context, &mut ReadBuf::new(&mut [])) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => self.note(&error),
            Poll::Ready(Ok(())) => {}
        }
        written
    }
}

impl Read for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Poll::Ready(Err(error)) = &read {
            self.note(error);
        }
        read
    }
}

impl Write for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.listen_once_more(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.listen_once_more(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.listen_once_more(context, written)
    }
}
