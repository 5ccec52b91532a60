//! The words of mailboxes: names, UIDs, flags and what changed.

mod name;
