//! TLS towards others, against servers of our own.

use mailcore::net::connect::{Options, Place, Target, connect};
use mailcore::net::tls::client::{
    Accepted, Client, Established, Level, Pattern, Policy, Roots, Standing, refusal,
};
use mailcore::net::tls::{self, Certificate, Service, Side, Version};
use mailcore::net::{Socket, Stream};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// An authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: rcgen::Certificate,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        Self { issuer, root }
    }

    /// A server's certificate for these names.
    fn issue(&self, names: &[&str]) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let params = CertificateParams::new(names).unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        Certificate::parse(leaf.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    }

    fn client(&self) -> Client {
        Client::open(&Roots::These(vec![self.root.der().clone()])).unwrap()
    }
}

/// A server that shakes hands with everybody, tells the name that it was asked for, and waits for the end.
async fn serve(certificate: &Certificate, oldest: Version) -> Target {
    let mut options = tls::Options::default();
    options.oldest = oldest;
    let service = Service::with(certificate, options).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let mut stream = Stream::new(Socket::Tcp(tcp), Side::Serve(Arc::clone(&service)));
            tokio::spawn(async move {
                stream.secure().await?;
                let name = stream.tls().and_then(|tls| tls.server_name);
                let line = format!("{}\n", name.unwrap_or_default());
                stream.write_all(line.as_bytes()).await?;
                stream.flush().await?;
                stream.read_to_end(&mut Vec::new()).await
            });
        }
    });
    Target {
        name: "mx.example.org".to_owned(),
        place: Place::Tcp(at),
        vouched: false,
    }
}

/// What a handshake came to.
struct Met {
    standing: Standing,
    line: String,
    asked: String,
    resumed: bool,
}

async fn meet(client: &Client, target: &Target, policy: &Policy) -> io::Result<Met> {
    let towards = client.towards(target, "example.org", policy).unwrap();
    let options = Options::default();
    let connected = connect(target, Some(towards.side()), &options).await;
    let mut stream = connected.map_err(io::Error::other)?;
    assert!(towards.standing(&stream).is_none());
    stream.secure().await?;
    // Tickets of TLS 1.3 come with the first data.
    let mut asked = String::new();
    while !asked.ends_with('\n') {
        asked.push(char::from(stream.read_u8().await?));
    }
    let standing = towards.standing(&stream).unwrap();
    let facts = stream.tls().unwrap();
    let established = Established {
        standing,
        target,
        facts: &facts,
    };
    Ok(Met {
        standing,
        line: established.to_string(),
        asked: asked.trim_end().to_owned(),
        resumed: stream.resumed(),
    })
}

async fn standing(client: &Client, target: &Target, policy: &Policy) -> Standing {
    meet(client, target, policy).await.unwrap().standing
}

async fn refused(client: &Client, target: &Target, policy: &Policy) -> &'static str {
    let error = meet(client, target, policy).await.err().unwrap();
    refusal(&error).unwrap()
}

#[tokio::test]
async fn up_to_encrypt_nobody_is_refused_and_the_log_tells_what_it_is_worth() {
    let (ours, other) = (Authority::new(), Authority::new());
    let good = serve(&ours.issue(&["elsewhere.test"]), Version::Tls12).await;
    let strange = serve(&other.issue(&["mx.example.org"]), Version::Tls12).await;
    let client = ours.client();
    for level in [Level::May, Level::Encrypt] {
        let policy = Policy::new(level);
        assert_eq!(standing(&client, &good, &policy).await, Standing::Trusted);
        assert_eq!(
            standing(&client, &strange, &policy).await,
            Standing::Untrusted
        );
    }
    let nobody = Client::open(&Roots::Nobody).unwrap();
    let met = meet(&nobody, &good, &Policy::new(Level::May))
        .await
        .unwrap();
    let Place::Tcp(at) = good.place else { panic!() };
    let line = format!(
        "Untrusted TLS connection established to mx.example.org[127.0.0.1]:{}: \
         TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
        at.port()
    );
    assert_eq!(met.line, line);
}

#[tokio::test]
async fn verify_asks_for_the_hosts_name() {
    let (ours, other) = (Authority::new(), Authority::new());
    let client = ours.client();
    let policy = Policy::new(Level::Verify);
    let good = serve(&ours.issue(&["mx.example.org"]), Version::Tls12).await;
    assert_eq!(standing(&client, &good, &policy).await, Standing::Verified);
    let domain = serve(&ours.issue(&["example.org"]), Version::Tls12).await;
    let words = refused(&client, &domain, &policy).await;
    assert_eq!(words, "Server certificate not verified");
    let strange = serve(&other.issue(&["mx.example.org"]), Version::Tls12).await;
    let words = refused(&client, &strange, &policy).await;
    assert_eq!(words, "Server certificate not trusted");
}

#[tokio::test]
async fn secure_asks_for_the_next_hop_or_a_name_below_it() {
    let ours = Authority::new();
    let client = ours.client();
    let policy = Policy::new(Level::Secure);
    for (name, good) in [
        ("example.org", true),
        ("mail.example.org", true),
        ("*.example.org", true),
        ("mx.example.net", false),
        ("badexample.org", false),
    ] {
        let mut target = serve(&ours.issue(&[name]), Version::Tls12).await;
        // What DNS says the host is called does not matter.
        target.name = "mx.example.net".to_owned();
        let met = meet(&client, &target, &policy).await;
        assert_eq!(met.is_ok(), good, "{name}");
    }
    let mut policy = Policy::new(Level::Secure);
    policy.accepted = vec![Accepted::Is(Pattern::parse("mx.example.net"))];
    let target = serve(&ours.issue(&["mx.example.net"]), Version::Tls12).await;
    assert_eq!(
        standing(&client, &target, &policy).await,
        Standing::Verified
    );
    // No name at all is a demand that nobody meets.
    policy.accepted.clear();
    let words = refused(&client, &target, &policy).await;
    assert_eq!(words, "Server certificate not verified");
}

#[tokio::test]
async fn the_hosts_name_is_asked_for_unless_another_is_set() {
    let ours = Authority::new();
    let client = ours.client();
    let mut target = serve(&ours.issue(&["mx.example.org"]), Version::Tls12).await;
    let mut policy = Policy::new(Level::May);
    let met = meet(&client, &target, &policy).await.unwrap();
    assert_eq!(met.asked, "mx.example.org");
    policy.server_name = Some("other.example.org".parse().unwrap());
    let met = meet(&client, &target, &policy).await.unwrap();
    assert_eq!(met.asked, "other.example.org");
    // RFC 6066 §3: an address is no name.
    policy.server_name = None;
    target.name = "127.0.0.1".to_owned();
    let met = meet(&client, &target, &policy).await.unwrap();
    assert_eq!(met.asked, "");
}

#[tokio::test]
async fn a_session_is_resumed_under_the_same_demands_only() {
    let ours = Authority::new();
    let client = ours.client();
    let target = serve(&ours.issue(&["mx.example.org"]), Version::Tls12).await;
    let may = Policy::new(Level::May);
    let first = meet(&client, &target, &may).await.unwrap();
    assert!(!first.resumed);
    let second = meet(&client, &target, &may).await.unwrap();
    assert!(second.resumed);
    assert_eq!(second.standing, Standing::Trusted);
    let verify = Policy::new(Level::Verify);
    let third = meet(&client, &target, &verify).await.unwrap();
    assert!(
        !third.resumed,
        "a session that nobody verified proves nothing"
    );
    let fourth = meet(&client, &target, &verify).await.unwrap();
    assert!(fourth.resumed);
    assert_eq!(fourth.standing, Standing::Verified);
}

/// `openssl s_server` with a new RSA key of so many bits; nothing where there is no such program.
fn openssl(bits: u16, version: &str, folder: &std::path::Path) -> Option<(Child, Target)> {
    let (key, certificate) = (folder.join("key"), folder.join("certificate"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-subj", "/CN=old", "-newkey"])
        .arg(format!("rsa:{bits}"))
        .args(["-addext", "subjectAltName=DNS:mx.example.org", "-keyout"])
        .args([key.as_os_str(), "-out".as_ref(), certificate.as_os_str()])
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("not tried: there is no openssl here");
        return None;
    }
    let mut server = Command::new("openssl")
        .args(["s_server", "-accept", "127.0.0.1:0", version, "-rev"])
        .args(["-cipher", "ALL:@SECLEVEL=0", "-key"])
        .args([key.as_os_str(), "-cert".as_ref(), certificate.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = BufReader::new(server.stdout.take().unwrap()).lines();
    let line = said
        .map_while(Result::ok)
        .find(|line| line.starts_with("ACCEPT "))
        .unwrap();
    let place = Place::Tcp(line["ACCEPT ".len()..].parse().unwrap());
    let target = Target {
        name: "mx.example.org".to_owned(),
        place,
        vouched: false,
    };
    Some((server, target))
}

#[tokio::test]
async fn a_server_with_an_old_key_is_met_all_the_same_but_never_trusted() {
    let folder = tempfile::tempdir().unwrap();
    for version in ["-tls1_2", "-tls1_3"] {
        let Some((mut server, target)) = openssl(1024, version, folder.path()) else {
            return;
        };
        let root = Roots::File(folder.path().join("certificate"));
        let client = Client::open(&root).unwrap();
        let shake = async |policy: &Policy| {
            let towards = client.towards(&target, "example.org", policy).unwrap();
            let stream = connect(&target, Some(towards.side()), &Options::default()).await;
            let mut stream = stream.unwrap();
            stream.secure().await.map(|()| towards.standing(&stream))
        };
        let may = shake(&Policy::new(Level::May)).await.unwrap();
        assert_eq!(may, Some(Standing::Untrusted), "{version}");
        assert!(
            shake(&Policy::new(Level::Verify)).await.is_err(),
            "{version}"
        );
        server.kill().unwrap();
        server.wait().unwrap();
    }
}

#[tokio::test]
async fn roots_come_from_a_file_or_the_system() {
    let ours = Authority::new();
    let target = serve(&ours.issue(&["mx.example.org"]), Version::Tls12).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), ours.root.pem()).unwrap();
    let client = Client::open(&Roots::File(file.path().to_owned())).unwrap();
    let policy = Policy::new(Level::Verify);
    assert_eq!(
        standing(&client, &target, &policy).await,
        Standing::Verified
    );
    let system = Client::open(&Roots::System).unwrap();
    let words = refused(&system, &target, &policy).await;
    assert_eq!(words, "Server certificate not trusted");
    std::fs::write(file.path(), "no PEM").unwrap();
    let error = Client::open(&Roots::File(file.path().to_owned())).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&file.path().display().to_string())
    );
}
