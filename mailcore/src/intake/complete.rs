//! The fields that a message must have and its writer left out (RFC 6409 §8.1 to §8.3; Postfix does the same): for mail
//! that begins its way here, never for mail that others send.

use super::fields::Seen;
use mailcore_base::address::{Address, Domain};
use mailcore_base::date::DateTime;
use std::io::Write as _;

/// What missing fields are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// The name of this server.
    pub(super) hostname: &'a str,
    /// The domain of the server's own addresses.
    pub(super) origin: &'a Domain,
    /// The message's queue id.
    pub(super) id: &'a str,
    /// The envelope's sender.
    pub(super) sender: Option<&'a Address>,
    /// What is said where a reader sees no recipient, if anything is.
    pub(super) undisclosed: Option<&'a str>,
    /// When the message came.
    pub(super) now: DateTime,
}

/// The fields that are missing, with CRLF line ends, in Postfix's order.
pub(super) fn missing(seen: &Seen, source: Source<'_>) -> Vec<u8> {
    let resent = if seen.is_resent() { "Resent-" } else { "" };
    let lacks = |name: &str| !seen.has(&format!("{resent}{name}"));
    let mut out = Vec::new();
    // Writing to a Vec cannot fail.
    if lacks("Message-Id") {
        let _ = write!(
            out,
            "{resent}Message-Id: <{}.{}@{}>\r\n",
            stamp(source.now),
            source.id,
            source.hostname
        );
    }
    if lacks("Date") {
        let _ = write!(out, "{resent}Date: ");
        source.now.write_to(&mut out);
        out.extend_from_slice(b"\r\n");
    }
    if lacks("From") {
        let _ = match source.sender {
            Some(sender) => write!(out, "{resent}From: {sender}\r\n"),
            None => write!(out, "{resent}From: MAILER-DAEMON@{}\r\n", source.origin),
        };
    }
    if let Some(undisclosed) = source.undisclosed.filter(|_| !seen.is_addressed()) {
        let _ = write!(out, "To: {undisclosed}\r\n");
    }
    out
}

/// `YYYYMMDDhhmmss`, in UTC.
fn stamp(now: DateTime) -> String {
    let (year, month, date) = now.day().civil();
    let time = now.seconds.rem_euclid(mailcore_base::date::DAY_SECONDS);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{year:04}{month:02}{date:02}{hour:02}{minute:02}{second:02}")
}

#[cfg(test)]
mod tests {
    use super::super::fields::Known;
    use super::*;

    fn added(fields: &[&str], undisclosed: Option<&str>) -> String {
        let mut seen = Seen::default();
        for field in fields {
            seen.note(Known::of(field.as_bytes()));
        }
        let sender = "\"a b\"@c.test".parse().unwrap();
        let source = Source {
            hostname: "mail.c.test",
            origin: &"c.test".parse().unwrap(),
            id: "0000FABCDEF",
            sender: (!fields.contains(&"null")).then_some(&sender),
            undisclosed,
            now: DateTime::utc(1_700_000_009),
        };
        String::from_utf8(missing(&seen, source)).unwrap()
    }

    #[test]
    fn only_what_is_missing_is_added() {
        let all = "Message-Id: <20231114221329.0000FABCDEF@mail.c.test>\r\n\
                   Date: Tue, 14 Nov 2023 22:13:29 +0000\r\nFrom: \"a b\"@c.test\r\n";
        assert_eq!(added(&[], None), all);
        assert_eq!(added(&["DATE", "From", "message-ID"], None), "");
        assert!(added(&["null"], None).ends_with("From: MAILER-DAEMON@c.test\r\n"));
    }

    #[test]
    fn what_is_sent_again_gets_fields_of_its_own() {
        let again = added(&["from", "date", "message-id", "resent-to"], None);
        let names: Vec<_> = again.lines().filter_map(|l| l.split(':').next()).collect();
        assert_eq!(names, ["Resent-Message-Id", "Resent-Date", "Resent-From"]);
    }

    #[test]
    fn recipients_are_undisclosed_only_where_none_is_seen_and_that_is_wanted() {
        let whole = ["from", "date", "message-id"];
        let told = Some("undisclosed-recipients:;");
        assert_eq!(added(&whole, told), "To: undisclosed-recipients:;\r\n");
        assert_eq!(added(&whole, None), "");
        for field in ["to", "cc"] {
            assert_eq!(added(&[&whole[..], &[field]].concat(), told), "");
        }
        // A Bcc is not seen: it is dropped.
        assert_ne!(added(&[&whole[..], &["bcc"]].concat(), told), "");
    }
}
