//! Bad logins in flight do not delay a good one: hashing is bounded. That addresses take turns is shown in
//! `mailcore/tests/bounds`; here all come from one, whose line holds 256.

use crate::crowd::{connect, gather, until};
use crate::measure::many_files;
use crate::server::{IMAP, Server};
use std::io::Write;
use std::time::{Duration, Instant};

#[test]
fn bad_logins_in_flight_do_not_delay_a_good_one() {
    many_files();
    let server = Server::start(&["--max-per-address", "20000"]);
    let alice = server.password("alice@example.test");
    let good = || {
        let start = Instant::now();
        let mut talk = server.connect(IMAP);
        talk.expect("* OK ");
        talk.command("a", &format!("LOGIN alice@example.test {alice}"));
        start.elapsed()
    };
    let alone = good();
    let count = 200;
    let mut bad = gather(count, |n| {
        let mut stream = connect(server.port(IMAP));
        until(&mut stream, &["* OK "]);
        let login = format!("a LOGIN alice@example.test wrong{n}\r\n");
        stream.write_all(login.as_bytes()).unwrap();
        stream
    });
    let among = good();
    println!("a good login takes {alone:.0?} alone and {among:.0?} among {count} bad ones");
    assert!(among < Duration::from_secs(20), "{among:?}");
    // They were in flight: none of them is let in, and each is answered.
    for stream in &mut bad {
        until(stream, &["a NO", "* BYE"]);
    }
}
