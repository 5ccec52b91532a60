//! Mail between servers: several of ours, scripted ones and foreign ones, in networks closed by zone files.

mod completion;
mod dsn;
mod flush;
mod foreign;
mod full;
mod hanging;
mod mx;
pub mod net;
mod orders;
mod postfix;
mod reports;
mod scripted;
mod ways;
