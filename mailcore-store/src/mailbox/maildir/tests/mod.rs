//! Tests of what holds a mailbox in memory, against the simplest thing that does the same.

mod table;
