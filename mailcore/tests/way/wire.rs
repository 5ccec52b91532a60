//! What goes over the wire, octet by octet, whatever it was made from: by DATA and BDAT, SMTP and LMTP.

use crate::scene::{Octets, job, transport};
use mailcore::deliver::smtp::Options;
use mailcore::deliver::{Action, Transport};
use mailcore::dns::Zone;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// How a message is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Dots,
    Chunks,
}

/// Takes mail and hands on the content as it came: what DATA brought with its stuffed dots and without the line that
/// ends it, what BDAT brought as it is.
pub async fn recorder(extensions: &'static str) -> (u16, mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, receive) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let send = send.clone();
            tokio::spawn(async move {
                // Whoever hangs up has said all there was.
                let _ = record(stream, extensions, &send).await;
            });
        }
    });
    (port, receive)
}

async fn record(
    stream: TcpStream,
    extensions: &str,
    send: &mpsc::UnboundedSender<Vec<u8>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 mx.test\r\n").await?;
    let mut chunks = Vec::new();
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let line = String::from_utf8(line).unwrap();
        let mut words = line.split_whitespace();
        let said = match words.next().unwrap_or_default() {
            "EHLO" | "LHLO" => format!("250-mx.test\r\n{extensions}250 PIPELINING\r\n"),
            "DATA" => {
                stream.get_mut().write_all(b"354 go on\r\n").await?;
                let mut content = Vec::new();
                while content != b".\r\n" && !content.ends_with(b"\r\n.\r\n") {
                    stream.read_until(b'\n', &mut content).await?;
                }
                content.truncate(content.len() - 3);
                send.send(content).unwrap();
                "250 2.0.0 Ok\r\n".to_owned()
            }
            "BDAT" => {
                let size: usize = words.next().unwrap().parse().unwrap();
                let at = chunks.len();
                chunks.resize(at + size, 0);
                stream.read_exact(&mut chunks[at..]).await?;
                if words.next() == Some("LAST") {
                    send.send(std::mem::take(&mut chunks)).unwrap();
                }
                "250 2.0.0 Ok\r\n".to_owned()
            }
            "QUIT" => return Ok(()),
            _ => "250 2.0.0 Ok\r\n".to_owned(),
        };
        stream.get_mut().write_all(said.as_bytes()).await?;
    }
}

/// Content that nobody should have to send.
fn horrors() -> Vec<Vec<u8>> {
    let long = "x".repeat(1 << 20);
    let mut all: Vec<Vec<u8>> = [
        "",
        "a",
        ".",
        "..",
        ".\r\n",
        "Subject: x\r\n\r\n.\r\n..\r\n.a\r\n.",
        "a\rb\r\rc\r",
        "a\nb\n\nc\n.\nd",
        "\r\n\r\n.\r\n\r.\n\n.\r",
        "\n.\r\nMAIL FROM:<evil@client.test>\r\n",
        "a\0b\r\n\0\r\n.\0\r\n",
        "gr\u{fc}n\r\n",
        " \r\n\t\r\n",
    ]
    .map(|it| it.as_bytes().to_vec())
    .to_vec();
    all.push(format!("Subject: long\r\n\r\n{long}\r\n.{long}").into_bytes());
    all.push(format!("Subject: {}\r\n\r\nx", ".".repeat(5000)).into_bytes());
    all.push((0..=255).cycle().take(100_000).collect());
    // What stands at the borders of runs and chunks: a store gives 10,000 octets at a time.
    for at in [
        997, 998, 999, 4095, 4096, 9998, 9999, 10_000, 16_383, 32_767,
    ] {
        for end in ["\r", "\n", "\r\n", "\r\n.", "\r.\r\n", ".\r\n"] {
            let line = "0123456789abcdef0123456789abcde\r\n";
            let mut content = line.repeat(at / line.len() + 1).into_bytes();
            content.truncate(at);
            content.extend_from_slice(end.as_bytes());
            content.extend_from_slice(b"behind\r\n");
            all.push(content);
        }
    }
    all
}

fn corpus(folder: &Path, into: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            corpus(&path, into);
        } else if path.extension().is_some_and(|it| it == "eml") {
            into.push(std::fs::read(path).unwrap());
        }
    }
}

/// The same with CRLF at the end of each line.
pub fn lines_of(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for line in text.split_inclusive(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        lines.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

/// The octets that are neither line ends nor blanks.
pub fn ink(octets: &[u8]) -> Vec<u8> {
    let blank = |b: &u8| matches!(b, b' ' | b'\r' | b'\n');
    octets.iter().copied().filter(|b| !blank(b)).collect()
}

/// The text that came over the wire, without what framed it; or what is wrong with its lines.
pub fn unframed(wire: &[u8], framing: Framing) -> Result<Vec<u8>, String> {
    if wire.is_empty() {
        return Ok(Vec::new());
    }
    if !wire.ends_with(b"\r\n") {
        return Err("the last line has no end".to_owned());
    }
    let mut plain = Vec::new();
    for line in wire[..wire.len() - 2].split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.contains(&b'\r') {
            return Err("a bare CR".to_owned());
        }
        let line = match framing {
            Framing::Chunks => line,
            Framing::Dots if line.starts_with(b".") && !line.starts_with(b"..") => {
                return Err("a dot that is not doubled".to_owned());
            }
            Framing::Dots => line.strip_prefix(b".").unwrap_or(line),
        };
        if line.len() > 998 {
            return Err(format!("a line of {} octets", line.len()));
        }
        plain.extend_from_slice(line);
        plain.extend_from_slice(b"\r\n");
    }
    let bare = |pair: &[u8]| pair[1] == b'\n' && pair[0] != b'\r';
    match wire[0] == b'\n' || wire.windows(2).any(bare) {
        true => Err("a bare LF".to_owned()),
        false => Ok(plain),
    }
}

/// What is wrong with what came over the wire for this content.
fn fault(content: &[u8], wire: &[u8], framing: Framing) -> Option<String> {
    if wire.is_empty() {
        return (!content.is_empty()).then(|| "nothing came".to_owned());
    }
    let plain = match unframed(wire, framing) {
        Ok(plain) => plain,
        Err(what) => return Some(what),
    };
    if ink(&plain) != ink(content) {
        return Some("other octets than there were".to_owned());
    }
    // What was clean before is what it was.
    let longest = content.split(|b| *b == b'\n').map(<[u8]>::len).max();
    let stray = |at: &usize| content[*at] == b'\r' && content.get(at + 1) != Some(&b'\n');
    let clean = longest <= Some(999) && !(0..content.len()).any(|at| stray(&at));
    (clean && plain != lines_of(content)).then(|| "another text than there was".to_owned())
}

/// All there is to send.
pub fn contents() -> Vec<Arc<Octets>> {
    let mut contents = horrors();
    match std::env::var_os("MAILCORE_CORPUS") {
        Some(folder) => corpus(folder.as_ref(), &mut contents),
        None => eprintln!("MAILCORE_CORPUS is unset: no real messages were sent"),
    }
    let kept = contents.into_iter().map(|it| Arc::new(Octets(it)));
    kept.collect()
}

#[tokio::test]
async fn what_goes_out_is_clean_and_whole_whatever_it_was_made_from() {
    let contents = contents();
    let mut wrong = Vec::new();
    for (lmtp, framing) in [
        (false, Framing::Dots),
        (false, Framing::Chunks),
        (true, Framing::Dots),
        (true, Framing::Chunks),
    ] {
        let extensions = match framing {
            Framing::Dots => "250-8BITMIME\r\n",
            Framing::Chunks => "250-8BITMIME\r\n250-CHUNKING\r\n",
        };
        let (port, mut messages) = recorder(extensions).await;
        let name = "client.test".parse().unwrap();
        let mut options = match lmtp {
            true => Options::lmtp(name),
            false => Options::smtp(name),
        };
        options.cache.on_demand = false;
        options.session.chunking = framing == Framing::Chunks;
        let transport = transport(options, Zone::default());
        for (n, content) in contents.iter().enumerate() {
            let hop = match lmtp {
                true => format!("inet:127.0.0.1:{port}"),
                false => format!("[127.0.0.1]:{port}"),
            };
            let mut job = job(&["b@example.test"], &hop);
            job.content = content.clone();
            let report = transport.deliver(&job).await;
            let sent = matches!(report.fates[0].action, Action::Relayed { .. });
            assert!(sent, "{n}: {:?}", report.fates[0]);
            let wire = messages.recv().await.unwrap();
            if let Some(what) = fault(&content.0, &wire, framing) {
                let start = content.0.get(..40).unwrap_or(&content.0).escape_ascii();
                wrong.push(format!("{framing:?} lmtp={lmtp} {n} \"{start}\": {what}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
