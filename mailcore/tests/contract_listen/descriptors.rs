//! When descriptors have run out, the accept loop waits instead of spinning, and nobody is lost.

use crate::{DESCRIPTORS, Toy};
use mailcore::net::Peer;
use mailcore::net::listen::{Address, Limits, Listener, Turnstile, listen};
use mailcore::shutdown::Shutdown;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::cell::Cell;
use std::io::{Read, Write};
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

#[test]
fn want_of_descriptors_pauses_the_accept_loop() {
    let _alone = DESCRIPTORS.write().unwrap_or_else(PoisonError::into_inner);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(starve());
}

async fn starve() {
    let listener = Listener::bind(&Address::Tcp("127.0.0.1:0".parse().unwrap())).unwrap();
    let Peer::Tcp(address) = listener.address().unwrap() else {
        unreachable!()
    };
    let gate = Turnstile::new(Limits::default());
    let toy = Arc::new(Toy::default());
    let mut listening = pin!(listen(listener, gate, None, toy, Shutdown::new()));
    let polls = Cell::new(0);
    let mut listening = std::future::poll_fn(|cx| {
        polls.set(polls.get() + 1);
        assert!(polls.get() < 2000, "the accept loop spins");
        listening.as_mut().poll(cx)
    });

    let mut waiting = std::net::TcpStream::connect(address).unwrap();
    waiting.write_all(b"QUIT\r\n").unwrap();
    let usual = getrlimit(Resource::Nofile);
    let spare = std::fs::File::open("/dev/null").unwrap();
    let lowest = std::os::fd::AsRawFd::as_raw_fd(&spare);
    drop(spare);
    let none = Rlimit {
        current: u64::try_from(lowest).ok(),
        maximum: usual.maximum,
    };
    setrlimit(Resource::Nofile, none).unwrap();
    assert!(std::fs::File::open("/dev/null").is_err(), "none is left");
    let passed = tokio::time::timeout(Duration::from_secs(100), &mut listening).await;
    setrlimit(Resource::Nofile, usual).unwrap();
    assert!(passed.is_err());
    assert!(polls.get() < 200, "once a second in a hundred seconds");

    // Time is the listener's and the session's; sockets are real, so both get many short turns.
    waiting.set_nonblocking(true).unwrap();
    let mut heard = Vec::new();
    for _ in 0..1000 {
        let turn = tokio::time::timeout(Duration::from_millis(100), &mut listening);
        assert!(turn.await.is_err());
        if waiting.read_to_end(&mut heard).is_ok() {
            break;
        }
    }
    assert_eq!(heard, b"HELLO\r\nBYE\r\n");
}
