//! From the recipients that a client named to those that a message is delivered to.

use crate::route::{Destination, Routes, folded};
use mailcore_base::address::ForwardPath;
use mailcore_base::envelope::Recipient;
use mailcore_store::Error;
use std::collections::HashSet;

/// Why the recipients of a message cannot be told now.
#[derive(Debug)]
pub(super) enum Stuck {
    /// A table or a directory cannot tell, or aliases run too far.
    Lookup(ForwardPath, Error),
    /// There is nobody of that name any more.
    Gone(ForwardPath),
    /// There are more than one message may have.
    Many,
}

/// The final recipients, each address once: where several lead to one, the parameters of the first hold. What was
/// given is noted where it was another. With `keeps_lost` recipients that nobody is are kept, so that the mail goes
/// back.
///
/// Who asked for a report of success gets one of each final recipient, not one of the expansion (RFC 3461 §5.2.7.3
/// allows either for an alias of several).
pub(super) async fn expand(
    routes: &Routes,
    given: Vec<Recipient>,
    most: usize,
    keeps_lost: bool,
) -> Result<Vec<Recipient>, Stuck> {
    let mut seen = HashSet::new();
    let mut all = Vec::with_capacity(given.len());
    for recipient in given {
        let addresses = match routes.resolve(&recipient.path).await {
            Ok(Destination::Targets(targets)) => {
                targets.iter().map(|t| t.address().clone()).collect()
            }
            Ok(Destination::Unknown(_)) if !keeps_lost => return Err(Stuck::Gone(recipient.path)),
            Ok(Destination::Unknown(_) | Destination::Elsewhere) => {
                vec![recipient.path.clone().complete(routes.origin())]
            }
            Err(error) => return Err(Stuck::Lookup(recipient.path, error)),
        };
        let text = recipient.path.to_string();
        for address in addresses {
            let written = folded(&address);
            if !seen.insert(written.clone()) {
                continue;
            }
            if all.len() == most {
                return Err(Stuck::Many);
            }
            let mut last = Recipient::new(address);
            last.parameters = recipient.parameters.clone();
            if !text.eq_ignore_ascii_case(&written) {
                last.original = Some(recipient.path.clone());
            }
            all.push(last);
        }
    }
    Ok(all)
}
