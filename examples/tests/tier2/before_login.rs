//! What a connection costs before anybody has logged in, whatever it sends.

use crate::crowd::{connect, gather, narrow};
use crate::measure::{at_rest, at_scale, many_files};
use crate::server::{IMAP, LMTP, POP3, SMTP, Server};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

/// Octets that a connection before login may cost at most: the session, as much of its input buffer as a line needs, and
/// what one command holds.
const MOST: u64 = 24 * 1024;
/// That of one that asks and does not read: both buffers full, the output up to twice its mark while it moves.
const MOST_OF_DEAF: u64 = 96 * 1024;
/// What a recipient of a transaction of SMTP or LMTP may cost besides, at its longest.
const MOST_OF_RECIPIENT: u64 = 1_200;

const COUNT: usize = 2_000;

/// Recipients of one message: as many as Postfix takes for its queue, and as many mailboxes as LMTP delivers to at once.
const RECIPIENTS: usize = 1_000;
const MAILBOXES: usize = 200;

/// Something that clients send before they log in.
struct Opening {
    service: u16,
    what: &'static str,
    sent: Vec<u8>,
    /// Replies that it reads, the greeting counted; none: it never reads.
    replies: usize,
    most: u64,
}

impl Opening {
    fn of(service: u16, what: &'static str, sent: Vec<u8>) -> Self {
        Self {
            service,
            what,
            sent,
            replies: 1,
            most: MOST,
        }
    }

    /// One that asks again and again, and reads nothing.
    fn deaf(service: u16, question: &str) -> Self {
        Self {
            replies: 0,
            most: MOST_OF_DEAF,
            ..Self::of(
                service,
                "answers that nobody reads",
                question.repeat(256 * 1024 / question.len()).into_bytes(),
            )
        }
    }

    /// A connection that has said so and been answered.
    fn open(&self, server: &Server) -> TcpStream {
        if self.replies == 0 {
            let mut stream = narrow(server.port(self.service));
            stream.set_nonblocking(true).unwrap();
            // As much as the kernel takes.
            let _ = stream.write_all(&self.sent);
            return stream;
        }
        let mut stream = connect(server.port(self.service));
        stream.write_all(&self.sent).unwrap();
        let mut reader = BufReader::new(&mut stream);
        for n in 0..self.replies {
            let mut line = String::new();
            while line.as_bytes().get(3) != Some(&b' ') && !line.starts_with(['*', '+']) {
                line.clear();
                assert!(
                    reader.read_line(&mut line).unwrap() > 0,
                    "{}: closed",
                    self.what
                );
            }
            let fine = ["220 ", "250 ", "* OK ", "+"]
                .iter()
                .any(|b| line.starts_with(b));
            assert!(fine, "{}: reply {n}: {line}", self.what);
        }
        stream
    }

    fn cost(&self) {
        let server = Server::start(&["--max-per-address", "20000"]);
        let warm = gather(40, |_| self.open(&server));
        let before = at_rest(server.pid());
        let held = gather(COUNT, |_| self.open(&server));
        let after = at_rest(server.pid());
        let each = after.saturating_sub(before) / COUNT as u64;
        println!("port {}, {}: {each} octets each", self.service, self.what);
        assert!(
            each < self.most,
            "port {}, {}: {each} octets each",
            self.service,
            self.what
        );
        drop((warm, held));
    }
}

#[test]
fn a_connection_before_login_is_small_whatever_it_sends() {
    if !at_scale("a connection before login") {
        return;
    }
    many_files();
    let line = vec![b'x'; 1 << 20];
    let long = |begin: &str, length: usize| [begin.as_bytes(), &line[..length]].concat();
    for opening in [
        Opening::of(SMTP, "silence", Vec::new()),
        Opening::of(SMTP, "a command without end", long("MAIL FROM:<", 2_000)),
        Opening::of(SMTP, "a SASL line without end", long("AUTH PLAIN ", 12_000)),
        recipients(SMTP),
        Opening::deaf(SMTP, "EHLO c\r\n"),
        Opening::of(LMTP, "silence", Vec::new()),
        Opening::of(LMTP, "a command without end", long("MAIL FROM:<", 8_000)),
        recipients(LMTP),
        Opening::deaf(LMTP, "LHLO c\r\n"),
        Opening::of(IMAP, "silence", Vec::new()),
        Opening::of(IMAP, "a line without end", long("a LOGIN ", 8_000)),
        Opening::of(
            IMAP,
            "a literal without end",
            long("a LOGIN {4096+}\r\n", 4_000),
        ),
        Opening::of(IMAP, "literals", literals()),
        Opening {
            replies: 2,
            ..Opening::of(
                IMAP,
                "a SASL line without end",
                long("a AUTHENTICATE PLAIN\r\n", 12_000),
            )
        },
        Opening::deaf(IMAP, "a CAPABILITY\r\n"),
        Opening::of(POP3, "silence", Vec::new()),
        Opening::of(POP3, "a line without end", long("USER ", 8_000)),
        Opening {
            replies: 2,
            ..Opening::of(
                POP3,
                "a SASL line without end",
                long("AUTH PLAIN\r\n", 12_000),
            )
        },
        Opening::deaf(POP3, "CAPA\r\n"),
    ] {
        opening.cost();
    }
}

/// A login in as many literals as it may have, the last one without end.
fn literals() -> Vec<u8> {
    let part = format!("{{2000+}}\r\n{}", "x".repeat(2_000));
    format!("a LOGIN {part} {}", &part[..1_900]).into_bytes()
}

/// A transaction with as many recipients as it may have, each as long as it may be and with all parameters that the
/// service takes.
fn recipients(service: u16) -> Opening {
    let x = |n: usize| "x".repeat(n);
    let (most, hello, envelope, recipient) = match service {
        LMTP => (MAILBOXES, "LHLO", String::new(), String::new()),
        _ => (
            RECIPIENTS,
            "EHLO",
            format!(" ENVID={}", x(100)),
            format!(
                " NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{}@c.test",
                x(450)
            ),
        ),
    };
    let from = x(240);
    let mut sent = format!("{hello} c\r\nMAIL FROM:<{from}@client.test>{envelope}\r\n");
    for n in 0..most {
        let tag = x(230);
        sent.push_str(&format!(
            "RCPT TO:<alice+{n:03}{tag}@example.test>{recipient}\r\n"
        ));
    }
    Opening {
        service,
        what: "a transaction of as many recipients as it may have",
        sent: sent.into_bytes(),
        replies: 3 + most,
        most: MOST + most as u64 * MOST_OF_RECIPIENT,
    }
}
