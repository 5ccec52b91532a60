//! A look at `--mail-location` before anybody's mail is put there.

use mailcore::store::auth::User;
use mailcore::store::mailbox::Maildir;

/// Fails unless the template is one that the store serves and gives every user mailboxes of their own.
pub fn check(template: &str) -> Result<(), String> {
    let place = |name: &str| {
        let mut user = User::new(format!("{name}@example.test"));
        user.home = Some(format!("/home/{name}").into());
        Maildir::place(&user, template)
    };
    match (place("one"), place("two")) {
        (Err(e), _) | (_, Err(e)) => Err(format!(
            "--mail-location {template}: {e} (%u, %n, %d, %h and ~/ are known)"
        )),
        (Ok(one), Ok(two)) if one == two => Err(format!(
            "--mail-location {template}: all users would have the same mail; name them by %n or %u"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_location_is_taken_that_gives_users_their_own_mail_and_no_other() {
        for good in ["/m/%d/%n", "~/Maildir", "/m/%u", "maildir:%h/Maildir"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("/m/same", "the same mail"),
            ("/m/%d", "the same mail"),
            ("/m/%q/%n", "variable in a mail location"),
        ] {
            let said = check(bad).unwrap_err();
            assert!(said.contains(why) && said.contains(bad), "{said}");
        }
    }
}
