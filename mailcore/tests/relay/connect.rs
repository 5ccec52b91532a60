//! Connections that we open.

use mailcore::net::connect::{Options, Place, Target, connect, own_addresses};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

fn target(place: Place) -> Target {
    Target {
        name: "mx.example.org".to_owned(),
        place,
        vouched: false,
    }
}

fn tcp(at: SocketAddr) -> Target {
    target(Place::Tcp(at))
}

#[tokio::test]
async fn tcp_and_unix_servers_are_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let mut stream = connect(&tcp(at), None, &Options::default()).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    far.write_all(b"220 hi").await.unwrap();
    let mut read = [0; 6];
    stream.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"220 hi");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lmtp");
    let listener = UnixListener::bind(&path).unwrap();
    let unix = target(Place::Unix(path.clone()));
    let mut stream = connect(&unix, None, &Options::default()).await.unwrap();
    stream.write_all(b"LHLO").await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    let mut read = [0; 4];
    far.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"LHLO");
}

#[tokio::test]
async fn a_connection_comes_from_where_it_is_told_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let mut options = Options::default();
    options.bind_v4 = Some("127.0.0.9".parse().unwrap());
    let _stream = connect(&tcp(at), None, &options).await.unwrap();
    let (_, from) = listener.accept().await.unwrap();
    assert_eq!(from.ip().to_string(), "127.0.0.9");
    // Not from anywhere else, if that address is not ours.
    options.bind_v4 = Some("192.0.2.1".parse().unwrap());
    let error = connect(&tcp(at), None, &options).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with(": Cannot assign requested address")
    );
}

#[tokio::test]
async fn failures_are_told_in_the_known_words() {
    // A port that is held, and where nobody listens.
    let held = tokio::net::TcpSocket::new_v4().unwrap();
    held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let at = held.local_addr().unwrap();
    let error = connect(&tcp(at), None, &Options::default())
        .await
        .unwrap_err();
    let words = format!(
        "connect to mx.example.org[127.0.0.1]:{}: Connection refused",
        at.port()
    );
    assert_eq!(error.to_string(), words);
    let nowhere = target(Place::Unix("/nonexistent/lmtp".into()));
    let error = connect(&nowhere, None, &Options::default())
        .await
        .unwrap_err();
    let words = "connect to mx.example.org[/nonexistent/lmtp]: No such file or directory";
    assert_eq!(error.to_string(), words);
}

#[tokio::test]
async fn one_that_does_not_answer_is_given_up() {
    // A listener whose queue is full lets a connection wait for ever.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let at = listener.local_addr().unwrap();
    let mut options = Options::default();
    options.timeout = Duration::from_millis(50);
    let mut held = Vec::new();
    let error = loop {
        match connect(&tcp(at), None, &options).await {
            Ok(stream) => held.push(stream),
            Err(error) => break error,
        }
        assert!(held.len() < 64, "the queue never fills");
    };
    assert!(
        error.to_string().ends_with(": Connection timed out"),
        "{error}"
    );
}

#[test]
fn our_own_addresses_are_known() {
    assert!(
        own_addresses()
            .unwrap()
            .contains(&"127.0.0.1".parse().unwrap())
    );
}
