//! The bare SMTP machine behind a blocking socket: no async runtime, one thread for each connection. The machine
//! says what it wants next; the driver does it, or answers. It is the same machine that the server runs.
//!
//!     cargo run --example blocking         # or: cargo run --example blocking 127.0.0.1:0
//!     printf 'Subject: hi\n\nFirst mail.\n' | curl -s --crlf smtp://127.0.0.1:2525 --mail-from bob@example.org --mail-rcpt alice@example.test -T -

use mailcore::base::envelope::Text;
use mailcore::base::wire::Io;
use mailcore::reception::{Recipient, Verdict};
use mailcore::smtp::server::{Ask, Offer, Options, Outcomes, Session, Step, Welcome};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:2525".into());
    let options = Arc::new(Options::smtp("mail.example.test".parse()?));
    let listener = TcpListener::bind(address)?;
    println!("smtp {}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept()?;
        let session = Session::new(Arc::clone(&options));
        // A real server counts its threads, and turns clients away above a limit.
        std::thread::spawn(move || serve(session, socket));
    }
}

fn serve(mut session: Session, mut socket: TcpStream) {
    let mut content = Vec::new();
    loop {
        match session.step(Instant::now()) {
            Step::Io(Io::Close) => return,
            Step::Io(io) => transfer(io, &mut socket),
            Step::Ask(ask) => answer(ask, &mut content),
            // Lines end in CRLF, dots are unstuffed. The machine's size limit bounds what is kept here.
            Step::Content(piece) => {
                content.extend_from_slice(piece.bytes());
                let n = piece.bytes().len();
                piece.taken(n);
            }
            _ => return,
        }
    }
}

/// Does what the machine wants of the connection, and tells it what came of that.
fn transfer(io: Io<'_>, socket: &mut TcpStream) {
    match io {
        Io::Read(mut room) => {
            let _ = socket.set_read_timeout(left(room.deadline()));
            match socket.read(room.spare()) {
                Ok(n) => room.filled(n), // zero: the peer has closed its half
                Err(e) if e.kind() == ErrorKind::WouldBlock => room.expired(),
                Err(e) if e.kind() == ErrorKind::Interrupted => {} // dropped: the machine says it again
                Err(_) => room.failed(),
            }
        }
        Io::Write(output) => {
            let _ = socket.set_write_timeout(left(output.deadline()));
            match socket.write(output.bytes()) {
                Ok(n) if n > 0 => output.sent(n),
                Err(e) if e.kind() == ErrorKind::WouldBlock => output.expired(),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                _ => output.failed(),
            }
        }
        Io::Wait(until) => std::thread::sleep(left(until).unwrap_or_default()),
        Io::Layer(upgrade) => upgrade.failed(), // STARTTLS is off in these options, so this is never wanted
        _ => {}
    }
}

/// The time to a deadline; never zero, which sockets would not take.
fn left(deadline: Option<Instant>) -> Option<Duration> {
    deadline.map(|at| {
        at.saturating_duration_since(Instant::now())
            .max(Duration::from_millis(1))
    })
}

/// Answers what the machine cannot know. Each question knows its only legal answers.
fn answer(ask: Ask<'_>, content: &mut Vec<u8>) {
    match ask {
        Ask::Connect(q) => q.answer(Ok(Welcome::default())),
        Ask::Hello(q) => q.answer(Ok(Offer::default())),
        Ask::Mail(q) => q.answer(Ok(())),
        Ask::Rcpt(q) => {
            let to = Recipient::new(q.asked().path.clone());
            let verdict = match to.is_at("example.test") {
                true => Verdict::Accept,
                false => Verdict::relay_denied(&to),
            };
            q.answer(verdict.into());
        }
        Ask::Begin(q) => {
            content.clear();
            q.answer(Ok(()));
        }
        Ask::Header(q) => q.answer(Ok(())),
        Ask::Finish(q) => {
            let envelope = q.transaction().envelope();
            println!("<{}>: {} octets", envelope.sender, content.len());
            q.answer(Outcomes::All(Ok(Text::lossy(b"1"))));
        }
        Ask::Abandoned(q) => {
            content.clear();
            q.answer(());
        }
        // AUTH, VRFY, ETRN, and questions of later versions: the safe refusal.
        other => other.decline(),
    }
}
