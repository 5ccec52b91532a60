//! Where a user's mail is instead of here (RFC 2221).

use std::fmt::Write as _;

/// The port that need not be named (RFC 5092 §3).
const IMAP: u16 = 143;
/// Characters of a reason that are told, at most.
const REASON: usize = 400;

/// Another server that the user's mail is on. Whatever it is made of, it can be sent as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Referral {
    url: String,
    reason: Option<String>,
}

impl Referral {
    /// To `user` on `host`, at IMAP's usual port where none is given. `None` for what is no host name and no IPv4
    /// address: an IPv6 address has a `]`, which would end the response code (RFC 3501 §9).
    pub fn new(user: &str, host: &str, port: Option<u16>) -> Option<Self> {
        let named = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
        if user.is_empty() || host.is_empty() || !host.chars().all(named) {
            return None;
        }
        let mut url = String::from("imap://");
        encode(&mut url, user);
        // RFC 2221 §3: else a client might try to come in as anonymous.
        url.push_str(";AUTH=*@");
        encode(&mut url, host);
        if let Some(port) = port.filter(|port| *port != IMAP) {
            // Writing to a String cannot fail.
            let _ = write!(url, ":{port}");
        }
        url.push('/');
        Some(Self { url, reason: None })
    }

    /// With words for the user. What cannot be in a line of text is told as `?`.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        let shown = |c: char| match c {
            ' '..='~' => c,
            _ => '?',
        };
        let reason: String = reason.chars().take(REASON).map(shown).collect();
        self.reason = Some(reason).filter(|reason| !reason.is_empty());
        self
    }

    /// The end of a reply, with these words where there are no others.
    pub(in crate::server) fn text(&self, usual: &str) -> String {
        let words = self.reason.as_deref().unwrap_or(usual);
        format!("[REFERRAL {}] {words}", self.url)
    }
}

/// All but the unreserved by its octets (RFC 3986 §2.3).
fn encode(url: &mut String, text: &str) {
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            url.push(char::from(octet));
        } else {
            let _ = write!(url, "%{octet:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(user: &str, host: &str, port: Option<u16>) -> Option<String> {
        Referral::new(user, host, port).map(|referral| referral.text("go"))
    }

    #[test]
    fn it_is_a_url_that_stays_within_its_brackets() {
        for (user, host, port, url) in [
            ("alice", "mail.test", None, "alice;AUTH=*@mail.test/"),
            (
                "a@b.test",
                "192.0.2.1",
                Some(143),
                "a%40b.test;AUTH=*@192.0.2.1/",
            ),
            ("alice", "mail", Some(1143), "alice;AUTH=*@mail:1143/"),
            (
                "ä ]\r\n/",
                "ä.test",
                None,
                "%C3%A4%20%5D%0D%0A%2F;AUTH=*@%C3%A4.test/",
            ),
        ] {
            let expected = format!("[REFERRAL imap://{url}] go");
            assert_eq!(said(user, host, port), Some(expected));
        }
    }

    #[test]
    fn what_is_no_host_is_no_referral() {
        for host in [
            "", "::1", "[::1]", "a b", "a\r\nb", "a]", "a/b", "a@b", "a:1", "a%b", "a\0",
        ] {
            assert_eq!(said("alice", host, None), None, "{host:?}");
        }
        assert_eq!(said("", "mail.test", None), None);
    }

    #[test]
    fn a_reason_is_one_line_of_text() {
        let referral = Referral::new("a", "b", None).expect("a host");
        let text = |reason: &str| referral.clone().because(reason).text("go");
        assert_eq!(
            text("Moved\r\na OK \0ü"),
            "[REFERRAL imap://a;AUTH=*@b/] Moved??a OK ??"
        );
        assert_eq!(text(""), "[REFERRAL imap://a;AUTH=*@b/] go");
        assert!(text(&"x".repeat(9999)).len() < 500);
    }
}
