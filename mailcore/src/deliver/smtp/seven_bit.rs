//! Content that fits through seven bits, for servers without 8BITMIME: converted while it is read, never held whole.

use crate::deliver::content::Runs;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use mailcore_base::message::{Limits, Scanner, SevenBit};
use mailcore_store::body::Body;
use mailcore_store::{Error, Kind, Result};
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Converted content. It is cheap to read onwards; whoever reads back begins anew.
#[derive(Debug)]
pub(super) struct Converted {
    below: Arc<dyn Body>,
    plan: SevenBit,
    len: u64,
    reading: Mutex<Reading>,
}

/// Where reading stands.
#[derive(Debug)]
struct Reading {
    /// What has been read of the content below.
    below: u64,
    writer: Option<SevenBit>,
    /// What has been converted and not yet read.
    held: BytesMut,
    /// Where that begins.
    at: u64,
}

impl Reading {
    fn begin(plan: &SevenBit) -> Self {
        Self {
            below: 0,
            writer: Some(plan.begin()),
            held: BytesMut::new(),
            at: 0,
        }
    }
}

impl Converted {
    /// Reads the content three times: for its structure, for eighth bits, and for what it will be in size.
    ///
    /// # Errors
    /// When the content cannot be read.
    pub(super) async fn of(below: Arc<dyn Body>) -> Result<Self> {
        let mut scanner = Scanner::new(Limits::default());
        let mut runs = Runs::new(&*below);
        while let Some(run) = runs.next().await? {
            scanner.feed(&run);
        }
        let mut plan = SevenBit::of(&scanner.finish());
        let mut runs = Runs::new(&*below);
        while let Some(run) = runs.next().await? {
            plan.look(&run);
        }
        let (mut writer, mut out, mut len) = (plan.begin(), Vec::new(), 0);
        let mut runs = Runs::new(&*below);
        while let Some(run) = runs.next().await? {
            writer.feed(&run, &mut out);
            len += out.len() as u64;
            out.clear();
        }
        writer.finish(&mut out);
        len += out.len() as u64;
        let reading = Mutex::new(Reading::begin(&plan));
        Ok(Self {
            below,
            plan,
            len,
            reading,
        })
    }

    /// Converts another run.
    async fn go_on(&self, reading: &mut Reading) -> Result<()> {
        let Some(writer) = &mut reading.writer else {
            return Err(Error::new(Kind::Corrupt, "content ends before its end"));
        };
        let mut out = Vec::new();
        let mut runs = Runs::from(&*self.below, reading.below);
        match runs.next().await? {
            Some(run) => {
                reading.below += run.len() as u64;
                writer.feed(&run, &mut out);
            }
            None => {
                if let Some(writer) = reading.writer.take() {
                    writer.finish(&mut out);
                }
            }
        }
        reading.held.extend_from_slice(&out);
        Ok(())
    }
}

#[async_trait]
impl Body for Converted {
    fn len(&self) -> u64 {
        self.len
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let mut reading = self.reading.lock().await;
        if range.start < reading.at {
            *reading = Reading::begin(&self.plan);
        }
        let range = range.start..range.end.min(self.len);
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        loop {
            let skip = usize::try_from(range.start - reading.at).unwrap_or(usize::MAX);
            let skip = skip.min(reading.held.len());
            let _ = reading.held.split_to(skip);
            reading.at += skip as u64;
            if reading.at == range.start && !reading.held.is_empty() {
                break;
            }
            self.go_on(&mut reading).await?;
        }
        let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let n = wanted.min(reading.held.len());
        reading.at += n as u64;
        Ok(reading.held.split_to(n).freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::content::tests::Pieces;

    #[tokio::test]
    async fn it_is_as_long_as_it_says_wherever_it_is_read_from() {
        let message = format!("Subject: hi\r\n\r\n{}", "gr\u{fc}n \r\n".repeat(20_000));
        let converted = Converted::of(Arc::new(Pieces(message.into_bytes(), 5000)))
            .await
            .unwrap();
        let mut whole = Vec::new();
        while (whole.len() as u64) < converted.len() {
            let at = whole.len() as u64;
            let run = converted.read(at..at + 7000).await.unwrap();
            assert!(!run.is_empty() && run.len() <= 7000);
            whole.extend_from_slice(&run);
        }
        assert!(whole.is_ascii() && whole.ends_with(b"gr=C3=BCn=20\r\n"));
        let end = whole.len() as u64;
        assert!(converted.read(end..end + 1).await.unwrap().is_empty());
        for at in [0, 100_000, 5, 99_999] {
            let run = converted.read(at..at + 10).await.unwrap();
            let at = at as usize;
            assert!(!run.is_empty());
            assert_eq!(run, &whole[at..at + run.len()]);
        }
    }
}
