//! Reports as those read them who get them: by our own MIME reader, and by Python's.

#![allow(clippy::unwrap_used, unreachable_pub)]

mod chosen;
mod form;
mod hostile;
mod python;
mod scene;
