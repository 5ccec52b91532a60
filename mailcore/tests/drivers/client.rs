//! A client's side of a conversation, whatever the protocol: lines said, replies heard, TLS put up, logins made.

use crate::world::{CERTIFICATE, Calls, HOST};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailcore::net::Stream;
use mailcore::net::tls::{self, Side};
use mailcore::sasl::client::{Credentials, Exchange, Materials};
use mailcore::sasl::{Bindings, Mechanism, Nonce, Offer};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};

pub struct Client {
    calls: Calls,
    stream: BufReader<Stream<DuplexStream>>,
}

impl Client {
    pub fn new(calls: Calls, pipe: DuplexStream) -> Self {
        let trusted = tls::trusting([CERTIFICATE.chain()[0].clone()]).unwrap();
        let side = Side::Connect(Arc::new(trusted), HOST.to_owned().try_into().unwrap());
        Self {
            calls,
            stream: BufReader::new(Stream::new(pipe, side)),
        }
    }

    /// Says octets as they are.
    pub async fn send(&mut self, octets: &str) {
        self.stream.write_all(octets.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next line, without its end; empty at the end of the connection.
    pub async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    /// The next reply, its lines joined by LF: of SMTP up to its last line, of IMAP up to a line with the tag `a` or
    /// a continuation, of POP3 one line.
    pub async fn reply(&mut self) -> String {
        let mut all: Vec<String> = Vec::new();
        loop {
            let line = self.line().await;
            let last = line.is_empty()
                || match self.calls {
                    Calls::Imap => line.starts_with("a ") || line.starts_with('+'),
                    Calls::Pop3 => true,
                    _ => line.get(3..4) == Some(" "),
                };
            all.push(line);
            if last {
                return all.join("\n");
            }
        }
    }

    /// Says a line and hears its reply. Lines of IMAP begin with the tag `a`.
    pub async fn say(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r\n")).await;
        self.reply().await
    }

    /// Reads the greeting; SMTP and LMTP are greeted back.
    pub async fn greet(&mut self) {
        let greeting = self.line().await;
        match self.calls {
            Calls::Imap => assert!(greeting.starts_with("* OK "), "{greeting}"),
            Calls::Pop3 => assert!(greeting.starts_with("+OK "), "{greeting}"),
            Calls::Lmtp => assert!(self.say("LHLO client.test").await.contains("250")),
            _ => assert!(self.say("EHLO client.test").await.contains("250")),
        }
    }

    /// Puts TLS up, by the protocol's own command.
    pub async fn secured(mut self) -> Self {
        let said = match self.calls {
            Calls::Imap => self.say("a STARTTLS").await,
            Calls::Pop3 => self.say("STLS").await,
            _ => self.say("STARTTLS").await,
        };
        let expected = ["a OK", "+OK", "220 2.0.0"];
        assert!(expected.iter().any(|e| said.starts_with(e)), "{said}");
        self.stream.get_mut().secure().await.unwrap();
        if !matches!(self.calls, Calls::Imap | Calls::Pop3) {
            assert!(self.say("EHLO client.test").await.contains("250"));
        }
        self
    }

    /// Logs in by a SASL mechanism; the last line that is heard.
    pub async fn authenticate(
        &mut self,
        mechanism: Mechanism,
        name: &str,
        password: &str,
    ) -> String {
        let mut nonce = [0; 18];
        nonce[0] = name.len() as u8;
        let mut materials = Materials::new(Nonce::from_random(nonce), Offer::all());
        if let Some(facts) = self.stream.get_ref().tls() {
            let mut bindings = Bindings::default();
            bindings.tls_exporter = facts.exporter;
            bindings.tls_server_end_point = facts.end_point;
            materials.bindings = bindings;
        }
        let credentials = Credentials::password(name, password);
        let mut exchange = Exchange::start(mechanism, &credentials, materials).unwrap();
        let initial = exchange.initial().map(|m| STANDARD.encode(&*m));
        let (before, challenge) = match self.calls {
            Calls::Imap => ("a AUTHENTICATE", "+ "),
            Calls::Pop3 => ("AUTH", "+ "),
            _ => ("AUTH", "334 "),
        };
        let initial = initial.map(|i| format!(" {i}")).unwrap_or_default();
        let mut said = self.say(&format!("{before} {mechanism}{initial}")).await;
        while let Some(octets) = said.strip_prefix(challenge) {
            let octets = STANDARD.decode(octets).unwrap();
            let response = exchange.respond(&octets).expect("the server is honest");
            said = self.say(&STANDARD.encode(&*response)).await;
        }
        if said.contains("235 ") || said.contains("a OK") || said.starts_with("+OK") {
            exchange.accepted().expect("the server has proved itself");
        }
        said
    }

    /// Sends a message to recipients that are all taken; the lines heard after the dot, `replies` of them.
    pub async fn deliver(&mut self, recipients: &[&str], replies: usize) -> Vec<String> {
        assert!(
            self.say("MAIL FROM:<sender@client.test>")
                .await
                .starts_with("250")
        );
        for recipient in recipients {
            let said = self.say(&format!("RCPT TO:<{recipient}>")).await;
            assert!(said.starts_with("250"), "{said}");
        }
        let said = self.say("DATA").await;
        if !said.starts_with("354") {
            return vec![said];
        }
        self.send("Message-ID: <1@client.test>\r\nSubject: hi\r\n\r\nFirst mail.\r\n.\r\n")
            .await;
        let mut heard = Vec::new();
        for _ in 0..replies {
            heard.push(self.reply().await);
        }
        heard
    }

    /// Says goodbye and reads to the end.
    pub async fn leave(mut self) -> String {
        let goodbye = match self.calls {
            Calls::Imap => "a LOGOUT\r\n",
            _ => "QUIT\r\n",
        };
        self.send(goodbye).await;
        let mut rest = String::new();
        // TLS may end without its closing word: what was said before it counts.
        let _ = self.stream.read_to_string(&mut rest).await;
        rest
    }
}
