//! The network: in memory, in stopped time. It refuses connections, loses them after any octet, falls silent, or is slow,
//! as the seed has it, and gets over it after so many connections to one address.

use crate::chance::Chance;
use crate::power::Power;
use crate::remote::Others;
use crate::server::Server;
use async_trait::async_trait;
use mailcore::net::Socket;
use mailcore::net::connect::{Dial, Options, Place};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::sleep;

/// So many connections to an address may go wrong in a life; then it is well.
const TROUBLED: u64 = 10;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Fair,
    Refused,
    /// Nobody answers, not even to refuse.
    Void,
    /// It is gone after so many octets, both ways together.
    Lost(u64),
    /// After so many octets nothing passes any more, and nobody says so.
    Silent(u64),
    /// Each reply takes so long.
    Slow(Duration),
}

/// The network, as our side dials into it. Clones are the same.
#[derive(Debug, Clone)]
pub struct Network {
    chance: Chance,
    dialled: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Network {
    pub fn new(chance: &Chance) -> Self {
        Self {
            chance: chance.split("network"),
            dialled: Arc::default(),
        }
    }

    fn weather(&self, at: &str) -> Weather {
        let mut dialled = self.dialled.lock().unwrap();
        let count = dialled.entry(at.to_owned()).or_default();
        *count += 1;
        let mut chance = self.chance.split(&format!("{at} {count}"));
        if *count > TROUBLED || !chance.once_in(2) {
            return Weather::Fair;
        }
        // A whole small transaction has some 700 octets, its content included; the last of them are the likeliest trouble.
        let octets = chance.below(1_400);
        match chance.below(8) {
            0 => Weather::Refused,
            1 => Weather::Void,
            2..5 => Weather::Lost(octets),
            5 | 6 => Weather::Silent(octets),
            _ => Weather::Slow(Duration::from_millis(500 + chance.below(30_000))),
        }
    }
}

/// One start's way into it.
#[derive(Debug)]
pub struct Cable {
    pub network: Network,
    pub others: Others,
    pub power: Power,
}

#[async_trait]
impl Dial for Cable {
    async fn dial(&self, place: &Place, _: &Options) -> io::Result<Socket> {
        let Place::Tcp(at) = place else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let weather = self.network.weather(&at.to_string());
        let line = format!("dials {at}: {weather:?}");
        self.power.journal.note(self.power.moment(), line);
        sleep(Duration::from_millis(20)).await;
        match weather {
            Weather::Refused => return Err(io::ErrorKind::ConnectionRefused.into()),
            Weather::Void => std::future::pending::<()>().await,
            _ => {}
        }
        let (near, far) = duplex(16 * 1024);
        let server = Server::new(Wire::new(far, weather), &self.others, &self.power);
        tokio::spawn(async move {
            // That a connection ends in the midst is what this is for.
            let _ = server.serve().await;
        });
        Ok(Socket::Pipe(Box::new(near)))
    }
}

/// The server's end of a connection, with the weather on it.
#[derive(Debug)]
pub struct Wire {
    stream: DuplexStream,
    weather: Weather,
    passed: u64,
    read: Vec<u8>,
}

impl Wire {
    fn new(stream: DuplexStream, weather: Weather) -> Self {
        Self {
            stream,
            weather,
            passed: 0,
            read: Vec::new(),
        }
    }

    /// How many of `wanted` octets still pass.
    fn passes(&mut self, wanted: usize) -> usize {
        let left = match self.weather {
            Weather::Lost(most) | Weather::Silent(most) => most.saturating_sub(self.passed),
            _ => u64::MAX,
        };
        let passing = usize::try_from(left).unwrap_or(usize::MAX).min(wanted);
        self.passed += passing as u64;
        passing
    }

    /// Nothing passes any more.
    async fn end(&mut self) -> io::Error {
        if let Weather::Silent(_) = self.weather {
            // Until our side gives up: what it sends meanwhile is lost on the way.
            let mut rest = [0; 1024];
            while self.stream.read(&mut rest).await.is_ok_and(|n| n > 0) {}
        }
        io::ErrorKind::ConnectionReset.into()
    }

    /// The next line, with its end.
    pub async fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = self.read.iter().position(|octet| *octet == b'\n') {
                return Ok(self.read.drain(..=end).collect());
            }
            let mut some = [0; 1024];
            let n = self.stream.read(&mut some).await?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let passing = self.passes(n);
            self.read.extend_from_slice(&some[..passing]);
            if passing < n {
                return Err(self.end().await);
            }
        }
    }

    /// Sends all of it, or fails: then the other side has not heard all.
    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        if let Weather::Slow(pause) = self.weather {
            sleep(pause).await;
        }
        let passing = self.passes(text.len());
        self.stream.write_all(&text.as_bytes()[..passing]).await?;
        match passing == text.len() {
            true => Ok(()),
            false => Err(self.end().await),
        }
    }
}
