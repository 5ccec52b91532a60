//! Raw DEFLATE (RFC 1951) as COMPRESS uses it (RFC 4978): two codecs between slices.
//!
//! Nothing here reads, writes or grows with the peer's wishes: a call moves at most the bytes offered to it,
//! so that a decompression bomb fills the buffer it was given and then waits. Both codecs can
//! [`rest`](Inflater::rest): a session that idles holds neither a compressor nor, as long as its peer has
//! said little, a decompressor.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Most compressed bytes remembered so that a resting [`Inflater`] can be rebuilt, in octets.
const HISTORY: usize = 4 * 1024;
/// Most bytes that rebuilding may inflate again, in octets: a small bomb must not cost more each time.
const REPLAY: u64 = 64 * 1024;

/// Room that a flush marker always fits into, in octets.
const SPILL: usize = 64;

/// How far one call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Octets of the input that are done with.
    pub consumed: usize,
    /// Octets of the output that were written.
    pub produced: usize,
}

/// The peer's bytes are not a DEFLATE stream; nothing that follows can be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a DEFLATE stream")]
pub struct Corrupt;

/// The receiving side.
///
/// ```text
///             inflate                 rest (little was received)
///  resting ───────────► working ─────────────────────────────────► resting
///     └── what was received is inflated again, which gives the same state
/// ```
#[derive(Debug)]
pub struct Inflater {
    codec: Option<Box<Decompress>>,
    /// Everything received so far, while that is little.
    history: Option<Vec<u8>>,
    produced: u64,
    /// The last call left room in its output: nothing is held back inside the codec.
    drained: bool,
    ended: bool,
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

impl Inflater {
    /// A stream of which nothing was received yet; nothing is allocated before something is.
    pub fn new() -> Self {
        Self {
            codec: None,
            history: Some(Vec::new()),
            produced: 0,
            drained: true,
            ended: false,
        }
    }

    /// Inflates from `input` into `output` until either is used up. With output still held back
    /// ([`drained`](Self::drained) is false) an empty input makes progress, too.
    ///
    /// # Errors
    /// [`Corrupt`], once and for all, when the input is no DEFLATE stream.
    pub fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, Corrupt> {
        if self.ended || output.is_empty() || (input.is_empty() && self.drained) {
            return Ok(Progress::default());
        }
        let codec = match &mut self.codec {
            Some(codec) => codec,
            None => self
                .codec
                .insert(rebuilt(self.history.as_deref().unwrap_or_default())?),
        };
        let progress = run(codec, input, output)?;
        self.ended = progress.1;
        let progress = progress.0;
        self.drained = progress.produced < output.len();
        self.produced += progress.produced as u64;
        self.remember(input.get(..progress.consumed).unwrap_or_default());
        Ok(progress)
    }

    /// Nothing is held back for want of output.
    pub fn drained(&self) -> bool {
        self.drained
    }

    /// The peer has ended its stream with a final block; no more will come.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Gives the codec's memory (about 40 KiB) back if it can be rebuilt from what was received.
    pub fn rest(&mut self) {
        if self.drained && (self.history.is_some() || self.ended) {
            self.codec = None;
        }
        if let Some(history) = &mut self.history {
            history.shrink_to_fit();
        }
    }

    fn remember(&mut self, received: &[u8]) {
        let Some(history) = &mut self.history else {
            return;
        };
        if history.len() + received.len() > HISTORY || self.produced > REPLAY {
            self.history = None;
        } else {
            history.extend_from_slice(received);
        }
    }
}

/// A codec that has seen `history`.
fn rebuilt(history: &[u8]) -> Result<Box<Decompress>, Corrupt> {
    let mut codec = Box::new(Decompress::new(false));
    let mut again = [0; 1024];
    let mut rest = history;
    loop {
        let (progress, ended) = run(&mut codec, rest, &mut again)?;
        rest = rest.get(progress.consumed..).unwrap_or_default();
        if ended || (rest.is_empty() && progress.produced < again.len()) {
            return Ok(codec);
        }
    }
}

fn run(
    codec: &mut Decompress,
    input: &[u8],
    output: &mut [u8],
) -> Result<(Progress, bool), Corrupt> {
    let (before_in, before_out) = (codec.total_in(), codec.total_out());
    let status = codec
        .decompress(input, output, FlushDecompress::Sync)
        .map_err(|_| Corrupt)?;
    let progress = Progress {
        consumed: (codec.total_in() - before_in) as usize,
        produced: (codec.total_out() - before_out) as usize,
    };
    let stuck = progress == Progress::default() && !input.is_empty() && !output.is_empty();
    if stuck && status != Status::StreamEnd {
        return Err(Corrupt);
    }
    Ok((progress, status == Status::StreamEnd))
}

/// The sending side.
///
/// ```text
///           deflate                flush (all of it)           rest
///  resting ─────────► dirty ─────────────────────────► clean ─────────► resting
///                       ▲                                 │
///                       └──────────── deflate ────────────┘
/// ```
/// A compressor started anew after a sync flush continues the same stream: blocks are independent, only the
/// memory of earlier text is lost.
#[derive(Debug)]
pub struct Deflater {
    level: Compression,
    codec: Option<Box<Compress>>,
    dirty: bool,
    /// What a flush into very little room has left over; at most [`SPILL`] octets.
    spill: Vec<u8>,
}

impl Default for Deflater {
    /// Level 6, the usual trade between time and size.
    fn default() -> Self {
        Self::new(6)
    }
}

impl Deflater {
    /// A stream on which nothing was sent yet. `level` goes from 0 (stored) to 9 (smallest); more counts as 9.
    pub fn new(level: u8) -> Self {
        Self {
            level: Compression::new(u32::from(level.min(9))),
            codec: None,
            dirty: false,
            spill: Vec::new(),
        }
    }

    /// Takes from `input` and puts what came out so far into `output`; stops when either is used up. What
    /// was taken may stay inside until [`flush`](Self::flush).
    pub fn deflate(&mut self, input: &[u8], output: &mut [u8]) -> Progress {
        if input.is_empty() || output.is_empty() {
            return Progress::default();
        }
        if !self.spill.is_empty() {
            let produced = self.pour(output);
            return Progress {
                consumed: 0,
                produced,
            };
        }
        self.dirty = true;
        self.run(input, output, FlushCompress::None)
    }

    /// Puts everything taken so far into `output`, ending on a whole octet, so that the peer can read all of
    /// it. Returns the octets written; to be called again with more room while [`dirty`](Self::dirty).
    pub fn flush(&mut self, output: &mut [u8]) -> usize {
        if self.spill.is_empty() && self.dirty {
            // With room for less than its marker a compressor would write the marker again, for ever.
            if output.len() >= SPILL {
                let produced = self.run(&[], output, FlushCompress::Sync).produced;
                self.dirty = produced == output.len();
                return produced;
            }
            let mut room = [0; SPILL];
            let produced = self.run(&[], &mut room, FlushCompress::Sync).produced;
            self.dirty = produced == room.len();
            self.spill
                .extend_from_slice(room.get(..produced).unwrap_or_default());
        }
        self.pour(output)
    }

    /// Moves what was left over.
    fn pour(&mut self, output: &mut [u8]) -> usize {
        let n = self.spill.len().min(output.len());
        for (to, from) in output.iter_mut().zip(self.spill.drain(..n)) {
            *to = from;
        }
        n
    }

    /// Something was taken that the peer cannot read yet.
    pub fn dirty(&self) -> bool {
        self.dirty || !self.spill.is_empty()
    }

    /// Gives the compressor's memory (about 400 KiB) back if everything was flushed.
    pub fn rest(&mut self) {
        if !self.dirty() {
            self.codec = None;
            self.spill = Vec::new();
        }
    }

    fn run(&mut self, input: &[u8], output: &mut [u8], flush: FlushCompress) -> Progress {
        let codec = self
            .codec
            .get_or_insert_with(|| Box::new(Compress::new(self.level, false)));
        let (before_in, before_out) = (codec.total_in(), codec.total_out());
        // A compressor never refuses its input; without progress it says so by the counts alone.
        let _ = codec.compress(input, output, flush);
        Progress {
            consumed: (codec.total_in() - before_in) as usize,
            produced: (codec.total_out() - before_out) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Deflates `text` with a flush, through outputs of `room` octets.
    fn deflated(deflater: &mut Deflater, mut text: &[u8], room: usize) -> Vec<u8> {
        let (mut all, mut out) = (Vec::new(), vec![0; room]);
        while !text.is_empty() {
            let progress = deflater.deflate(text, &mut out);
            all.extend_from_slice(&out[..progress.produced]);
            text = &text[progress.consumed..];
        }
        while deflater.dirty() {
            let n = deflater.flush(&mut out);
            all.extend_from_slice(&out[..n]);
        }
        all
    }

    fn inflated(
        inflater: &mut Inflater,
        mut packed: &[u8],
        room: usize,
    ) -> Result<Vec<u8>, Corrupt> {
        let (mut all, mut out) = (Vec::new(), vec![0; room]);
        while !packed.is_empty() || !inflater.drained() {
            let progress = inflater.inflate(packed, &mut out)?;
            all.extend_from_slice(&out[..progress.produced]);
            packed = &packed[progress.consumed..];
            if inflater.ended() {
                break;
            }
        }
        Ok(all)
    }

    proptest! {
        #[test]
        fn what_is_deflated_inflates_again(
            texts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..3000), 1..6),
            room in 1..300_usize,
            resting in any::<bool>(),
        ) {
            let (mut deflater, mut inflater) = (Deflater::default(), Inflater::new());
            for text in &texts {
                let packed = deflated(&mut deflater, text, room);
                prop_assert_eq!(&inflated(&mut inflater, &packed, room).unwrap(), text);
                if resting {
                    deflater.rest();
                    inflater.rest();
                    prop_assert!(deflater.codec.is_none());
                }
            }
        }

        #[test]
        fn any_bytes_are_inflated_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let _ = inflated(&mut Inflater::new(), &bytes, 64);
        }
    }

    #[test]
    fn a_bomb_fills_only_the_output_it_is_offered() {
        let packed = deflated(&mut Deflater::new(9), &vec![0; 10 << 20], 4096);
        assert!(packed.len() < 20_000);
        let (mut inflater, mut out) = (Inflater::new(), [0; 512]);
        let mut rest = packed.as_slice();
        for _ in 0..1000 {
            let progress = inflater.inflate(rest, &mut out).unwrap();
            assert!(progress.produced == out.len());
            rest = &rest[progress.consumed..];
        }
        inflater.rest();
        assert!(inflater.codec.is_some(), "what is held back is kept");
    }

    #[test]
    fn rebuilding_never_costs_more_than_its_bound() {
        let packed = deflated(&mut Deflater::new(9), &vec![0; 1 << 20], 4096);
        assert!(packed.len() < HISTORY);
        let mut inflater = Inflater::new();
        inflated(&mut inflater, &packed, 4096).unwrap();
        inflater.rest();
        assert!(inflater.codec.is_some() && inflater.history.is_none());
    }

    #[test]
    fn a_quiet_stream_rests_with_no_codec_and_goes_on() {
        let (mut deflater, mut inflater) = (Deflater::default(), Inflater::new());
        for n in 0..50 {
            let line = format!("a{n} NOOP\r\n").into_bytes();
            let packed = deflated(&mut deflater, &line, 64);
            assert_eq!(inflated(&mut inflater, &packed, 64).unwrap(), line);
            inflater.rest();
            assert!(inflater.codec.is_none());
        }
    }

    #[test]
    fn a_final_block_ends_the_stream() {
        let mut inflater = Inflater::new();
        // An empty final stored block.
        assert_eq!(
            inflated(&mut inflater, &[1, 0, 0, 0xff, 0xff], 8).unwrap(),
            b""
        );
        assert!(inflater.ended());
        assert_eq!(
            inflater.inflate(b"more", &mut [0; 8]).unwrap(),
            Progress::default()
        );
    }

    #[test]
    fn junk_is_refused() {
        assert_eq!(
            inflated(&mut Inflater::new(), &[0xff; 64], 64),
            Err(Corrupt)
        );
    }
}
