//! Fixed zones.

use mailcore::dns::{Absent, Address, DnsError, Exchange, Family, Resolve, Tlsa, Zone};
use std::time::Duration;

const ZONE: &str = r#"
$ORIGIN example.org.
$TTL 1h
@       IN 300 MX 10 mx          ; the class may stand before the time
        MX     20 Backup.Example.NET.
        TXT    "v=spf1 " "mx -all"
mx      A      192.0.2.1
        A      192.0.2.2
mx      AAAA   2001:db8::1
        PORT   12025
www     CNAME  web
web     CNAME  mx
a.b.c   A      192.0.2.9
slow    FAIL   TIMEOUT
half    A      192.0.2.3
        FAIL   SERVFAIL AAAA
none    MX     0 .
loop    CNAME  loop
weak    CNAME  signed
1.2.0.192.in-addr.arpa.  PTR mx
$DNSSEC on
signed  A      192.0.2.4
alias   CNAME  mx
_25._tcp.mx TLSA 3 1 1 ( 00ff
                         A5 )
"#;

fn zone() -> Zone {
    ZONE.parse().unwrap()
}

fn wrong(text: &str) -> String {
    text.parse::<Zone>().unwrap_err().to_string()
}

#[tokio::test]
async fn records_are_found_under_their_names_in_any_case() {
    let zone = zone();
    let mx = zone.mx("EXAMPLE.org.").await.unwrap();
    let exchange = |preference, host: &str| Exchange {
        preference,
        host: host.to_owned(),
    };
    assert_eq!(
        mx.records(),
        [
            exchange(10, "mx.example.org"),
            exchange(20, "backup.example.net")
        ]
    );
    assert_eq!(mx.ttl(), Duration::from_secs(300));
    let txt = zone.txt("example.org").await.unwrap();
    assert_eq!(txt.records(), [b"v=spf1 mx -all"]);
    let ptr = zone.ptr("192.0.2.1".parse().unwrap()).await.unwrap();
    assert_eq!(ptr.records(), ["mx.example.org"]);
    let tlsa = zone.tlsa("_25._tcp.mx.example.org").await.unwrap();
    let expected = Tlsa {
        usage: 3,
        selector: 1,
        matching: 1,
        data: vec![0, 0xff, 0xa5],
    };
    assert_eq!(tlsa.records(), [expected]);
}

#[tokio::test]
async fn aliases_are_followed_and_a_port_goes_with_its_host() {
    let zone = zone();
    let found = zone.addresses("www.example.org", Family::V6).await.unwrap();
    let address = Address {
        ip: "2001:db8::1".parse().unwrap(),
        port: Some(12025),
    };
    assert_eq!(found.records(), [address]);
    let lost = zone.addresses("loop.example.org", Family::V4).await;
    assert!(lost.unwrap_err().is_temporary());
}

#[tokio::test]
async fn no_name_and_no_records_are_told_apart() {
    let zone = zone();
    for (name, why) in [
        ("nowhere.example.org", Absent::NoName),
        ("example.net", Absent::NoName),
        ("mx.example.org", Absent::NoRecords),
        ("b.c.example.org", Absent::NoRecords),
    ] {
        let answer = zone.mx(name).await.unwrap();
        assert_eq!(answer.why_absent(), Some(why), "{name}");
    }
    assert_eq!(zone.mx("a..b").await, Err(DnsError::BadName));
    let null = zone.mx("none.example.org").await.unwrap();
    assert_eq!(null.records()[0].host, "");
}

#[tokio::test]
async fn failures_come_as_they_are_written() {
    let zone = zone();
    assert_eq!(zone.mx("slow.example.org").await, Err(DnsError::TimedOut));
    let half = zone.addresses("half.example.org", Family::V6).await;
    assert!(matches!(half, Err(DnsError::Failed(_))));
    let half = zone.addresses("half.example.org", Family::V4).await;
    assert_eq!(half.unwrap().records().len(), 1);
}

#[tokio::test]
async fn only_what_is_signed_all_the_way_is_vouched_for() {
    let zone = zone();
    for (host, vouched) in [
        ("signed.example.org", true),
        ("mx.example.org", false),
        ("alias.example.org", false),
        ("weak.example.org", false),
    ] {
        let answer = zone.addresses(host, Family::V4).await.unwrap();
        assert!(!answer.records().is_empty());
        assert_eq!(answer.is_authenticated(), vouched, "{host}");
    }
}

#[test]
fn an_error_names_its_line_and_the_word_that_was_meant() {
    for (text, words) in [
        (
            "a A 192.0.2.1\n\nb XM 10 mx",
            "zone:3: unknown record type: XM (is MX meant?)",
        ),
        (
            "$ORIGN example.org.",
            "zone:1: unknown directive: $ORIGN (is $ORIGIN meant?)",
        ),
        (
            "a FAIL SERVFALL",
            "zone:1: unknown failure: SERVFALL (is SERVFAIL meant?)",
        ),
        (
            "a A 192.0.2.256",
            "zone:1: not an IPv4 address: 192.0.2.256",
        ),
        ("a MX mx", "zone:1: not a preference of 0 to 65535: mx"),
        ("a MX 10", "zone:1: a host is missing"),
        ("a MX 10 mx more", "zone:1: more words than belong here"),
        ("a PORT 0", "zone:1: not a port of 1 to 65535: 0"),
        (
            "\n A 192.0.2.1",
            "zone:2: the first record has no name before it to go with",
        ),
        (
            "a CNAME b\na A 192.0.2.1",
            "zone:2: a is an alias (CNAME) and can have no other record",
        ),
        ("*.a A 192.0.2.1", "zone:1: a fixed zone has no wildcards"),
        ("a..b A 192.0.2.1", "zone:1: not a name: a..b"),
        (
            "a TLSA 3 1 1 abc",
            "zone:1: not pairs of hexadecimal digits",
        ),
    ] {
        assert_eq!(wrong(text), words);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a B c").unwrap();
    let error = Zone::open(file.path()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}:1: ", file.path().display())));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~\n\t\"\\\\();$@]{0,200}") {
        let _ = text.parse::<Zone>();
    }
}
