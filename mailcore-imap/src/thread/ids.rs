//! Message-IDs in `Message-ID`, `References` and `In-Reply-To` (RFC 5322 §3.6.4), whatever stands around them.

use std::borrow::Cow;

/// Reads one after the other. What is no `<local@domain>` is passed over; white space and quotes in one are no
/// part of it (RFC 5256 §3, REFERENCES: normalized before they are compared).
#[derive(Debug, Clone)]
pub(super) struct MessageIds<'a> {
    rest: &'a [u8],
}

impl<'a> MessageIds<'a> {
    pub(super) fn new(field: &'a [u8]) -> Self {
        Self { rest: field }
    }
}

impl<'a> Iterator for MessageIds<'a> {
    type Item = Cow<'a, [u8]>;

    fn next(&mut self) -> Option<Cow<'a, [u8]>> {
        loop {
            let start = memchr::memchr(b'<', self.rest)?;
            let inner = self.rest.get(start + 1..)?;
            let end = memchr::memchr2(b'<', b'>', inner)?;
            let (id, rest) = inner.split_at(end);
            self.rest = rest;
            if rest.starts_with(b">") && is_id(id) {
                return Some(plain(id));
            }
        }
    }
}

fn is_id(id: &[u8]) -> bool {
    memchr::memrchr(b'@', id).is_some_and(|at| at > 0 && at + 1 < id.len())
}

fn plain(id: &[u8]) -> Cow<'_, [u8]> {
    let noise = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\\');
    if !id.iter().any(noise) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(id.iter().copied().filter(|b| !noise(b)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_whatever_stands_around_them() {
        for (field, want) in [
            ("<a@b>", "a@b"),
            ("<a@b><c@d> <e@f>", "a@b c@d e@f"),
            ("Your message of Monday <a@b> from x", "a@b"),
            (
                "<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>",
                "01KF8JCEOCBS0045PS@xxx.yyy.com",
            ),
            ("<a@b\t c>", "a@bc"),
            ("<a> <@b> <a@> <> a@b", ""),
            ("<open <a@b> <open", "a@b"),
            (">>> <<<a@b>>>", "a@b"),
        ] {
            let found: Vec<_> = MessageIds::new(field.as_bytes())
                .map(|id| String::from_utf8_lossy(&id).into_owned())
                .collect();
            assert_eq!(found.join(" "), want, "{field}");
        }
    }
}
