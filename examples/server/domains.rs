//! The domains that mail is taken for, and the users who are of none of them.

use crate::first_run::Unusable;
use mailcore::base::address::{Domain, Repertoire};
use mailcore::store::auth::PasswdFile;

/// The domains of the command line; `example.test` where there are none.
pub fn given(names: &[String]) -> Result<Vec<Domain>, Unusable> {
    let parse = |name: &str| {
        Domain::parse(name, Repertoire::Utf8).map_err(|e| Unusable(format!("--domain {name}: {e}")))
    };
    match names {
        [] => Ok(vec![parse("example.test")?]),
        names => names.iter().map(|name| parse(name)).collect(),
    }
}

/// Says which users can log in and get no mail, because it is taken for other domains than theirs.
pub fn warn_of_others(domains: &[Domain], users: &PasswdFile) {
    let ours = |name: &String| {
        Domain::parse(name, Repertoire::Utf8).is_ok_and(|domain| domains.contains(&domain))
    };
    let others: Vec<String> = users.domains().into_iter().filter(|d| !ours(d)).collect();
    if others.is_empty() {
        return;
    }
    let taken: Vec<&str> = domains.iter().map(Domain::as_given).collect();
    tracing::warn!(
        "{}: there are users of {}, and mail is taken for {} alone: they can log in and get no mail (add --domain {})",
        users.path().display(),
        others.join(", "),
        taken.join(", "),
        others.join(" --domain ")
    );
}
