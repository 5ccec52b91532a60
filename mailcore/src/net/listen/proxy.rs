//! The PROXY protocol, versions 1 and 2 (haproxy's `proxy-protocol.txt`): a load balancer's word on whom a
//! connection comes from. Believed only where the balancer is trusted; never reads an octet behind it.

use crate::net::socket::canonical;
use crate::net::{Peer, Route};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::io::{AsyncRead, AsyncReadExt};

/// §2.2: the first octets of version 2.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// §2.1: the longest line of version 1, CRLF included.
const LONGEST_LINE: usize = 107;
/// Longest block of version 2 that is read, in octets; what a balancer adds about TLS is far below it.
const LONGEST_BLOCK: usize = 4096;

/// What a header said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Header {
    /// Whom the connection comes from.
    Route(Route),
    /// The balancer's own connection (a health check), or a kind of address that is not known.
    Own,
}

#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    /// At least so many octets are missing.
    Missing(usize),
    /// All of it was there.
    Whole(Header),
}

/// Not a PROXY header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a PROXY header")]
struct Malformed;

/// Reads the header and not an octet more; 4112 octets at most. It waits as long as the connection does.
///
/// # Errors
/// When there is none, or the connection breaks.
pub async fn read(connection: &mut (impl AsyncRead + Unpin)) -> io::Result<Header> {
    let mut header = Vec::new();
    loop {
        let parsed =
            parse(&header).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let missing = match parsed {
            Parsed::Whole(header) => return Ok(header),
            Parsed::Missing(missing) => missing,
        };
        let had = header.len();
        header.resize(had + missing, 0);
        let room = header.get_mut(had..).unwrap_or_default();
        connection.read_exact(room).await?;
    }
}

fn parse(header: &[u8]) -> Result<Parsed, Malformed> {
    let Some((first, rest)) = header.split_at_checked(SIGNATURE.len()) else {
        // Both versions are longer.
        return Ok(Parsed::Missing(SIGNATURE.len() - header.len()));
    };
    if first == SIGNATURE {
        parse_block(rest)
    } else if first.starts_with(b"PROXY ") {
        parse_line(header)
    } else {
        Err(Malformed)
    }
}

/// Version 1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n`
fn parse_line(header: &[u8]) -> Result<Parsed, Malformed> {
    let Some(line) = header.strip_suffix(b"\r\n") else {
        return match header.last() {
            Some(b'\n') => Err(Malformed),
            _ if header.len() + 1 > LONGEST_LINE => Err(Malformed),
            Some(b'\r') => Ok(Parsed::Missing(1)),
            _ if header.len() + 2 > LONGEST_LINE => Err(Malformed),
            _ => Ok(Parsed::Missing(2)),
        };
    };
    let line = std::str::from_utf8(line).map_err(|_| Malformed)?;
    let mut words = line.split(' ').skip(1);
    let v4 = match words.next() {
        Some("UNKNOWN") => return Ok(Parsed::Whole(Header::Own)),
        Some("TCP4") => true,
        Some("TCP6") => false,
        _ => return Err(Malformed),
    };
    let (from, to) = (address(words.next(), v4)?, address(words.next(), v4)?);
    let (from_port, to_port) = (port(words.next())?, port(words.next())?);
    if words.next().is_some() {
        return Err(Malformed);
    }
    Ok(Parsed::Whole(route(
        SocketAddr::new(from, from_port),
        SocketAddr::new(to, to_port),
    )))
}

fn address(word: Option<&str>, v4: bool) -> Result<IpAddr, Malformed> {
    let address: IpAddr = word.and_then(|word| word.parse().ok()).ok_or(Malformed)?;
    (address.is_ipv4() == v4)
        .then_some(address)
        .ok_or(Malformed)
}

fn port(word: Option<&str>) -> Result<u16, Malformed> {
    let word = word.ok_or(Malformed)?;
    let digits = word.bytes().all(|octet| octet.is_ascii_digit());
    digits.then(|| word.parse().ok()).flatten().ok_or(Malformed)
}

/// Version 2, behind the signature: version and command, family, length, addresses, additions.
fn parse_block(rest: &[u8]) -> Result<Parsed, Malformed> {
    let Some((&[command, family, high, low], block)) = rest.split_first_chunk() else {
        return Ok(Parsed::Missing(4 - rest.len()));
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST_BLOCK || command >> 4 != 2 {
        return Err(Malformed);
    }
    if block.len() < length {
        return Ok(Parsed::Missing(length - block.len()));
    }
    let header = match (command & 0xf, family) {
        (0, _) => Header::Own,
        (1, 0x11) => {
            let (from, block) = split::<4>(block)?;
            let (to, block) = split::<4>(block)?;
            let (from, to) = (Ipv4Addr::from(from), Ipv4Addr::from(to));
            with_ports(from.into(), to.into(), block)?
        }
        (1, 0x21) => {
            let (from, block) = split::<16>(block)?;
            let (to, block) = split::<16>(block)?;
            let (from, to) = (Ipv6Addr::from(from), Ipv6Addr::from(to));
            with_ports(from.into(), to.into(), block)?
        }
        // Unix, datagrams, unspecified: nothing that we could go by.
        (1, _) => Header::Own,
        _ => return Err(Malformed),
    };
    Ok(Parsed::Whole(header))
}

fn with_ports(from: IpAddr, to: IpAddr, block: &[u8]) -> Result<Header, Malformed> {
    let (from_port, block) = split::<2>(block)?;
    let (to_port, _) = split::<2>(block)?;
    Ok(route(
        SocketAddr::new(from, u16::from_be_bytes(from_port)),
        SocketAddr::new(to, u16::from_be_bytes(to_port)),
    ))
}

fn split<const N: usize>(block: &[u8]) -> Result<([u8; N], &[u8]), Malformed> {
    let (first, rest) = block.split_first_chunk::<N>().ok_or(Malformed)?;
    Ok((*first, rest))
}

fn route(from: SocketAddr, to: SocketAddr) -> Header {
    Header::Route(Route {
        peer: Peer::Tcp(canonical(from)),
        local: Peer::Tcp(canonical(to)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is read of `bytes`, and what is left.
    fn read_of(mut bytes: &[u8]) -> (io::Result<Header>, &[u8]) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let header = runtime.block_on(read(&mut bytes));
        (header, bytes)
    }

    fn from(peer: &str, local: &str) -> Header {
        route(peer.parse().unwrap(), local.parse().unwrap())
    }

    fn block(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut all = SIGNATURE.to_vec();
        all.extend([command, family]);
        all.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
        all.extend(rest);
        all
    }

    #[test]
    fn a_line_is_read_and_nothing_behind_it() {
        let (header, left) = read_of(b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\nEHLO x\r\n");
        assert_eq!(header.unwrap(), from("192.0.2.1:56324", "198.51.100.1:25"));
        assert_eq!(left, b"EHLO x\r\n");
        let (header, left) = read_of(b"PROXY TCP6 2001:db8::1 ::1 1 65535\r\n\r\n");
        assert_eq!(header.unwrap(), from("[2001:db8::1]:1", "[::1]:65535"));
        assert_eq!(left, b"\r\n");
        let (header, left) = read_of(b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\nx");
        assert_eq!((header.unwrap(), left), (Header::Own, &b"x"[..]));
    }

    #[test]
    fn a_block_is_read_with_its_additions_and_nothing_behind_it() {
        let mut bytes = block(
            0x21,
            0x11,
            b"\xc0\0\x02\x01\xc6\x33\x64\x01\xdc\x04\0\x19\x20\0\x01x",
        );
        bytes.extend(b"EHLO");
        let (header, left) = read_of(&bytes);
        assert_eq!(header.unwrap(), from("192.0.2.1:56324", "198.51.100.1:25"));
        assert_eq!(left, b"EHLO");
        let (header, _) = read_of(&block(0x20, 0, b""));
        assert_eq!(header.unwrap(), Header::Own);
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bad in [
            &b"EHLO example.org\r\n"[..],
            b"PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n",
            b"PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 +1 25\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 1 25 x\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 1 25\n\r\n",
            &block(0x31, 0x11, &[0; 12]),
            &block(0x22, 0x11, &[0; 12]),
            &block(0x21, 0x11, &[0; 11]),
            &block(0x21, 0x11, &[0; 5000]),
            &b"PROXY TCP4 ".repeat(20),
        ] {
            assert!(read_of(bad).0.is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            for start in [&b""[..], b"PROXY TCP4 ", SIGNATURE] {
                let _ = read_of(&[start, &tail].concat());
            }
        }
    }
}
