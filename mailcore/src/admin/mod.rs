//! What administrators do to a server that runs (Postfix: postqueue, postsuper, postcat): functions that return what there
//! is to show. They print nothing and parse no arguments.

mod queue;

pub use queue::{QueueDesk, Selection};
