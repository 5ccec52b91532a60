//! IMAP and POP3 as pure state machines: bytes and answers in, bytes and questions out.
//!
//! [`server`] is the IMAP4rev1 server (RFC 3501 with LITERAL+ SASL-IR LOGIN-REFERRALS ID ENABLE IDLE NAMESPACE CHILDREN UIDPLUS
//! UNSELECT MOVE SPECIAL-USE CONDSTORE QRESYNC ESEARCH SEARCHRES WITHIN SORT SORT=DISPLAY ESORT THREAD I18NLEVEL=1
//! CONTEXT=SEARCH MULTIAPPEND CATENATE URL-PARTIAL BINARY LIST-EXTENDED LIST-STATUS STATUS=SIZE COMPRESS=DEFLATE
//! STARTTLS LOGINDISABLED), [`types`] are the words that it shares with its driver, [`sort`] and [`thread`] put
//! messages in order for it; [`pop3`] is the POP3 server. Parsing and writing are their own affair.
//!
//! Nothing in here touches a socket, a file, a clock or randomness, and nothing knows a store: who drives a
//! machine answers its questions from whatever store there is.

mod parse;
pub mod pop3;
pub mod server;
pub mod sort;
pub mod thread;
pub mod types;
mod write;
