//! The server's side: one [`Session`] for each connection.
//!
//! A session owns its buffers, its limits and its words. What it does not know it asks ([`Ask`]); what belongs
//! to the message it lends ([`Content`]). It keeps no policy, opens nothing, and never reads a clock. Three
//! lifetimes, three structs: [`Facts`] of the connection, the [`Transaction`] of one message, and the one question that
//! is open.

mod answer;
mod body;
mod command;
mod content;
mod errors;
mod facts;
mod lines;
mod options;
mod pending;
mod question;
mod session;
mod speak;
mod step;
mod tally;
mod transaction;
mod words;

pub use facts::{Claimed, Facts, Greeted, LoggedIn, Peer, Trust};
pub use options::{AuthOffer, Flavour, LineEnds, Options, StartTls};
pub use question::{
    Abandoned, Auth, AuthAnswer, AuthFailure, Begin, Connect, Etrn, Finish, Header, Hello, Mail,
    Offer, Outcome, Outcomes, Question, Rcpt, Refusal, Secured, Topic, Unknown, Verdict, Verify,
    Welcome,
};
pub use session::Session;
pub use step::{Ask, Content, Step};
pub use tally::{Count, Ended, Last, Tally};
pub use transaction::Transaction;
