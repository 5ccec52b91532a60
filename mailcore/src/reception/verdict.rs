//! What is said to a step of a client, typed: a yes, or a no with its reply. The protocol machine puts it on the
//! wire, so nothing here writes to a peer.

use super::words;
use mailcore_base::envelope::Recipient;
use mailcore_base::reply::Reply;
use mailcore_smtp::server::Refusal;

/// What is said to a step of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Go on.
    Accept,
    /// No, with this reply (4xx or 5xx).
    Refuse(Reply),
    /// No, with this reply, and the connection ends.
    Disconnect(Reply),
}

impl Verdict {
    /// No, and trying again will not help: `554 5.7.1 text` (Postfix: REJECT). A sender's server returns the mail.
    ///
    /// ```
    /// # use mailcore::reception::Verdict;
    /// let verdict = Verdict::reject("Error: no newsletters here");
    /// assert_eq!(verdict.reply().unwrap().to_string(), "554 5.7.1 Error: no newsletters here");
    /// ```
    pub fn reject(text: impl Into<String>) -> Self {
        Self::Refuse(words::reply(554, (7, 1), text))
    }

    /// Not now: `450 4.7.1 text` (Postfix: DEFER). A sender's server tries again. What a database cannot tell for
    /// the moment is deferred, never rejected.
    pub fn defer(text: impl Into<String>) -> Self {
        Self::Refuse(words::reply(450, (7, 1), text))
    }

    /// Mail for this recipient's domain is not for us: `454 4.7.1 <…>: Relay access denied`, as Postfix says it.
    pub fn relay_denied(to: &Recipient) -> Self {
        Self::Refuse(words::relay_denied(super::Role::Transfer, &to.path))
    }

    /// The domain is ours and there is nobody of that name: `550 5.1.1 <…>: Recipient address rejected: User
    /// unknown …`, as Postfix says it.
    pub fn unknown_user(to: &Recipient) -> Self {
        Self::Refuse(words::unknown_user(super::Role::Transfer, &to.path))
    }

    /// The reply of a no.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Accept => None,
            Self::Refuse(reply) | Self::Disconnect(reply) => Some(reply),
        }
    }
}

/// A reply of one's own, as people write it: `"550 5.7.1 No".parse()?`. What is no refusal becomes a 451.
impl From<Reply> for Verdict {
    fn from(reply: Reply) -> Self {
        Self::Refuse(reply)
    }
}

/// As the protocol machine takes it.
impl From<Verdict> for Result<(), Refusal> {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Accept => Ok(()),
            Verdict::Refuse(reply) => Err(Refusal::new(reply)),
            Verdict::Disconnect(reply) => Err(Refusal::new(reply).and_disconnect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(verdict: Verdict) -> String {
        let refusal = Result::from(verdict).unwrap_err();
        format!("{} {}", refusal.reply(), refusal.disconnects())
    }

    #[test]
    fn verdicts_say_what_postfix_says() {
        let to = Recipient::new(
            "x@a.test"
                .parse::<mailcore_base::address::Address>()
                .unwrap(),
        );
        assert_eq!(
            said(Verdict::relay_denied(&to)),
            "454 4.7.1 <x@a.test>: Relay access denied false"
        );
        assert!(said(Verdict::unknown_user(&to)).starts_with("550 5.1.1 <x@a.test>: "));
        assert_eq!(said(Verdict::defer("later")), "450 4.7.1 later false");
        assert_eq!(said(Verdict::reject("a\r\nb")), "554 5.7.1 a b false");
        let own: Reply = "571 5.7.1 never".parse().unwrap();
        assert_eq!(said(own.clone().into()), "571 5.7.1 never false");
        assert_eq!(said(Verdict::Disconnect(own)), "571 5.7.1 never true");
        assert!(Result::<(), Refusal>::from(Verdict::Accept).is_ok());
    }

    #[test]
    fn a_refusal_that_is_none_becomes_a_temporary_one() {
        let yes: Reply = "250 2.0.0 fine".parse().unwrap();
        assert!(said(yes.into()).starts_with("451 4.3.0 "));
    }
}
