//! Servers that do as a script says.

use mailcore::net::tls::{self, Certificate, Service, Side};
use mailcore::net::{Socket, Stream};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;

/// A certificate that nobody vouches for.
pub static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
    let made = tls::self_signed(&["mx.test".to_owned()]).unwrap();
    Certificate::parse(made.certificate.as_bytes(), made.key.as_bytes()).unwrap()
});

/// The connection is closed in place of a reply.
pub const CLOSE: &str = "CLOSE";
/// There is no reply.
pub const SILENCE: &str = "SILENCE";
/// After the reply, the connection is closed.
pub const PART: &str = "\nPART";

/// Among a script's commands: TLS comes before the greeting.
pub const IMPLICIT: &str = "IMPLICIT";

/// What a server says to commands that begin so; the first that fits. `""` is the greeting, `"."` the end of the
/// content.
pub type Script = &'static [(&'static str, &'static str)];

/// What is said where the script has no word.
const USUAL: Script = &[
    (
        "EHLO",
        "250-mx.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 DSN",
    ),
    ("LHLO", "250-mx.test\r\n250-PIPELINING\r\n250 8BITMIME"),
    ("HELO", "250 mx.test"),
    ("MAIL", "250 2.1.0 Ok"),
    ("RCPT", "250 2.1.5 Ok"),
    ("DATA", "354 go on"),
    ("RSET", "250 2.0.0 Ok"),
    ("STARTTLS", "220 2.0.0 go on"),
    ("QUIT", "221 2.0.0 bye\nPART"),
    (".", "250 2.0.0 Ok: queued as X"),
    ("", "220 mx.test ESMTP"),
];

/// A server, and what was said to it.
pub struct Peer {
    pub at: SocketAddr,
    /// How many connections there have been.
    pub met: Arc<AtomicUsize>,
    heard: Arc<Mutex<Vec<String>>>,
    gone: mpsc::UnboundedReceiver<()>,
}

impl Peer {
    pub async fn start(script: Script) -> Self {
        Self::with(script, None).await
    }

    /// One with TLS.
    pub async fn secured(script: Script) -> Self {
        let service = Service::with(&CERTIFICATE, tls::Options::default()).unwrap();
        Self::with(script, Some(service)).await
    }

    pub async fn with(script: Script, tls: Option<Arc<Service>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (serving, peer) = Serving::new(script, tls, at);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                serving.take(Socket::Tcp(tcp));
            }
        });
        peer
    }

    /// One at a Unix socket.
    pub fn at_path(path: &Path, script: Script) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let (serving, peer) = Serving::new(script, None, "127.0.0.1:1".parse().unwrap());
        tokio::spawn(async move {
            while let Ok((unix, _)) = listener.accept().await {
                serving.take(Socket::Unix(unix));
            }
        });
        peer
    }

    /// What was said so far, content too, line by line.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// What was said so far that begins so.
    pub fn heard_of(&self, start: &str) -> Vec<String> {
        let mut heard = self.heard();
        heard.retain(|line| line.starts_with(start));
        heard
    }

    pub fn connections(&self) -> usize {
        self.met.load(Ordering::SeqCst)
    }

    /// Waits until a connection is over.
    pub async fn gone(&mut self) {
        self.gone.recv().await.unwrap();
    }
}

#[derive(Clone)]
struct Serving {
    script: Script,
    tls: Option<Arc<Service>>,
    met: Arc<AtomicUsize>,
    heard: Arc<Mutex<Vec<String>>>,
    gone: mpsc::UnboundedSender<()>,
}

impl Serving {
    fn new(script: Script, tls: Option<Arc<Service>>, at: SocketAddr) -> (Self, Peer) {
        let (gone, over) = mpsc::unbounded_channel();
        let met = Arc::new(AtomicUsize::new(0));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let peer = Peer {
            at,
            met: Arc::clone(&met),
            heard: Arc::clone(&heard),
            gone: over,
        };
        let serving = Self {
            script,
            tls,
            met,
            heard,
            gone,
        };
        (serving, peer)
    }

    fn take(&self, socket: Socket) {
        self.met.fetch_add(1, Ordering::SeqCst);
        let serving = self.clone();
        tokio::spawn(async move {
            let stream = match &serving.tls {
                Some(service) => Stream::new(socket, Side::Serve(Arc::clone(service))),
                None => Stream::plain(socket),
            };
            let _ = serving.serve(stream).await;
            let _ = serving.gone.send(());
        });
    }

    /// Says what the script says; an error where the connection is to end.
    async fn say(&self, to: &mut Stream<Socket>, command: &str) -> std::io::Result<&str> {
        let rules = self.script.iter().chain(USUAL);
        let fits = |rule: &&(&str, &str)| match rule.0 {
            "" => command.is_empty(),
            start => command.starts_with(start),
        };
        let said = rules
            .clone()
            .find(fits)
            .map_or("500 5.5.2 what?", |it| it.1);
        if said == SILENCE {
            // Until the other side gives up.
            to.read_to_end(&mut Vec::new()).await?;
        }
        if said == CLOSE || said == SILENCE {
            return Err(std::io::ErrorKind::ConnectionAborted.into());
        }
        let last = said.strip_suffix(PART);
        let line = format!("{}\r\n", last.unwrap_or(said));
        to.write_all(line.as_bytes()).await?;
        to.flush().await?;
        match last {
            Some(_) => Err(std::io::ErrorKind::ConnectionAborted.into()),
            None => Ok(said),
        }
    }

    async fn serve(&self, stream: Stream<Socket>) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        if self.script.iter().any(|rule| rule.0 == IMPLICIT) {
            stream.get_mut().secure().await?;
        }
        self.say(stream.get_mut(), "").await?;
        let mut accepted = 0;
        loop {
            let mut line = Vec::new();
            if stream.read_until(b'\n', &mut line).await? == 0 {
                return Ok(());
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            self.heard.lock().unwrap().push(line.clone());
            accepted += usize::from(line.starts_with("RCPT"));
            let said = self.say(stream.get_mut(), &line).await?;
            if line == "STARTTLS" && said.starts_with('2') {
                stream.get_mut().secure().await?;
            }
            if line == "DATA" && self.goes_on() {
                self.content(&mut stream).await?;
                let lmtp = self
                    .heard
                    .lock()
                    .unwrap()
                    .iter()
                    .any(|l| l.starts_with("LHLO"));
                let replies = if lmtp { accepted } else { 1 };
                for n in 0..replies {
                    let dot = if n == 0 { "." } else { ".again" };
                    self.say(stream.get_mut(), dot).await?;
                }
                accepted = 0;
            }
        }
    }

    fn goes_on(&self) -> bool {
        let rule = self.script.iter().find(|rule| rule.0 == "DATA");
        rule.is_none_or(|rule| rule.1.starts_with('3'))
    }

    async fn content(&self, stream: &mut BufReader<Stream<Socket>>) -> std::io::Result<()> {
        loop {
            let mut line = Vec::new();
            if stream.read_until(b'\n', &mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            assert!(line.ends_with(b"\r\n"));
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if line == "." {
                return Ok(());
            }
            self.heard.lock().unwrap().push(line);
        }
    }
}
