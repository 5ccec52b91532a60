//! A server that does as a test says, and remembers what it heard.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a peer of ours has heard, and what it says.
#[derive(Clone)]
pub struct Scripted {
    /// Its port.
    pub port: u16,
    heard: Arc<Mutex<Heard>>,
}

/// Everything that was said to it.
#[derive(Debug, Default, Clone)]
pub struct Heard {
    /// The commands, without their ends.
    pub commands: Vec<String>,
    /// The messages as they came over the wire, dots and all, without the line that ends them.
    pub messages: Vec<String>,
}

/// What it answers to a command in place of the usual.
type Says = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Scripted {
    /// One with these extensions that takes everything.
    pub fn start(extensions: &'static [&'static str]) -> Self {
        Self::saying(extensions, |_| None)
    }

    /// One that answers to commands, and to the end of a message (`.`), as it is told.
    pub fn saying(
        extensions: &'static [&'static str],
        says: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (notes, says): (_, Arc<Says>) = (Arc::clone(&heard), Arc::new(says));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (notes, says) = (Arc::clone(&notes), Arc::clone(&says));
                // Whoever hangs up has ended the conversation.
                std::thread::spawn(move || converse(stream, extensions, &notes, &*says));
            }
        });
        Self { port, heard }
    }

    /// What it has heard so far.
    pub fn heard(&self) -> Heard {
        self.heard.lock().unwrap().clone()
    }

    /// How many messages it has so far.
    pub fn count(&self) -> usize {
        self.heard.lock().unwrap().messages.len()
    }
}

fn converse(
    mut stream: TcpStream,
    extensions: &[&str],
    heard: &Mutex<Heard>,
    says: &Says,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    stream.write_all(b"220 scripted.test ESMTP\r\n")?;
    loop {
        let Some(command) = next(&mut lines)? else {
            return Ok(());
        };
        let command = command.trim_end_matches("\r\n").to_owned();
        heard.lock().unwrap().commands.push(command.clone());
        let reply = says(&command).unwrap_or_else(|| usual(&command, extensions));
        stream.write_all(format!("{reply}\r\n").as_bytes())?;
        if reply.starts_with("221") || reply.starts_with("421") {
            return Ok(());
        }
        if !reply.starts_with("354") {
            continue;
        }
        let mut message = String::new();
        loop {
            match next(&mut lines)? {
                None => return Ok(()),
                Some(line) if line == ".\r\n" => break,
                Some(line) => message.push_str(&line),
            }
        }
        let reply = says(".").unwrap_or_else(|| "250 2.0.0 Ok: taken".to_owned());
        if reply.starts_with('2') {
            heard.lock().unwrap().messages.push(message);
        }
        stream.write_all(format!("{reply}\r\n").as_bytes())?;
    }
}

fn next(lines: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    let read = lines.read_until(b'\n', &mut line)?;
    Ok((read > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
}

fn usual(command: &str, extensions: &[&str]) -> String {
    match command.split([' ', ':']).next().unwrap_or_default() {
        "EHLO" => {
            let lines = extensions.iter().map(|it| format!("250-{it}\r\n"));
            format!("250-scripted.test\r\n{}250 HELP", lines.collect::<String>())
        }
        "DATA" => "354 go on".to_owned(),
        "QUIT" => "221 2.0.0 bye".to_owned(),
        _ => "250 2.1.0 Ok".to_owned(),
    }
}
