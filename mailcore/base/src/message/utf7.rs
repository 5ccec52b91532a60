//! UTF-7 (RFC 2152) to UTF-8, piece by piece. It is in mail of old, and in no other decoder.

/// A decoder's place in the text.
#[derive(Debug, Clone, Default)]
pub(super) struct Utf7 {
    /// Within `+…-`.
    shifted: bool,
    /// Nothing came since the `+`.
    just_shifted: bool,
    bits: u32,
    count: u32,
    /// The first half of a surrogate pair.
    high: Option<u16>,
}

impl Utf7 {
    pub(super) fn feed(&mut self, piece: &[u8], out: &mut String) {
        for &byte in piece {
            self.byte(byte, out);
        }
    }

    pub(super) fn finish(&mut self, out: &mut String) {
        self.unshift(out);
    }

    fn byte(&mut self, byte: u8, out: &mut String) {
        if !self.shifted {
            match byte {
                b'+' => (self.shifted, self.just_shifted) = (true, true),
                0..=0x7f => out.push(char::from(byte)),
                _ => out.push(char::REPLACEMENT_CHARACTER),
            }
            return;
        }
        let just_shifted = std::mem::take(&mut self.just_shifted);
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => {
                self.unshift(out);
                match byte {
                    // `+-` is a plus; else the hyphen that ends a run is no text.
                    b'-' if just_shifted => out.push('+'),
                    b'-' => {}
                    _ => self.byte(byte, out),
                }
                return;
            }
        };
        self.bits = self.bits << 6 | u32::from(value);
        self.count += 6;
        if self.count >= 16 {
            self.count -= 16;
            let unit = (self.bits >> self.count) as u16;
            self.bits &= (1 << self.count) - 1;
            self.unit(unit, out);
        }
    }

    /// A UTF-16 code unit is whole.
    fn unit(&mut self, unit: u16, out: &mut String) {
        let units = self.high.take().into_iter().chain([unit]);
        if (0xd800..0xdc00).contains(&unit) {
            if units.count() > 1 {
                out.push(char::REPLACEMENT_CHARACTER);
            }
            self.high = Some(unit);
            return;
        }
        out.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    }

    fn unshift(&mut self, out: &mut String) {
        if self.high.take().is_some() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
        (self.shifted, self.bits, self.count) = (false, 0, 0);
    }
}
