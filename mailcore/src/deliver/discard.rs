//! Mail that is thrown away because routing says so (Postfix: discard): it counts as delivered, and the next hop says
//! why. The content is never looked at.

use super::error::reason;
use super::{Action, Fate, Job, Report, Transport};
use async_trait::async_trait;

/// The transport that throws everything away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Discard;

#[async_trait]
impl Transport for Discard {
    async fn deliver(&self, job: &Job) -> Report {
        let (about, text) = reason(&job.nexthop);
        job.all(Fate::new(Action::Delivered, about, "none", text))
    }
}
