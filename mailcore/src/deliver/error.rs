//! Mail that goes nowhere because routing says so (Postfix: error, retry). The next hop says why: a status in three
//! numbers, where there is one, and a text.

use super::{Fate, Job, Report, Transport};
use async_trait::async_trait;
use mailcore_base::reply::EnhancedStatus;

/// The transport that refuses everything it is given: for good, or until routing says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The mail goes back to its sender (Postfix: error).
    Error,
    /// The mail waits (Postfix: retry).
    Retry,
}

impl Refusal {
    /// What becomes of mail for this next hop. The class of the status follows the refusal.
    fn fate(self, nexthop: &str) -> Fate {
        let (about, text) = reason(nexthop);
        let text = match text {
            "" => "mail for this destination is refused",
            text => text,
        };
        match self {
            Self::Error => Fate::failed(about, text),
            Self::Retry => Fate::deferred(about, text),
        }
    }
}

/// Subject and detail of the status in front of a text, and the text.
pub(super) fn reason(nexthop: &str) -> ((u16, u16), &str) {
    let nexthop = nexthop.trim();
    match EnhancedStatus::parse_prefix(nexthop) {
        Some((status, text)) => ((status.subject(), status.detail()), text.trim_start()),
        None => ((0, 0), nexthop),
    }
}

#[async_trait]
impl Transport for Refusal {
    async fn deliver(&self, job: &Job) -> Report {
        job.all(self.fate(&job.nexthop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::Action;

    #[test]
    fn a_refusal_says_what_its_next_hop_says() {
        let cases = [
            (
                Refusal::Error,
                "5.1.2 no such place",
                "5.1.2",
                "no such place",
            ),
            (Refusal::Error, "gone away", "5.0.0", "gone away"),
            (Refusal::Error, "4.7.1 no", "5.7.1", "no"),
            (Refusal::Retry, "4.4.1 not now", "4.4.1", "not now"),
            (Refusal::Retry, "5.4.1 not now", "4.4.1", "not now"),
            (
                Refusal::Retry,
                " ",
                "4.0.0",
                "mail for this destination is refused",
            ),
        ];
        for (refusal, nexthop, status, text) in cases {
            let fate = refusal.fate(nexthop);
            assert_eq!(
                (fate.status.to_string().as_str(), fate.text.as_str()),
                (status, text)
            );
            assert_eq!(fate.relay, "none");
            let expected = match refusal {
                Refusal::Error => Action::Failed,
                Refusal::Retry => Action::Deferred,
            };
            assert_eq!(fate.action, expected, "{nexthop}");
        }
    }
}
