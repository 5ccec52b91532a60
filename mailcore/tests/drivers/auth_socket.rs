//! Logins for other servers and look-ups for other programs, by Dovecot's protocol, before the gate and the directory of
//! all protocols.

use crate::heard::Log;
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailcore::auth::{self, MemoryUsers};
use mailcore::net::auth_server::{AuthServer, DirectoryServer};
use mailcore::net::{Bell, Stream};
use mailcore::sasl::client::{Credentials, Exchange, Materials};
use mailcore::sasl::{Mechanism, Nonce, Offer};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::time::Instant;

/// What a server in front, or a program, says and hears.
struct Peer(BufReader<DuplexStream>);

impl Peer {
    /// Another server's connection, greeted; with the mechanisms that it was told of.
    async fn greeted(world: &World) -> (Self, Vec<String>) {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let server = AuthServer::new(Arc::clone(&world.gate));
        tokio::spawn(async move { server.serve(Stream::plain(near), Bell::new()).await });
        let mut peer = Self(BufReader::new(far));
        peer.say("VERSION\t1\t1\nCPID\t1").await;
        let mut offered = Vec::new();
        loop {
            match peer.line().await {
                line if line == "DONE" => return (peer, offered),
                line => offered.extend(line.strip_prefix("MECH\t").map(str::to_owned)),
            }
        }
    }

    async fn of(world: &World) -> Self {
        Self::greeted(world).await.0
    }

    /// A program's connection to the directory.
    async fn asking(users: MemoryUsers) -> Self {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let users = Arc::new(users);
        let server = DirectoryServer::new(users.clone(), users, None);
        tokio::spawn(async move { server.serve(Stream::plain(near), Bell::new()).await });
        let mut peer = Self(BufReader::new(far));
        peer.say("VERSION\t1\t1").await;
        assert_eq!(peer.line().await, "VERSION\t1\t1");
        assert!(peer.line().await.starts_with("SPID\t"));
        peer
    }

    async fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.0.write_all(line.as_bytes()).await.unwrap();
    }

    /// The next line; empty at the end.
    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    async fn ask(&mut self, line: &str) -> String {
        self.say(line).await;
        self.line().await
    }
}

fn plain(id: u32, further: &str, name: &str, password: &str) -> String {
    let response = STANDARD.encode(format!("\0{name}\0{password}"));
    format!("AUTH\t{id}\tPLAIN\tservice=smtp{further}\tresp={response}")
}

#[tokio::test(start_paused = true)]
async fn every_mechanism_that_is_offered_lets_the_right_password_in() {
    let world = World::new();
    let (mut peer, offered) = Peer::greeted(&world).await;
    let names: Vec<&str> = offered
        .iter()
        .map(|o| o.split('\t').next().unwrap())
        .collect();
    assert_eq!(
        names,
        ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"]
    );
    for (id, name) in (1..).zip(names) {
        let mechanism = Mechanism::parse(name).unwrap();
        let materials = Materials::new(Nonce::from_random([5; 18]), Offer::parse(name));
        let credentials = Credentials::password("alice", "alice");
        let mut exchange = Exchange::start(mechanism, &credentials, materials).unwrap();
        let initial = exchange.initial();
        let initial = initial.map(|i| format!("\tresp={}", STANDARD.encode(&*i)));
        let begin = format!(
            "AUTH\t{id}\t{name}\tservice=smtp{}",
            initial.unwrap_or_default()
        );
        let mut said = peer.ask(&begin).await;
        while let Some(challenge) = said.strip_prefix(&format!("CONT\t{id}\t")) {
            let challenge = STANDARD.decode(challenge).unwrap();
            let response = exchange.respond(&challenge).unwrap();
            said = peer
                .ask(&format!("CONT\t{id}\t{}", STANDARD.encode(&*response)))
                .await;
        }
        assert_eq!(said, format!("OK\t{id}\tuser=alice@example.test"), "{name}");
        exchange.accepted().expect("the server has proved itself");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_takes_two_seconds_and_holds_up_nobody() {
    let world = World::new();
    let mut peer = Peer::of(&world).await;
    let began = Instant::now();
    peer.say(&plain(1, "", "alice", "wrong")).await;
    peer.say(&plain(2, "", "nobody", "wrong")).await;
    peer.say(&plain(3, "", "bob", "bob")).await;
    assert_eq!(peer.line().await, "OK\t3\tuser=bob@example.test");
    assert_eq!(began.elapsed(), Duration::ZERO);
    let mut refused = [peer.line().await, peer.line().await];
    refused.sort();
    assert_eq!(refused, ["FAIL\t1\tuser=alice", "FAIL\t2\tuser=nobody"]);
    assert_eq!(began.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_guesses_on_waits_longer_unless_its_server_keeps_count() {
    let seconds = async |further: &str| {
        let world = World::new();
        let mut peer = Peer::of(&world).await;
        let mut waits = Vec::new();
        for id in 1..=4 {
            let began = Instant::now();
            peer.ask(&plain(id, further, "alice", "wrong")).await;
            waits.push(began.elapsed().as_secs());
        }
        waits
    };
    assert_eq!(
        seconds("\trip=192.0.2.1\tlip=192.0.2.2").await,
        [2, 2, 4, 8]
    );
    assert_eq!(
        seconds("\trip=192.0.2.1\tlip=192.0.2.2\tno-penalty").await,
        [2, 2, 2, 2]
    );
    assert_eq!(
        seconds("\trip=127.0.0.1\tlip=127.0.0.1").await,
        [2, 2, 2, 2]
    );
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_is_away_refuses_nobody_for_good() {
    let world = World::new();
    world.directory.mute.store(true, Ordering::SeqCst);
    let said = Peer::of(&world)
        .await
        .ask(&plain(1, "", "alice", "alice"))
        .await;
    assert_eq!(said, "FAIL\t1\tuser=alice\tcode=temp_fail");
}

#[tokio::test(start_paused = true)]
async fn who_may_not_log_in_is_refused_here_since_a_server_in_front_might_not() {
    let world = World::new();
    world.enlist("dora", &[("nologin", ""), ("host", "b.test")]);
    world.enlist(
        "emil",
        &[("nologin", ""), ("proxy", ""), ("host", "b.test")],
    );
    world.enlist("fred", &[("host", "b.test")]);
    let mut peer = Peer::of(&world).await;
    for (id, name, said) in [
        (1, "dora", "FAIL\t1\tuser=dora\tcode=user_disabled"),
        (2, "emil", "FAIL\t2\tuser=emil\tcode=user_disabled"),
        (3, "fred", "OK\t3\tuser=fred@example.test"),
    ] {
        assert_eq!(peer.ask(&plain(id, "", name, name)).await, said);
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_another_vouches_for_lets_nobody_in() {
    let world = World::new();
    let mut peer = Peer::of(&world).await;
    for (id, mechanism) in [(1, "EXTERNAL"), (2, "ANONYMOUS"), (3, "GSSAPI")] {
        let said = peer
            .ask(&format!(
                "AUTH\t{id}\t{mechanism}\tservice=smtp\tsecured\tvalid-client-cert\t\
                 cert_username=alice@example.test\tresp=YWxpY2VAZXhhbXBsZS50ZXN0"
            ))
            .await;
        assert!(said.starts_with(&format!("FAIL\t{id}")), "{said}");
    }
    // To act for somebody else takes more than one's own password.
    let response = STANDARD.encode("bob\0alice\0alice");
    let other = format!("AUTH\t4\tPLAIN\tservice=smtp\tnologin\tresp={response}");
    assert_eq!(peer.ask(&other).await, "FAIL\t4\tuser=alice");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_exchanges_that_wait_hold_up_no_other() {
    let world = World::new();
    let mut peer = Peer::of(&world).await;
    for id in 1..=900 {
        let said = peer.ask(&format!("AUTH\t{id}\tLOGIN\tservice=smtp")).await;
        assert!(said.starts_with(&format!("CONT\t{id}\t")), "{said}");
    }
    let said = peer.ask(&plain(1000, "", "bob", "bob")).await;
    assert_eq!(said, "OK\t1000\tuser=bob@example.test");
    // After so long nobody waits for them any more.
    let last = peer.line().await;
    assert_eq!(last, "FAIL\t1\treason=Authentication request timed out");
}

#[tokio::test(start_paused = true)]
async fn the_log_says_who_failed_from_where_and_never_with_what() {
    let log = Log::listen();
    let world = World::new();
    let mut peer = Peer::of(&world).await;
    let further = "\trip=192.0.2.9\tlip=192.0.2.2";
    peer.ask(&plain(1, further, "alice>, rip=192.0.2.1", "hunter2"))
        .await;
    let heard = log.text();
    assert!(
        heard.contains("plain(alice?? rip?192.0.2.1,192.0.2.9): Invalid credentials"),
        "{heard}"
    );
    assert!(!heard.contains("hunter2"), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn a_program_is_told_of_all_users_and_of_no_others() {
    let names = (0..450).map(|n| (format!("user{n:03}@example.test"), "x"));
    let users = MemoryUsers::with_passwords(auth::hasher(), names).unwrap();
    let mut peer = Peer::asking(users).await;
    let said = peer
        .ask("USER\t1\tUSER007@example.test\tservice=lmtp")
        .await;
    assert_eq!(said, "USER\t1\tuser007@example.test");
    let said = peer
        .ask("PASS\t2\tuser007@example.test\tservice=doveadm")
        .await;
    assert_eq!(said, "PASS\t2\tuser=user007@example.test");
    for word in ["USER", "PASS"] {
        let said = peer.ask(&format!("{word}\t3\tnobody\tservice=lmtp")).await;
        assert_eq!(said, "NOTFOUND\t3");
    }
    peer.say("LIST\t4\tservice=doveadm").await;
    for n in 0..450 {
        assert_eq!(
            peer.line().await,
            format!("LIST\t4\tuser{n:03}@example.test")
        );
    }
    assert_eq!(peer.line().await, "DONE\t4\t");
}
