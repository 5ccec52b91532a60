//! By what SORT orders (RFC 5256 §3, `sort-criteria`; RFC 5957 §3).

use super::{Cursor, Wrong};
use crate::sort::{By, Criterion};

/// Reads `(REVERSE DATE SUBJECT …)`. A criterion that was named before decides nothing and is left out, so there
/// are no more than there are kinds of them.
pub(crate) fn order(at: &mut Cursor<'_>) -> Result<Vec<Criterion>, Wrong> {
    if at.peek() != Some(b'(') {
        return Err("Invalid sort argument".into());
    }
    let mut order: Vec<Criterion> = Vec::new();
    let mut reverse = false;
    at.list(|at| {
        let name = at.keyword()?;
        if name == "REVERSE" {
            // Like Dovecot: twice is not at all.
            reverse = !reverse;
            return Ok(());
        }
        let by = By::NAMES.iter().find(|(_, known)| *known == name);
        let (by, _) =
            by.ok_or_else(|| Wrong::quoting("Unknown sort argument: ", name.as_bytes()))?;
        let reverse = std::mem::take(&mut reverse);
        if order.iter().all(|known| known.by != *by) {
            order.push(Criterion { by: *by, reverse });
        }
        Ok(())
    })?;
    if reverse {
        return Err("Sort list ends with REVERSE".into());
    }
    if order.is_empty() {
        return Err("Empty sort program".into());
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(By, bool)>, Wrong> {
        let order = order(&mut Cursor::new(text.as_bytes()))?;
        Ok(order.iter().map(|c| (c.by, c.reverse)).collect())
    }

    #[test]
    fn criteria_are_read_each_once() {
        assert_eq!(
            read("(reverse date SUBJECT REVERSE REVERSE FROM DATE)"),
            Ok(vec![
                (By::Date, true),
                (By::Subject, false),
                (By::From, false)
            ])
        );
        for (by, name) in By::NAMES {
            assert_eq!(read(&format!("({name})")), Ok(vec![(by, false)]));
        }
        let many = "DATE REVERSE ".repeat(10_000);
        assert_eq!(read(&format!("({many} SIZE)")).unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_order_is_refused_in_dovecots_words() {
        for (text, why) in [
            ("", "Invalid sort argument"),
            ("DATE", "Invalid sort argument"),
            ("()", "Empty sort program"),
            ("(REVERSE)", "Sort list ends with REVERSE"),
            ("(FOO)", "Unknown sort argument: FOO"),
            ("(DATE", "Missing ')'"),
        ] {
            assert_eq!(read(text), Err(why.into()), "{text}");
        }
    }
}
