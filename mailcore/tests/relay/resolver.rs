//! DNS by hickory, against a name server of our own that misbehaves by name.

use mailcore::dns::{Absent, DnsError, Exchange, Family, Options, Resolve, SystemResolver};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::UdpSocket;

const A: u16 = 1;
const CNAME: u16 = 5;
const PTR: u16 = 12;
const MX: u16 = 15;
const TXT: u16 = 16;
const AAAA: u16 = 28;

/// Response codes (RFC 1035 §4.1.1).
const NO_ERROR: u8 = 0;
const SERVER_FAILURE: u8 = 2;
const NO_NAME: u8 = 3;
const REFUSED: u8 = 5;

/// One record: its owner (none for the name that was asked for), its type, its data.
type Record = (Option<&'static str>, u16, Vec<u8>);

/// A name server on a port of its own, and how many questions it was asked.
async fn server() -> (SocketAddr, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut question = [0; 4096];
        while let Ok((n, peer)) = socket.recv_from(&mut question).await {
            count.fetch_add(1, Ordering::SeqCst);
            if let Some(answer) = answer(&question[..n]) {
                let _ = socket.send_to(&answer, peer).await;
            }
        }
    });
    (at, asked)
}

/// What the zone holds; none for names that get no answer.
fn zone(name: &str, kind: u16) -> Option<(u8, Vec<Record>)> {
    let mx = |preference: u8, host: &str| {
        let data = [vec![0, preference], wire(host)].concat();
        (None, MX, data)
    };
    Some(match (name, kind) {
        ("example.test", MX) => (NO_ERROR, vec![mx(10, "mx.example.test"), mx(20, "b.test")]),
        ("null.test", MX) => (NO_ERROR, vec![mx(0, "")]),
        ("alias.test", MX) => {
            let target = "example.test";
            let data = [vec![0, 5], wire("mx.example.test")].concat();
            let alias = (None, CNAME, wire(target));
            (NO_ERROR, vec![alias, (Some(target), MX, data)])
        }
        ("mx.example.test", A) => (NO_ERROR, vec![(None, A, vec![192, 0, 2, 1])]),
        ("mx.example.test", AAAA) => (NO_ERROR, vec![]),
        ("text.test", TXT) => (NO_ERROR, vec![(None, TXT, b"\x03v=s\x02pf".to_vec())]),
        ("1.2.0.192.in-addr.arpa", PTR) => (NO_ERROR, vec![(None, PTR, wire("mx.example.test"))]),
        ("broken.test", _) => (SERVER_FAILURE, vec![]),
        ("refused.test", _) => (REFUSED, vec![]),
        ("silent.test", _) => return None,
        _ => (NO_NAME, vec![]),
    })
}

fn wire(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut octets: Vec<u8> = labels
        .flat_map(|label| {
            let length = u8::try_from(label.len()).unwrap();
            std::iter::once(length).chain(label.bytes())
        })
        .collect();
    octets.push(0);
    octets
}

/// The answer to a question as it came (RFC 1035 §4).
fn answer(question: &[u8]) -> Option<Vec<u8>> {
    let mut labels = Vec::new();
    let mut at = 12;
    while question[at] > 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(std::str::from_utf8(&question[at + 1..end]).ok()?);
        at = end;
    }
    let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
    let name = labels.join(".").to_ascii_lowercase();
    let (code, records) = zone(&name, kind)?;
    let count = u8::try_from(records.len()).unwrap();
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0]);
    answer.extend(&question[12..at + 5]);
    for (owner, kind, data) in records {
        answer.extend(owner.map_or(vec![0xc0, 12], wire));
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60]);
        answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        answer.extend(data);
    }
    Some(answer)
}

fn options() -> Options {
    let mut options = Options::default();
    options.attempts = 1;
    options
}

async fn resolver() -> SystemResolver {
    SystemResolver::with_servers(&[server().await.0], options())
}

fn exchange(preference: u16, host: &str) -> Exchange {
    Exchange {
        preference,
        host: host.to_owned(),
    }
}

#[tokio::test]
async fn records_of_every_kind_are_read() {
    let resolver = resolver().await;
    let mx = resolver.mx("example.test").await.unwrap();
    assert_eq!(
        mx.records(),
        [exchange(10, "mx.example.test"), exchange(20, "b.test")]
    );
    assert!(!mx.is_authenticated());
    assert!(mx.ttl() <= Duration::from_secs(60) && !mx.ttl().is_zero());
    let null = resolver.mx("null.test").await.unwrap();
    assert_eq!(null.records(), [exchange(0, "")]);
    let alias = resolver.mx("alias.test.").await.unwrap();
    assert_eq!(alias.records(), [exchange(5, "mx.example.test")]);
    let v4 = resolver.addresses("mx.example.test", Family::V4).await;
    assert_eq!(v4.unwrap().records()[0].ip.to_string(), "192.0.2.1");
    let txt = resolver.txt("text.test").await.unwrap();
    assert_eq!(txt.records(), [b"v=spf"]);
    let ptr = resolver.ptr("192.0.2.1".parse().unwrap()).await.unwrap();
    assert_eq!(ptr.records(), ["mx.example.test"]);
}

#[tokio::test]
async fn absence_is_what_a_server_says_and_nothing_else() {
    let resolver = resolver().await;
    let nowhere = resolver.mx("nowhere.test").await.unwrap();
    assert_eq!(nowhere.why_absent(), Some(Absent::NoName));
    let v6 = resolver.addresses("mx.example.test", Family::V6).await;
    assert_eq!(v6.unwrap().why_absent(), Some(Absent::NoRecords));
    for name in ["broken.test", "refused.test"] {
        let error = resolver.mx(name).await.unwrap_err();
        assert!(error.is_temporary(), "{name}: {error}");
    }
    assert_eq!(resolver.mx("a..b").await, Err(DnsError::BadName));
}

#[tokio::test]
async fn a_server_that_keeps_silent_is_a_temporary_failure() {
    let mut options = options();
    options.timeout = Duration::from_millis(50);
    let resolver = SystemResolver::with_servers(&[server().await.0], options.clone());
    let error = resolver.mx("silent.test").await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
    // The look-up as a whole is bounded too, however long a single server may take.
    options.timeout = Duration::from_secs(3600);
    options.patience = Duration::from_millis(50);
    let resolver = SystemResolver::with_servers(&[server().await.0], options);
    assert_eq!(resolver.mx("silent.test").await, Err(DnsError::TimedOut));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_temporary_failure() {
    // A port that is held, and where nobody listens to us.
    let held = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = held.local_addr().unwrap();
    held.connect("127.0.0.2:9").await.unwrap();
    let mut options = options();
    options.timeout = Duration::from_millis(50);
    let resolver = SystemResolver::with_servers(&[at], options);
    let error = resolver.mx("example.test").await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
}

#[tokio::test]
async fn an_answer_is_remembered_and_a_failure_is_not() {
    let (at, asked) = server().await;
    let resolver = SystemResolver::with_servers(&[at], options());
    for _ in 0..3 {
        assert!(resolver.mx("example.test").await.is_ok());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(resolver.mx("broken.test").await.is_err());
    let before = asked.load(Ordering::SeqCst);
    assert!(resolver.mx("broken.test").await.is_err());
    assert!(asked.load(Ordering::SeqCst) > before);
}

#[test]
fn it_opens_without_a_file_and_outside_of_a_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let resolver = SystemResolver::open_at(&folder.path().join("resolv.conf"), options());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // RFC 6761 §6.4: known not to exist without asking anybody.
    let invalid = runtime.block_on(resolver.mx("host.invalid")).unwrap();
    assert_eq!(invalid.why_absent(), Some(Absent::NoName));
}

#[tokio::test]
async fn with_signatures_checked_an_unsigned_world_is_not_believed() {
    let mut options = options();
    options.validate = true;
    let resolver = SystemResolver::with_servers(&[server().await.0], options);
    // The root is signed; a server that shows no signature for it is lying.
    let error = resolver.mx("example.test").await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
}
