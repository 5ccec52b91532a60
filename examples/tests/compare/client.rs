//! An IMAP client that understands what it reads as far as comparing takes: values, whatever way they were written.

use std::fmt;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A value of a response. Quoted string and literal are the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    Nil,
    Atom(String),
    Text(Vec<u8>),
    List(Vec<Value>),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("NIL"),
            Self::Atom(atom) => f.write_str(atom),
            Self::Text(text) => write!(f, "\"{}\"", text.escape_ascii()),
            Self::List(list) => {
                f.write_str("(")?;
                for (at, value) in list.iter().enumerate() {
                    let space = if at > 0 { " " } else { "" };
                    write!(f, "{space}{value:?}")?;
                }
                f.write_str(")")
            }
        }
    }
}

impl Value {
    pub fn number(&self) -> Option<u32> {
        match self {
            Self::Atom(atom) => atom.parse().ok(),
            _ => None,
        }
    }

    pub fn is(&self, word: &str) -> bool {
        matches!(self, Self::Atom(atom) if atom.eq_ignore_ascii_case(word))
    }

    pub fn list(&self) -> &[Value] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }
}

/// What a server answers to a command.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Untagged responses with values; those with texts for people are left out.
    pub told: Vec<Vec<Value>>,
    /// `OK`, `NO` or `BAD`.
    pub end: String,
    /// The text behind it.
    pub words: String,
}

impl Answer {
    /// `OK`, `NO`, `BAD` with the response code, if that says what went wrong.
    pub fn verdict(&self) -> String {
        let code = self
            .words
            .strip_prefix('[')
            .and_then(|w| w.split_once([']', ' ']));
        let telling = ["BADCHARSET", "UNKNOWN-CTE", "PARSE", "NOMODSEQ"];
        match code {
            Some((code, _)) if telling.contains(&code) => format!("{} {code}", self.end),
            _ => self.end.clone(),
        }
    }
}

/// The server hung up.
#[derive(Debug)]
pub struct Gone;

pub struct Client {
    reader: BufReader<TcpStream>,
    stream: TcpStream,
    /// Commands sent, and commands answered.
    tags: u32,
    answered: u32,
}

impl Client {
    /// Connects and logs in; a server that is silent for longer than `patience` fails the test.
    pub fn login(port: u16, user: &str, password: &str, patience: Duration) -> Self {
        let mut client = Self::connect(port, patience).unwrap();
        let answer = client.ask(format!("LOGIN {user} {password}").as_bytes());
        assert_eq!(answer.end, "OK", "{}", answer.words);
        client
    }

    /// Connects and is greeted, if anybody is there.
    pub fn connect(port: u16, patience: Duration) -> Result<Self, Gone> {
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|_| Gone)?;
        stream.set_read_timeout(Some(patience)).unwrap();
        stream.set_write_timeout(Some(patience)).unwrap();
        stream.set_nodelay(true).unwrap();
        let reader = BufReader::with_capacity(256 * 1024, stream.try_clone().unwrap());
        let mut client = Self {
            reader,
            stream,
            tags: 0,
            answered: 0,
        };
        client.line()?;
        Ok(client)
    }

    /// Sends a command without its tag and line end; literals in it need `{n+}`.
    pub fn send(&mut self, command: &[u8]) {
        self.tags += 1;
        let line = [format!("t{} ", self.tags).as_bytes(), command, b"\r\n"].concat();
        // Who has hung up is heard of when the answer is read.
        let _ = self.stream.write_all(&line);
    }

    /// The answer to the command that is the oldest without one; it ends with `BYE` if the server hangs up.
    pub fn answer(&mut self) -> Answer {
        let mut answer = Answer::default();
        self.answered += 1;
        if let Err(Gone) = self.read(&mut answer) {
            "BYE".clone_into(&mut answer.end);
        }
        answer
    }

    pub fn ask(&mut self, command: &[u8]) -> Answer {
        self.send(command);
        self.answer()
    }

    fn read(&mut self, answer: &mut Answer) -> Result<(), Gone> {
        loop {
            let first = self.word()?;
            let tagged = first.starts_with('t');
            let in_turn = first == "*" || first == format!("t{}", self.answered);
            assert!(in_turn, "{first:?} in the answer to t{}", self.answered);
            self.skip(b' ')?;
            let second = self.word()?;
            if ["OK", "NO", "BAD", "BYE", "PREAUTH"].contains(&second.as_str()) {
                self.line()?.trim_start().clone_into(&mut answer.words);
                if second == "BYE" {
                    return Err(Gone);
                }
                if tagged {
                    answer.end = second;
                    return Ok(());
                }
                continue;
            }
            let mut told = vec![Value::Atom(second)];
            while self.peek()? != b'\r' {
                if !self.skip(b' ')? || self.peek()? != b'\r' {
                    told.push(self.value()?);
                }
            }
            self.line()?;
            answer.told.push(told);
        }
    }

    fn peek(&mut self) -> Result<u8, Gone> {
        let filled = match self.reader.fill_buf() {
            Ok(filled) => filled,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Err(Gone),
            Err(error) => panic!("the server is silent: {error}"),
        };
        filled.first().copied().ok_or(Gone)
    }

    fn next(&mut self) -> Result<u8, Gone> {
        let octet = self.peek()?;
        self.reader.consume(1);
        Ok(octet)
    }

    fn skip(&mut self, octet: u8) -> Result<bool, Gone> {
        let there = self.peek()? == octet;
        if there {
            self.reader.consume(1);
        }
        Ok(there)
    }

    fn line(&mut self) -> Result<String, Gone> {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            line.push(self.next()?);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// An atom; what stands in brackets is part of it, blanks and all.
    fn word(&mut self) -> Result<String, Gone> {
        let mut word = Vec::new();
        let mut deep = false;
        loop {
            match self.peek()? {
                b'\r' | b'\n' => break,
                b' ' | b'(' | b')' if !deep => break,
                octet => {
                    deep = deep && octet != b']' || octet == b'[';
                    word.push(octet);
                    self.reader.consume(1);
                }
            }
        }
        Ok(String::from_utf8_lossy(&word).into_owned())
    }

    fn value(&mut self) -> Result<Value, Gone> {
        match self.peek()? {
            b'(' => {
                self.reader.consume(1);
                let mut list = Vec::new();
                while !self.skip(b')')? {
                    if !self.skip(b' ')? {
                        list.push(self.value()?);
                    }
                }
                Ok(Value::List(list))
            }
            b'"' => {
                self.reader.consume(1);
                let mut text = Vec::new();
                loop {
                    match self.next()? {
                        b'"' => return Ok(Value::Text(text)),
                        b'\\' => text.push(self.next()?),
                        octet => text.push(octet),
                    }
                }
            }
            b'{' => self.literal(),
            b'~' => {
                self.reader.consume(1);
                self.literal()
            }
            _ => {
                let word = self.word()?;
                assert!(!word.is_empty(), "no value but {:?}", self.line());
                Ok(if word == "NIL" {
                    Value::Nil
                } else {
                    Value::Atom(word)
                })
            }
        }
    }

    fn literal(&mut self) -> Result<Value, Gone> {
        let line = self.line()?;
        let size = line.trim_start_matches('{').trim_end_matches('}').parse();
        let mut text = vec![0; size.unwrap_or_else(|_| panic!("{line:?} is no literal"))];
        self.reader.read_exact(&mut text).map_err(|_| Gone)?;
        Ok(Value::Text(text))
    }
}
