//! PROXY headers: read or refused, the same in any pieces, bounded, and never an octet behind the header.

use crate::Choices;
use mailcore::net::Peer;
use mailcore::net::listen::proxy::{Header, read};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, ReadBuf};

/// The longest header: version 2's signature, its four octets, and the block behind them.
const LONGEST: usize = 16 + 4096;

/// Octets that come in pieces, and then no more.
struct Pieces<'i> {
    left: &'i [u8],
    size: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let n = self.size.min(self.left.len()).min(into.remaining());
        let (now, later) = self.left.split_at(n);
        into.put_slice(now);
        self.left = later;
        Poll::Ready(Ok(()))
    }
}

/// The header, and how many octets were read for it.
fn read_of(input: &[u8], size: usize) -> (Result<Header, io::ErrorKind>, usize) {
    let mut from = Pieces { left: input, size };
    let mut cx = Context::from_waker(Waker::noop());
    let header = match pin!(read(&mut from)).poll(&mut cx) {
        Poll::Ready(header) => header.map_err(|error| error.kind()),
        Poll::Pending => panic!("it waits for what there is"),
    };
    (header, input.len() - from.left.len())
}

/// The input is what a connection begins with; its last octet says in what pieces.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let size = 1 + choices.below(64);
    let input = choices.rest();
    let (header, used) = read_of(input, usize::MAX);
    for size in [1, size] {
        assert_eq!(read_of(input, size), (header.clone(), used));
    }
    assert!(used <= LONGEST, "{used} octets of a header");
    let (Some(own), Ok(header)) = (input.get(..used), header) else {
        return;
    };
    // What follows is not read, and what is missing cannot be done without.
    let more = [own, b"\r\nEHLO client.test\r\n"].concat();
    assert_eq!(read_of(&more, size), (Ok(header.clone()), used));
    for cut in 0..used {
        let (short, _) = read_of(&own[..cut], usize::MAX);
        assert!(short.is_err(), "{cut} of {used} octets were enough");
    }
    if let Header::Route(route) = header {
        let (Peer::Tcp(from), Peer::Tcp(to)) = (&route.peer, &route.local) else {
            panic!("a header of TCP said otherwise");
        };
        let kind = |v4: bool| if v4 { "TCP4" } else { "TCP6" };
        if from.is_ipv4() == to.is_ipv4() {
            let line = format!(
                "PROXY {} {} {} {} {}\r\n",
                kind(from.is_ipv4()),
                from.ip(),
                to.ip(),
                from.port(),
                to.port()
            );
            let again = read_of(line.as_bytes(), size);
            assert_eq!(again, (Ok(Header::Route(route)), line.len()), "{line}");
        }
    }
}
