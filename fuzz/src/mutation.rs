//! Inputs near given seeds, the same ones at every run: what the plain tests feed the bodies with where no fuzzer is at
//! hand. It learns nothing from coverage; libFuzzer does that.

/// Octets that parsers of mail look for.
const TELLING: &[u8] = b"\r\n\0 \t\"\\<>()[]{}@,;:.=?*%&+-_~/09azAZ\x7f\x80\xc2\xe2\xff";
/// No input grows beyond this.
const LONGEST: usize = 4096;

/// A source of numbers that look random (xorshift64*, Vigna 2014).
#[derive(Debug, Clone)]
pub struct Xorshift(u64);

impl Xorshift {
    /// The numbers that belong to a name.
    pub fn named(name: &str) -> Self {
        // FNV-1a; the last bit keeps the state from zero, which xorshift never leaves.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, b| {
            (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash | 1)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `count`, zero if that is zero.
    pub fn below(&mut self, count: usize) -> usize {
        let number = (self.number() >> 33) as usize;
        number.checked_rem(count).unwrap_or(0)
    }

    fn octet(&mut self) -> u8 {
        match self.below(4) {
            0 => self.number().to_be_bytes()[0],
            _ => TELLING[self.below(TELLING.len())],
        }
    }
}

/// Turns `input` into a neighbour of itself; `others` lend pieces.
pub fn mutate(random: &mut Xorshift, input: &mut Vec<u8>, others: &[Vec<u8>]) {
    for _ in 0..=random.below(6) {
        let at = random.below(input.len() + 1);
        let until = (at + 1 + random.below(16)).min(input.len());
        match random.below(8) {
            0 => flip(random, input, at),
            1 => drop(input.drain(at..until)),
            2 => input.truncate(at),
            3 => drop(input.splice(at..at, [random.octet()])),
            4 if at < until => input[at] = random.octet(),
            5 => repeat(random, input, at, until),
            6 => graft(random, input, at, others),
            _ => drop(input.splice(at..until, [random.octet(), random.octet()])),
        }
        input.truncate(LONGEST);
    }
}

fn flip(random: &mut Xorshift, input: &mut [u8], at: usize) {
    if let Some(octet) = input.get_mut(at) {
        *octet ^= 1 << random.below(8);
    }
}

/// A piece said many times over: what limits are for.
fn repeat(random: &mut Xorshift, input: &mut Vec<u8>, at: usize, until: usize) {
    let piece = input[at..until].to_vec();
    let times = 1 << random.below(8);
    input.splice(at..at, piece.repeat(times));
}

fn graft(random: &mut Xorshift, input: &mut Vec<u8>, at: usize, others: &[Vec<u8>]) {
    let Some(other) = others.get(random.below(others.len())) else {
        return;
    };
    let from = random.below(other.len() + 1);
    let until = (from + random.below(64)).min(other.len());
    input.splice(at..at, other[from..until].iter().copied());
}
