//! A whole server on loopback: who does not get as far as a session, and certificates that are renewed meanwhile.

use crate::heard::Log;
use crate::world::HOST;
use mailcore::auth::{self, Gate, MemoryUsers};
use mailcore::net::Stream;
use mailcore::net::listen::{Address, Limits};
use mailcore::net::tls::{self, Certificate, Side};
use mailcore::reception::Reception;
use mailcore::store::mailbox::MemoryStore;
use mailcore::{Builder, Protocol, Server};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ALL: [Protocol; 4] = [
    Protocol::Smtp,
    Protocol::Submissions,
    Protocol::Imap,
    Protocol::Pop3s,
];

/// Takes mail for nobody.
#[derive(Debug)]
struct Nobody;
impl Reception for Nobody {}

/// A certificate and its key in files; what a client trusts who knows it.
fn certificate(folder: &Path) -> Arc<rustls::ClientConfig> {
    let made = tls::self_signed(&[HOST.to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), &made.certificate).unwrap();
    std::fs::write(folder.join("key.pem"), &made.key).unwrap();
    let parsed = Certificate::parse(made.certificate.as_bytes(), made.key.as_bytes()).unwrap();
    Arc::new(tls::trusting([parsed.chain()[0].clone()]).unwrap())
}

fn builder(folder: &Path) -> Builder {
    let users = MemoryUsers::with_passwords(auth::hasher(), [("alice", "x")]).unwrap();
    let users = Arc::new(users);
    let gate = Gate::new(users.clone(), users, auth::Options::new(HOST));
    let builder = Server::builder(HOST)
        .reception(Nobody)
        .gate(gate)
        .mailboxes(Arc::new(MemoryStore::new()))
        .certificate_files(folder.join("cert.pem"), folder.join("key.pem"));
    ALL.into_iter().fold(builder, |builder, protocol| {
        builder.listen(protocol, Address::Tcp(([127, 0, 0, 1], 0).into()))
    })
}

async fn call(server: &Server, protocol: Protocol) -> TcpStream {
    let address = server.address(protocol).unwrap();
    TcpStream::connect(address).await.unwrap()
}

async fn rest(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    // A peer that is turned away with its words unread may be told so by a reset.
    let _ = stream.read_to_end(&mut all).await;
    String::from_utf8(all).unwrap()
}

async fn handshake(server: &Server, client: &Arc<rustls::ClientConfig>) -> bool {
    let side = Side::Connect(Arc::clone(client), HOST.to_owned().try_into().unwrap());
    let mut stream = Stream::new(call(server, Protocol::Submissions).await, side);
    stream.secure().await.is_ok()
}

#[tokio::test]
async fn who_has_too_many_connections_is_turned_away_with_a_line() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let limits = Limits {
        per_address: 1,
        ..Limits::default()
    };
    let server = builder(folder.path()).limits(limits).start().unwrap();
    let mut first = call(&server, Protocol::Smtp).await;
    first.read_u8().await.unwrap();
    let over = "Maximum number of connections from user+IP exceeded";
    let seen = [
        (
            Protocol::Smtp,
            "421 4.7.0 Error: too many connections from localhost[127.0.0.1]\r\n".to_owned(),
            "postfix/smtpd: warning: Connection concurrency limit exceeded: 2 from localhost[127.0.0.1] for service smtp"
                .to_owned(),
        ),
        (
            Protocol::Submissions,
            String::new(),
            "postfix/submissions/smtpd: warning: Connection concurrency limit exceeded: 2 from localhost[127.0.0.1] for \
             service submissions"
                .to_owned(),
        ),
        (
            Protocol::Imap,
            format!("* BYE {over}\r\n"),
            format!(
                "imap-login: Disconnected: {over} (mail_max_userip_connections=1): user=<>, rip=127.0.0.1, lip=127.0.0.1, \
                 secured, session=<SESSION>"
            ),
        ),
        (
            Protocol::Pop3s,
            String::new(),
            format!(
                "pop3-login: Disconnected: {over} (mail_max_userip_connections=1): user=<>, rip=127.0.0.1, lip=127.0.0.1, \
                 secured, session=<SESSION>"
            ),
        ),
    ];
    for (protocol, told, line) in seen {
        let log = Log::listen();
        assert_eq!(rest(call(&server, protocol).await).await, told);
        assert_eq!(log.mail(), [line]);
    }
}

#[tokio::test]
async fn a_handshake_that_comes_to_nothing_leaves_lines() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let server = builder(folder.path()).start().unwrap();

    let log = Log::listen();
    let mut stream = call(&server, Protocol::Submissions).await;
    stream.write_all(b"EHLO client.test\r\n").await.unwrap();
    rest(stream).await;
    let program = "postfix/submissions/smtpd";
    let client = "localhost[127.0.0.1]";
    let lines = log.mail();
    assert_eq!(lines[0], format!("{program}: connect from {client}"));
    assert_eq!(
        lines[1],
        format!("{program}: SSL_accept error from {client}: -1")
    );
    let why = format!("{program}: warning: TLS library problem: ");
    assert!(lines[2].starts_with(&why), "{}", lines[2]);
    assert_eq!(
        lines[3..],
        [
            format!("{program}: lost connection after CONNECT from {client}"),
            format!("{program}: disconnect from {client} commands=0/0"),
        ]
    );

    let log = Log::listen();
    let mut stream = call(&server, Protocol::Pop3s).await;
    stream.shutdown().await.unwrap();
    rest(stream).await;
    assert_eq!(
        log.mail(),
        [
            "pop3-login: Disconnected: Connection closed (no auth attempts in 0 secs): user=<>, rip=127.0.0.1, \
             lip=127.0.0.1, TLS handshaking: Connection closed, session=<SESSION>"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_renewed_certificate_is_served_without_being_told() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificate(folder.path());
    let server = builder(folder.path()).start().unwrap();
    let new = certificate(folder.path());
    // Time stands still but for this: the files are looked at every ten seconds.
    tokio::time::sleep(Duration::from_secs(11)).await;
    tokio::time::resume();
    assert!(handshake(&server, &new).await);
    assert!(!handshake(&server, &old).await);
}
