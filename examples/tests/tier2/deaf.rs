//! Clients that ask and do not read: the server holds a bounded piece of the answer for each.

use crate::crowd::{gather, narrow, until};
use crate::measure::{at_rest, at_scale, many_files};
use crate::server::{CAROL, IMAP, POP3, Server};
use std::io::Write;
use std::net::TcpStream;

/// Octets that each may cost: its output, up to twice its mark while it moves, a block of the message, its input and the
/// session.
const MOST: u64 = 256 * 1024;

/// So many that the heaps of the threads that read files, some tens of MiB, hardly count.
const COUNT: usize = 2_000;

#[test]
fn clients_that_do_not_read_cost_a_bounded_piece_each() {
    if !at_scale("a client that does not read") {
        return;
    }
    many_files();
    for service in [IMAP, POP3] {
        let server = Server::start(&["--max-per-address", "20000"]);
        server.add_user("carol@example.test", &format!("{{PLAIN}}{CAROL}"));
        let mut talk = server.imap("carol@example.test", CAROL);
        let text = format!("{}\r\n", "x".repeat(78)).repeat((20 << 20) / 80);
        talk.send(&format!("a APPEND INBOX {{{}}}", text.len()));
        talk.expect("+ ");
        talk.raw(text.as_bytes());
        talk.send("");
        talk.expect("a OK");
        let open = |_| ask(&server, service);
        let warm = gather(8, open);
        let before = at_rest(server.pid());
        let held = gather(COUNT, open);
        let after = at_rest(server.pid());
        let each = after.saturating_sub(before) / COUNT as u64;
        println!("port {service}: a client that does not read costs {each} octets");
        assert!(each > 1024, "something is measured");
        assert!(each < MOST, "port {service}: {each} octets each");
        drop((warm, held));
    }
}

/// A client that has logged in and asks for a long message again and again.
fn ask(server: &Server, service: u16) -> TcpStream {
    let mut stream = narrow(server.port(service));
    until(&mut stream, &["* OK ", "+OK"]);
    let (login, greedy) = match service {
        IMAP => ("a LOGIN carol@example.test", "c FETCH 1 BODY.PEEK[]\r\n"),
        _ => ("USER carol@example.test", "RETR 1\r\n"),
    };
    if service == IMAP {
        let words = format!("{login} {CAROL}\r\nb SELECT INBOX\r\n");
        stream.write_all(words.as_bytes()).unwrap();
        until(&mut stream, &["b OK"]);
    } else {
        stream.write_all(format!("{login}\r\n").as_bytes()).unwrap();
        until(&mut stream, &["+OK"]);
        stream
            .write_all(format!("PASS {CAROL}\r\n").as_bytes())
            .unwrap();
        until(&mut stream, &["+OK"]);
    }
    stream.write_all(greedy.repeat(200).as_bytes()).unwrap();
    stream
}
