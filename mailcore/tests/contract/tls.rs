//! TLS by itself: tickets, ALPN, names, reload, channel binding.

use crate::harness::{CERTIFICATE, certificate, pair};
use mailcore::net::Stream;
use mailcore::net::tls::{self, Options, Service, Side, Sources};
use rustls::ClientConfig;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

fn trusting(names: &[&tls::Certificate]) -> ClientConfig {
    tls::trusting(names.iter().map(|c| c.chain()[0].clone())).unwrap()
}

/// A handshake, and a word each way so that tickets arrive.
async fn meet(
    service: &Arc<Service>,
    client: &Arc<ClientConfig>,
    name: &str,
) -> io::Result<(Stream<DuplexStream>, Stream<DuplexStream>)> {
    let (near, far) = pair(64 * 1024);
    let mut server = Stream::new(near, Side::Serve(Arc::clone(service)));
    let name = name.to_owned().try_into().unwrap();
    let mut client = Stream::new(far, Side::Connect(Arc::clone(client), name));
    let (one, other) = tokio::join!(server.secure(), client.secure());
    one.and(other)?;
    server.write_all(b"x").await?;
    server.flush().await?;
    client.read_exact(&mut [0]).await?;
    Ok((server, client))
}

#[tokio::test]
async fn both_ends_see_the_same_bindings() {
    let service = Service::with(&CERTIFICATE, Options::default()).unwrap();
    let client = Arc::new(trusting(&[&CERTIFICATE]));
    let (server, client) = meet(&service, &client, "mx.example").await.unwrap();
    let (server, client) = (server.tls().unwrap(), client.tls().unwrap());
    assert_eq!(server.version, "TLSv1.3");
    assert_eq!(server.bits, 256);
    assert_eq!(server.cipher, "TLS_AES_256_GCM_SHA384");
    assert_eq!(server.server_name.as_deref(), Some("mx.example"));
    assert_eq!(server.exporter.as_ref().map(Vec::len), Some(32));
    assert_eq!(server.exporter, client.exporter);
    assert_eq!(server.end_point.as_ref().map(Vec::len), Some(32));
    assert_eq!(server.end_point, client.end_point);
}

#[tokio::test]
async fn a_ticket_of_one_service_is_worthless_on_another() {
    // TLS 1.2, where a resumed session shows by the certificate that is not sent: rustls tells by its kind.
    let imap = Service::with(&CERTIFICATE, Options::default()).unwrap();
    let pop3 = Service::with(&CERTIFICATE, Options::default()).unwrap();
    let client = Arc::new(trusting(&[&CERTIFICATE]));
    let kinds = async |service: &Arc<Service>| {
        let (server, _client) = meet(service, &client, "mx.example").await.unwrap();
        server.resumed()
    };
    assert!(!kinds(&imap).await);
    assert!(kinds(&imap).await, "its own ticket is worth something");
    assert!(!kinds(&pop3).await, "another's is not");
}

#[tokio::test]
async fn a_client_of_another_protocol_is_refused() {
    let service = Service::with(&CERTIFICATE, Options::for_protocol("imap")).unwrap();
    let mut client = trusting(&[&CERTIFICATE]);
    assert!(
        meet(&service, &Arc::new(client.clone()), "mx.example")
            .await
            .is_ok()
    );
    client.alpn_protocols = vec![b"imap".to_vec()];
    assert!(
        meet(&service, &Arc::new(client.clone()), "mx.example")
            .await
            .is_ok()
    );
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    assert!(
        meet(&service, &Arc::new(client), "mx.example")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn names_choose_their_certificate_and_changed_files_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, name: &str| {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let (chain, key) = (
            folder.path().join(format!("{file}.pem")),
            folder.path().join(format!("{file}.key")),
        );
        std::fs::write(&chain, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let parsed = tls::Certificate::open(&chain, &key).unwrap();
        (chain, key, parsed)
    };
    let (chain, key, main) = write("main", "mx.example");
    let (other_chain, other_key, other) = write("other", "*.other.example");
    let mut sources = Sources::one(&chain, &key);
    sources.names = vec![("*.Other.example".to_owned(), vec![(other_chain, other_key)])];
    let service = Service::open(sources, Options::default()).unwrap();

    let client = Arc::new(trusting(&[&main, &other]));
    assert!(meet(&service, &client, "mx.example").await.is_ok());
    assert!(meet(&service, &client, "imap.other.example").await.is_ok());
    assert!(!service.refresh().unwrap());

    // A key alone is a half-written change: it is reported once, and what was there goes on.
    let fresh = certificate("mx.example");
    std::fs::write(&key, "nothing").unwrap();
    assert!(
        service
            .refresh()
            .unwrap_err()
            .to_string()
            .contains("main.key")
    );
    assert!(!service.refresh().unwrap());
    assert!(meet(&service, &client, "mx.example").await.is_ok());

    let (_, _, renewed) = write("main", "mx.example");
    assert!(service.refresh().unwrap());
    let client = Arc::new(trusting(&[&renewed]));
    assert!(meet(&service, &client, "mx.example").await.is_ok());
    let client = Arc::new(trusting(&[&fresh, &main]));
    assert!(meet(&service, &client, "mx.example").await.is_err());
}

#[cfg(feature = "self-signed")]
#[tokio::test]
async fn a_self_signed_certificate_serves_names_and_addresses() {
    let made = tls::self_signed(&["mail.example.test".into(), "127.0.0.1".into()]).unwrap();
    assert!(!format!("{made:?}").contains("PRIVATE"));
    let certificate =
        tls::Certificate::parse(made.certificate.as_bytes(), made.key.as_bytes()).unwrap();
    let service = Service::with(&certificate, Options::default()).unwrap();
    let client = Arc::new(trusting(&[&certificate]));
    assert!(meet(&service, &client, "mail.example.test").await.is_ok());
    assert!(meet(&service, &client, "127.0.0.1").await.is_ok());
    assert!(tls::self_signed(&[]).is_err());
}

#[cfg(feature = "self-signed")]
#[test]
fn a_self_signed_certificate_is_good_for_ten_years_from_yesterday() {
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::UnixTime;
    const DAY: u64 = 24 * 60 * 60;
    let made = tls::self_signed(&["mail.example.test".into()]).unwrap();
    let certificate =
        tls::Certificate::parse(made.certificate.as_bytes(), made.key.as_bytes()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.chain()[0].clone()).unwrap();
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), tls::provider());
    let verifier = verifier.build().unwrap();
    let name = "mail.example.test".try_into().unwrap();
    let good = |seconds: u64| {
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        verifier
            .verify_server_cert(&certificate.chain()[0], &[], &name, &[], time)
            .is_ok()
    };
    let now = UnixTime::now().as_secs();
    assert!(good(now) && good(now - DAY / 2) && good(now + 3650 * DAY));
    assert!(!good(now - 2 * DAY) && !good(now + 3654 * DAY));
}
