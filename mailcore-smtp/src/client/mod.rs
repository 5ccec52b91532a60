//! The client's side: one [`Session`] for each connection, over which any number of messages go.
//!
//! A session owns its buffers, its patience and the order of commands. What it does not know it asks ([`Ask`]):
//! how to log in, what to send next, the octets of a message. It connects to nothing, resolves nothing, converts
//! no message, keeps no password and never reads a clock; what becomes of a recipient is told once ([`Done`]), and
//! whether to try again is for others to decide. Three lifetimes, three structs: [`Facts`] of the connection, the
//! sending of one message, and the one question that is open.

mod answer;
mod commands;
mod content;
mod due;
mod encoder;
mod facts;
mod hello;
mod line;
mod login;
mod message;
mod offers;
mod options;
mod pending;
mod question;
mod replies;
mod sending;
mod session;
mod stage;
mod step;
mod trouble;

pub use crate::server::Flavour;
pub use content::Content;
pub use facts::Facts;
pub use message::{Message, Outcome};
pub use offers::Offers;
pub use options::{Options, Timeouts, Tls};
pub use question::{
    Authenticate, Authenticated, Challenge, Done, LogIn, Order, Question, Ready, Response, Secured,
    Topic,
};
pub use session::Session;
pub use stage::Stage;
pub use step::{Ask, Step};
pub use trouble::{Ended, Needs, Trouble};
