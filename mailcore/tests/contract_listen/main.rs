//! From listening sockets to sessions and down again: limits, balancers, panics, want of descriptors, drain.

#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    dead_code,
    reason = "a test program exports nothing, and uses a part of what it shares"
)]

mod descriptors;
#[path = "../contract/toy/mod.rs"]
mod toy;

use mailcore::net::listen::{
    Address, Arrival, Attendant, Balancers, Limits, Listener, Refused, Turnstile, listen,
};
use mailcore::net::{End, Peer, Route, Stream, pump};
use mailcore::shutdown::Shutdown;
use mailcore_base::wire;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use toy::Serving;
use toy::desk::Store;
use toy::server::Server;

/// Held by every test, and alone by the one that takes the descriptors away.
static DESCRIPTORS: RwLock<()> = RwLock::new(());

/// Runs a test while nobody takes the descriptors away; a runtime needs some, too.
fn held(test: impl Future<Output = ()>) {
    let _held = DESCRIPTORS.read().unwrap_or_else(PoisonError::into_inner);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(test);
}

/// Serves the toy, and keeps where its visitors came from. A word takes its time.
#[derive(Default)]
struct Toy {
    routes: Mutex<Vec<Route>>,
    store: Store,
}

impl Attendant for Toy {
    fn receive(&self, visit: Arrival) -> impl Future<Output = ()> + Send + 'static {
        let mut routes = self.routes.lock().unwrap();
        assert!(
            routes.len() != 13,
            "a bug that shows at the fourteenth visitor"
        );
        routes.push(visit.route);
        let store = self.store.clone();
        async move {
            let mut end = End::new(Stream::plain(visit.socket), visit.bell);
            let machine = Server::new(wire::Limits::default());
            pump(&mut Serving { machine, store }, &mut end).await;
            end.close().await;
        }
    }

    fn refuse(&self, refused: Refused, _: &Route) -> Vec<u8> {
        format!("* {refused}\r\n").into_bytes()
    }
}

struct Running {
    toy: Arc<Toy>,
    gate: Arc<Turnstile>,
    shutdown: Shutdown,
    address: SocketAddr,
    listening: tokio::task::JoinHandle<()>,
}

fn run(toy: Toy, limits: Limits, balancers: Option<Balancers>) -> Running {
    let listener = Listener::bind(&Address::Tcp("127.0.0.1:0".parse().unwrap())).unwrap();
    let Peer::Tcp(address) = listener.address().unwrap() else {
        unreachable!()
    };
    let (toy, gate, shutdown) = (Arc::new(toy), Turnstile::new(limits), Shutdown::new());
    let listening = tokio::spawn(listen(
        listener,
        gate.clone(),
        balancers,
        toy.clone(),
        shutdown.clone(),
    ));
    Running {
        toy,
        gate,
        shutdown,
        address,
        listening,
    }
}

/// Says `words` and returns all that is heard until the server closes.
async fn say(address: SocketAddr, words: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(words.as_bytes()).await.unwrap();
    let mut heard = String::new();
    let _ = socket.read_to_string(&mut heard).await;
    heard
}

async fn greeted(address: SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let mut greeting = [0; 7];
    socket.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"HELLO\r\n");
    socket
}

#[test]
fn a_drain_lets_sessions_finish_and_lets_nobody_in() {
    held(async {
        let store = Store {
            word: Duration::from_millis(50),
            ..Store::default()
        };
        let toy = Toy {
            store,
            ..Toy::default()
        };
        let running = run(toy, Limits::default(), None);
        let mut idle = greeted(running.address).await;
        let mut busy = greeted(running.address).await;
        busy.write_all(b"WORD a\r\n").await.unwrap();
        while toy::desk::Tally::of(&running.toy.store.tally.begun) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(running.shutdown.drain(Duration::from_secs(60)).await, 0);
        let mut heard = String::new();
        busy.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "= A\r\n* going down\r\n");
        heard.clear();
        idle.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "* going down\r\n");
        running.listening.await.unwrap();
        assert!(TcpStream::connect(running.address).await.is_err());
        assert_eq!(running.gate.inside_now(), 0);
    });
}

#[test]
fn too_many_of_one_address_are_told_so() {
    held(async {
        let limits = Limits {
            per_address: 2,
            ..Limits::default()
        };
        let running = run(Toy::default(), limits, None);
        let one = greeted(running.address).await;
        let _two = greeted(running.address).await;
        assert_eq!(
            say(running.address, "").await,
            "* too many connections from this address\r\n"
        );
        drop(one);
        while running.gate.inside_now() > 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(say(running.address, "QUIT\r\n").await, "HELLO\r\nBYE\r\n");
    });
}

#[test]
fn a_trusted_balancer_is_believed_and_a_strangers_header_is_junk() {
    held(async {
        let header = "PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\n";
        let trusted = Balancers::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let limits = Limits {
            per_address: 1,
            ..Limits::default()
        };
        let running = run(Toy::default(), limits, Some(trusted));
        assert_eq!(
            say(running.address, &format!("{header}QUIT\r\n")).await,
            "HELLO\r\nBYE\r\n"
        );
        let route = running.toy.routes.lock().unwrap().pop().unwrap();
        assert_eq!(route.peer, Peer::Tcp("192.0.2.7:4711".parse().unwrap()));
        assert_eq!(route.local, Peer::Tcp("198.51.100.1:25".parse().unwrap()));
        assert_eq!(
            say(running.address, "QUIT but no header\r\n").await,
            "",
            "closed without a word"
        );

        let strangers = Balancers::new(vec!["203.0.113.0/24".parse().unwrap()]);
        let running = run(Toy::default(), Limits::default(), Some(strangers));
        assert_eq!(
            say(running.address, &format!("{header}QUIT\r\n")).await,
            "HELLO\r\nwhat?\r\nBYE\r\n"
        );
        let route = running.toy.routes.lock().unwrap().pop().unwrap();
        assert_eq!(
            route.peer.ip().unwrap().to_string(),
            "127.0.0.1",
            "not what the stranger said"
        );
    });
}

#[test]
fn a_panic_costs_one_session() {
    held(async {
        let running = run(Toy::default(), Limits::default(), None);
        let mut greeted = 0;
        for _ in 0..13 {
            greeted += usize::from(say(running.address, "QUIT\r\n").await.contains("BYE"));
        }
        assert_eq!(say(running.address, "QUIT\r\n").await, "", "the bug");
        assert_eq!(greeted, 13);
        running.toy.routes.clear_poison();
        running.toy.routes.lock().unwrap().clear();
        assert!(say(running.address, "QUIT\r\n").await.contains("BYE"));
        assert_eq!(running.shutdown.drain(Duration::from_secs(60)).await, 0);
        assert_eq!(running.gate.inside_now(), 0);
    });
}

#[test]
fn a_unix_socket_has_its_mode_and_leaves_nothing_behind() {
    held(async {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lmtp");
        let address = Address::Unix {
            path: path.clone(),
            mode: 0o660,
            owner: (None, None),
        };
        // What a server that was killed leaves behind.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let listener = Listener::bind(&address).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o660
        );
        assert!(Listener::bind(&address).is_err(), "somebody listens there");
        let shutdown = Shutdown::new();
        let toy = Arc::new(Toy::default());
        let gate = Turnstile::new(Limits::default());
        let listening = tokio::spawn(listen(listener, gate, None, toy.clone(), shutdown.clone()));
        let mut socket = UnixStream::connect(&path).await.unwrap();
        socket.write_all(b"QUIT\r\n").await.unwrap();
        let mut heard = String::new();
        socket.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "HELLO\r\nBYE\r\n");
        assert!(toy.routes.lock().unwrap()[0].same_host());
        shutdown.begin();
        listening.await.unwrap();
        assert!(!path.exists());
        std::fs::write(&path, "a file of somebody's").unwrap();
        assert!(Listener::bind(&address).is_err());
        assert!(path.exists());
    });
}

#[test]
fn a_listener_may_be_brought_along() {
    held(async {
        let own = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = own.local_addr().unwrap();
        let listener = Listener::from_tcp(own).unwrap();
        let gate = Turnstile::new(Limits::default());
        let toy = Arc::new(Toy::default());
        tokio::spawn(listen(listener, gate, None, toy, Shutdown::new()));
        assert_eq!(say(address, "QUIT\r\n").await, "HELLO\r\nBYE\r\n");
    });
}
