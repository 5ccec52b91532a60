//! A zone file that is read again when it changes. One that makes no sense leaves the records before it in force, and
//! the log says so once, with file and line.

use super::{Zone, ZoneError};
use crate::dns::{Address, Answer, DnsError, Exchange, Family, Resolve, Tlsa};
use crate::reread::{Read, Reread};
use async_trait::async_trait;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Fixed records, as the file has them now.
#[derive(Debug)]
pub struct ZoneFile {
    file: Reread<Zone, ZoneError>,
}

impl ZoneFile {
    /// Reads a zone file of at most 64 MiB. Touches the file: call it where blocking is allowed. So does each look-up,
    /// which reads the file where it has changed.
    ///
    /// # Errors
    /// When it cannot be read or makes no sense; with file and line.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, ZoneError> {
        let file = Reread::open("zone", path.into(), load)?;
        Ok(Self { file })
    }

    /// The records as they are now.
    pub fn zone(&self) -> Arc<Zone> {
        self.file.now()
    }
}

fn load(path: &Path) -> Result<Read<Zone>, ZoneError> {
    Ok((Zone::open(path)?, Vec::new()))
}

#[async_trait]
impl Resolve for ZoneFile {
    async fn mx(&self, domain: &str) -> Result<Answer<Exchange>, DnsError> {
        self.zone().mx(domain).await
    }

    async fn addresses(&self, host: &str, family: Family) -> Result<Answer<Address>, DnsError> {
        self.zone().addresses(host, family).await
    }

    async fn txt(&self, name: &str) -> Result<Answer<Vec<u8>>, DnsError> {
        self.zone().txt(name).await
    }

    async fn ptr(&self, address: IpAddr) -> Result<Answer<String>, DnsError> {
        self.zone().ptr(address).await
    }

    async fn tlsa(&self, name: &str) -> Result<Answer<Tlsa>, DnsError> {
        self.zone().tlsa(name).await
    }

    async fn ns(&self, domain: &str) -> Result<Answer<String>, DnsError> {
        self.zone().ns(domain).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn exchangers(file: &ZoneFile) -> Vec<String> {
        let answer = file.mx("a.test").await.unwrap();
        let found = answer.into_found().unwrap();
        found.into_iter().map(|it| it.host).collect()
    }

    #[test]
    fn what_is_wrong_is_told_on_one_line() {
        let error = "a.test. F\0A\u{1b}[2JIL x".parse::<Zone>().unwrap_err();
        let said = error.to_string();
        assert!(!said.contains(char::is_control), "{said:?}");
    }

    #[tokio::test]
    async fn a_changed_zone_holds_at_once_and_a_broken_one_never() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |text: &str| std::fs::write(file.path(), text).unwrap();
        write("a.test. MX 10 one.a.test.\n");
        let zone = ZoneFile::open(file.path()).unwrap();
        assert_eq!(exchangers(&zone).await, ["one.a.test"]);
        write("a.test. MX 10 two.a.test.\n");
        assert_eq!(exchangers(&zone).await, ["two.a.test"]);
        for broken in ["a.test. MXX 10 three.a.test.\n", "a.test. (", "\u{0}"] {
            write(broken);
            assert_eq!(exchangers(&zone).await, ["two.a.test"], "{broken:?}");
        }
        std::fs::remove_file(file.path()).unwrap();
        assert_eq!(exchangers(&zone).await, ["two.a.test"]);
        write("a.test. MX 10 four.a.test.\n");
        assert_eq!(exchangers(&zone).await, ["four.a.test"]);
    }
}
