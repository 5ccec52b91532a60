//! Line ends: files keep LF, what is served has CRLF, and what was appended comes back octet by octet.
//!
//! On the way in a CR in front of an LF is left out, unless another CR stands before it; on the way out an LF
//! without a CR in front of it gets one. So `x\r\n` is kept as `x\n`, `x\r\r\n` as it is, and a bare CR or NUL as it is;
//! only a bare LF does not come back as it came. Files that others wrote with CRLF are served right as well.

/// The way in.
#[derive(Debug, Default)]
pub(super) struct Fold {
    /// A CR was read and not yet written.
    held: bool,
    /// The last octet written was a CR.
    after_cr: bool,
    /// What is written will be as long as this with CRLF.
    served: u64,
}

impl Fold {
    /// Takes octets in any chunks, adds to `out` what is to be kept.
    pub(super) fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>) {
        while let Some(first) = chunk.first() {
            if std::mem::take(&mut self.held) {
                let keep = *first != b'\n' || self.after_cr;
                if keep {
                    self.write(b"\r", out);
                }
            }
            let end = memchr::memchr(b'\r', chunk);
            let (run, rest) = chunk
                .split_at_checked(end.unwrap_or(chunk.len()))
                .unwrap_or((chunk, &[]));
            self.write(run, out);
            self.held = end.is_some();
            chunk = rest.get(1..).unwrap_or_default();
        }
    }

    /// Ends the message; its length with CRLF.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) -> u64 {
        if std::mem::take(&mut self.held) {
            self.write(b"\r", out);
        }
        self.served
    }

    fn write(&mut self, run: &[u8], out: &mut Vec<u8>) {
        self.served += served(run, &mut self.after_cr);
        out.extend_from_slice(run);
    }
}

/// How long `run` is as it is served.
pub(super) fn served(run: &[u8], after_cr: &mut bool) -> u64 {
    let mut bare = 0;
    for at in memchr::memchr_iter(b'\n', run) {
        let cr = match at.checked_sub(1) {
            Some(before) => run.get(before) == Some(&b'\r'),
            None => *after_cr,
        };
        bare += u64::from(!cr);
    }
    if let Some(last) = run.last() {
        *after_cr = *last == b'\r';
    }
    run.len() as u64 + bare
}

/// The way out: adds `run` to `out` as it is served.
pub(super) fn unfold(run: &[u8], after_cr: &mut bool, out: &mut Vec<u8>) {
    let mut from = 0;
    for at in memchr::memchr_iter(b'\n', run) {
        let cr = match at.checked_sub(1) {
            Some(before) => run.get(before) == Some(&b'\r'),
            None => *after_cr,
        };
        if !cr {
            out.extend_from_slice(run.get(from..at).unwrap_or_default());
            out.push(b'\r');
            from = at;
        }
    }
    out.extend_from_slice(run.get(from..).unwrap_or_default());
    if let Some(last) = run.last() {
        *after_cr = *last == b'\r';
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kept(message: &[u8], chunk: usize) -> (Vec<u8>, u64) {
        let (mut fold, mut out) = (Fold::default(), Vec::new());
        for chunk in message.chunks(chunk) {
            fold.push(chunk, &mut out);
        }
        let served = fold.end(&mut out);
        (out, served)
    }

    fn served_as(file: &[u8], chunk: usize) -> Vec<u8> {
        let (mut after_cr, mut out) = (false, Vec::new());
        for chunk in file.chunks(chunk) {
            unfold(chunk, &mut after_cr, &mut out);
        }
        out
    }

    #[test]
    fn line_ends_are_kept_as_lf() {
        assert_eq!(kept(b"a\r\nb\r\r\nc\rd\n\r", 1).0, b"a\nb\r\r\nc\rd\n\r");
        assert_eq!(kept(b"a\r\n\r\n", 100), (b"a\n\n".to_vec(), 5));
    }

    proptest! {
        #[test]
        fn without_bare_lf_every_message_comes_back(
            parts in proptest::collection::vec(prop_oneof![Just("\r\n"), Just("\r"), Just("x"), Just("\0")], 0..40),
            one in 1usize..9, two in 1usize..9,
        ) {
            let message = parts.concat().into_bytes();
            let (file, served) = kept(&message, one);
            prop_assert_eq!(served, message.len() as u64);
            prop_assert_eq!(served_as(&file, two), message);
        }

        #[test]
        fn chunks_make_no_difference(message in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'x')], 0..40), one in 1usize..9) {
            let (file, served) = kept(&message, one);
            prop_assert_eq!(&kept(&message, 1000).0, &file);
            prop_assert_eq!(served_as(&file, one).len() as u64, served);
            prop_assert_eq!(served_as(&file, one), served_as(&file, 1000));
        }
    }
}
