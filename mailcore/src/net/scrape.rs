//! Tells the figures of a server to Prometheus: `GET /metrics` over HTTP/1.1 and nothing else. No web server: one request a
//! connection, a head of a few KiB and no body, in a few seconds, for a few clients at a time.
//!
//! What a head comes to is decided by [`judge`], which touches nothing.

use crate::metrics::{Metrics, Process, Waiting, text};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// Octets of a request's head.
const LONGEST: usize = 4096;
/// Octets of its first line.
const LONGEST_LINE: usize = 1024;
/// How long a client may take for its request, and then for the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Clients at a time; others wait to be accepted.
const CLIENTS: usize = 4;
/// How long nothing is accepted after that has failed.
const PAUSE: Duration = Duration::from_millis(100);

/// What is answered to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The figures; without them to HEAD.
    Figures {
        /// Whether only the head of the answer is wanted.
        head: bool,
    },
    /// Malformed, or with a body.
    BadRequest,
    /// Another path.
    NotFound,
    /// Another method.
    NotAllowed,
    /// Its time is over.
    TooSlow,
    /// The first line is too long.
    LineTooLong,
    /// The head is too long.
    HeadTooLong,
    /// Neither HTTP/1.0 nor 1.1.
    Version,
}

impl Verdict {
    /// The status code and its phrase (RFC 9110 §15).
    fn status(self) -> &'static str {
        match self {
            Self::Figures { .. } => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::NotAllowed => "405 Method Not Allowed",
            Self::TooSlow => "408 Request Timeout",
            Self::LineTooLong => "414 URI Too Long",
            Self::HeadTooLong => "431 Request Header Fields Too Large",
            Self::Version => "505 HTTP Version Not Supported",
        }
    }
}

/// What is answered to what has come of a request; nothing while its head may still go on.
pub fn judge(come: &[u8]) -> Option<Verdict> {
    let line = come.iter().position(|b| *b == b'\n');
    if line.unwrap_or(come.len()) > LONGEST_LINE {
        return Some(Verdict::LineTooLong);
    }
    // RFC 9112 §2.2: a line may end in a bare LF.
    let text = String::from_utf8_lossy(come).replace("\r\n", "\n");
    let Some((head, _)) = text.split_once("\n\n") else {
        return (come.len() >= LONGEST).then_some(Verdict::HeadTooLong);
    };
    Some(whole(head))
}

/// What is answered to a whole head.
fn whole(head: &str) -> Verdict {
    let mut lines = head.split('\n');
    let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, version] = words[..] else {
        return Verdict::BadRequest;
    };
    if !version.starts_with("HTTP/") || method.is_empty() {
        return Verdict::BadRequest;
    }
    if version != "HTTP/1.1" && version != "HTTP/1.0" {
        return Verdict::Version;
    }
    let mut hosts = 0;
    for line in lines {
        // RFC 9112 §5: no blank in front of the colon, and no line that goes on with another (§5.2).
        let Some((name, value)) = line.split_once(':') else {
            return Verdict::BadRequest;
        };
        if name.is_empty() || name.bytes().any(|b| !b.is_ascii_graphic()) {
            return Verdict::BadRequest;
        }
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "host" => hosts += 1,
            "content-length" if value != "0" => return Verdict::BadRequest,
            "transfer-encoding" => return Verdict::BadRequest,
            _ => {}
        }
    }
    // RFC 9112 §3.2.
    if hosts > 1 || hosts == 0 && version == "HTTP/1.1" {
        return Verdict::BadRequest;
    }
    let path = target.split('?').next().unwrap_or_default();
    match (path, method) {
        ("/metrics", "GET") => Verdict::Figures { head: false },
        ("/metrics", "HEAD") => Verdict::Figures { head: true },
        ("/metrics", _) => Verdict::NotAllowed,
        _ => Verdict::NotFound,
    }
}

/// Serves figures on a socket for as long as it is polled. Dropping it ends what is under way, too.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    let mut clients = tokio::task::JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        while clients.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                clients.spawn(attend(stream, Arc::clone(&metrics), place));
            }
            Err(error) => {
                tracing::warn!("metrics: cannot be accepted for now: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn attend(mut stream: TcpStream, metrics: Arc<Metrics>, place: OwnedSemaphorePermit) {
    // A client that is gone is nobody's concern.
    let _ = timeout(PATIENCE * 2, converse(&mut stream, &metrics)).await;
    drop(place);
}

async fn converse(stream: &mut TcpStream, metrics: &Metrics) -> io::Result<()> {
    let verdict = match timeout(PATIENCE, request(stream)).await {
        Ok(verdict) => verdict?,
        Err(_) => Some(Verdict::TooSlow),
    };
    let Some(verdict) = verdict else {
        return Ok(());
    };
    let answer = answer(verdict, metrics).await;
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // What it goes on to send would make the system reset the connection, and the answer with it.
    let mut rest = [0; 1024];
    for _ in 0..LONGEST {
        if stream.read(&mut rest).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// Reads a request; nothing if the client hangs up in the midst of it.
async fn request(stream: &mut TcpStream) -> io::Result<Option<Verdict>> {
    let mut come = [0; LONGEST];
    let mut filled = 0;
    loop {
        let room = come.get_mut(filled..).unwrap_or_default();
        let read = stream.read(room).await?;
        if read == 0 {
            return Ok(None);
        }
        filled += read;
        let verdict = judge(come.get(..filled).unwrap_or_default());
        if verdict.is_some() {
            return Ok(verdict);
        }
    }
}

async fn answer(verdict: Verdict, metrics: &Metrics) -> String {
    let mut body = String::new();
    let mut kind = "text/plain; charset=utf-8";
    match verdict {
        Verdict::Figures { .. } => {
            body = page(metrics).await;
            kind = text::CONTENT_TYPE;
        }
        refused => {
            body.push_str(refused.status());
            body.push('\n');
        }
    }
    let allow = match verdict {
        Verdict::NotAllowed => "Allow: GET, HEAD\r\n",
        _ => "",
    };
    let (status, length) = (verdict.status(), body.len());
    if verdict == (Verdict::Figures { head: true }) {
        body.clear();
    }
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{allow}\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n{body}"
    )
}

/// All figures, as they are now.
async fn page(metrics: &Metrics) -> String {
    let mut waiting = None;
    if let Some(queue) = metrics.queue() {
        match Waiting::of(queue).await {
            Ok(found) => waiting = Some(found),
            Err(error) => tracing::warn!("metrics: {error}"),
        }
    }
    let process = tokio::task::spawn_blocking(Process::look).await;
    let mut out = String::new();
    text::write_to(
        &mut out,
        metrics,
        waiting.as_ref(),
        process.unwrap_or_default(),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn told(request: &str, verdict: Verdict) {
        assert_eq!(judge(request.as_bytes()), Some(verdict), "{request:?}");
        let lines = request.replace("\r\n", "\n");
        assert_eq!(judge(lines.as_bytes()), Some(verdict), "{lines:?}");
    }

    #[test]
    fn figures_are_told_to_who_asks_for_them_and_nothing_else_is() {
        let all = Verdict::Figures { head: false };
        told("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", all);
        told("GET /metrics?a=b HTTP/1.0\r\n\r\n", all);
        told(
            "HEAD /metrics HTTP/1.1\r\nhost:x\r\n\r\n",
            Verdict::Figures { head: true },
        );
        told("GET / HTTP/1.1\r\nHost: x\r\n\r\n", Verdict::NotFound);
        told(
            "GET /metrics/../users HTTP/1.1\r\nHost: x\r\n\r\n",
            Verdict::NotFound,
        );
        told(
            "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            Verdict::NotAllowed,
        );
        told("GET /metrics HTTP/2\r\nHost: x\r\n\r\n", Verdict::Version);
    }

    #[test]
    fn what_is_no_request_without_a_body_is_refused() {
        for request in [
            "\r\n\r\n",
            "GET /metrics\r\n\r\n",
            "GET  /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /metrics HTTP/1.1\r\n\r\n",
            "GET /metrics HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
            "GET /metrics HTTP/1.1\r\nHost : x\r\n\r\n",
            "GET /metrics HTTP/1.1\r\nHost: x\r\n goes: on\r\n\r\n",
            "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n",
            "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            told(request, Verdict::BadRequest);
        }
    }

    #[test]
    fn a_head_has_an_end_before_its_limits() {
        assert_eq!(judge(b"GET /metrics HTTP/1.1\r\nHost: x\r\n"), None);
        let line = "x".repeat(LONGEST_LINE + 1);
        assert_eq!(judge(line.as_bytes()), Some(Verdict::LineTooLong));
        let field = "a: b\r\n".repeat(LONGEST / 6 + 1);
        let head = format!("GET /metrics HTTP/1.1\r\n{field}");
        let head = &head.as_bytes()[..LONGEST];
        assert_eq!(judge(head), Some(Verdict::HeadTooLong));
    }
}
