//! Clients that ask and do not read: the server holds a bounded piece of the answer for each.

use crate::crowd::{connect, gather, until};
use crate::measure::{at_rest, many_files, sized};
use crate::server::{CAROL, IMAP, POP3, Server};
use std::io::Write;
use std::net::TcpStream;

/// Octets that each may cost: its output up to the mark, a run of the body, its input, and the session.
fn most() -> u64 {
    if cfg!(debug_assertions) {
        512 * 1024
    } else {
        256 * 1024
    }
}

#[test]
fn clients_that_do_not_read_cost_a_bounded_piece_each() {
    many_files();
    for service in [IMAP, POP3] {
        let server = Server::start(&["--max-per-address", "20000"]);
        server.add_user("carol@example.test", &format!("{{PLAIN}}{CAROL}"));
        let mut talk = server.imap("carol@example.test", CAROL);
        let text = format!("{}\r\n", "x".repeat(78)).repeat(sized(20 << 20, 4 << 20) / 80);
        talk.send(&format!("a APPEND INBOX {{{}}}", text.len()));
        talk.expect("+ ");
        talk.raw(text.as_bytes());
        talk.send("");
        talk.expect("a OK");
        let open = |_| ask(&server, service);
        let warm = gather(8, open);
        let before = at_rest(server.pid());
        let count = sized(500, 50);
        let held = gather(count, open);
        let after = at_rest(server.pid());
        let each = after.saturating_sub(before) / count as u64;
        println!("port {service}: a client that does not read costs {each} octets");
        assert!(each > 1024, "something is measured");
        assert!(each < most(), "port {service}: {each} octets each");
        drop((warm, held));
    }
}

/// A client that has logged in and asks for a long message again and again.
fn ask(server: &Server, service: u16) -> TcpStream {
    let mut stream = connect(server.port(service));
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
