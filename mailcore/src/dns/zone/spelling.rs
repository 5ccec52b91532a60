//! The right spelling of a word that is nearly right.

/// The word of `known` that `word` was probably meant to be.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word: Vec<u8> = word
        .bytes()
        .take(16)
        .map(|b| b.to_ascii_uppercase())
        .collect();
    known
        .iter()
        .map(|known| (distance(&word, known.as_bytes()), *known))
        .filter(|(distance, known)| *distance <= 2 && *distance < known.len().max(2))
        .min()
        .map(|(_, known)| known)
}

/// How many octets have to be put in, left out, changed or swapped with the next.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut above = vec![0; b.len() + 1];
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (row[j] + usize::from(x != y))
                .min(row[j + 1] + 1)
                .min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(above[j - 1] + 1);
            }
            next.push(least);
        }
        above = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_word_that_was_meant() {
        let known = ["A", "AAAA", "MX", "CNAME", "SERVFAIL"];
        for (slip, meant) in [
            ("XM", "MX"),
            ("aaa", "AAAA"),
            ("CNMAE", "CNAME"),
            ("servfial", "SERVFAIL"),
        ] {
            assert_eq!(nearest(slip, &known), Some(meant), "{slip}");
        }
        assert_eq!(nearest("HINFO", &known), None);
    }
}
