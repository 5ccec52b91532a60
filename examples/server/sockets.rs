//! Where the server listens: bound while it still has the rights of whoever started it, served when it is its own user.

use crate::first_run::Unusable;
use crate::options::{AuthPlace, Options, SocketOption};
use crate::owner;
use mailcore::Protocol;
use mailcore::net::auth_server::MailPlace;
use mailcore::net::listen::Listener;
use mailcore::store::auth::User;
use mailcore::store::mailbox::maildir::Maildir;
use nix::unistd::{getegid, geteuid};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;

/// The well-known ports.
const PORTS: [(Protocol, u16); 8] = [
    (Protocol::Lmtp, 24),
    (Protocol::Smtp, 25),
    (Protocol::Pop3, 110),
    (Protocol::Imap, 143),
    (Protocol::Submissions, 465),
    (Protocol::Submission, 587),
    (Protocol::Imaps, 993),
    (Protocol::Pop3s, 995),
];

/// Sockets that are bound and not yet served.
pub struct Sockets {
    tcp: Vec<(Protocol, TcpListener)>,
    unix: Vec<(Protocol, UnixListener)>,
}

impl Sockets {
    /// Binds all that the command line asks for.
    pub fn bind(options: &Options) -> Result<Self, Unusable> {
        let mut tcp = Vec::new();
        for (protocol, port) in PORTS {
            let address = SocketAddr::new(options.listen, options.base_port + port);
            let listener = TcpListener::bind(address).map_err(|e| {
                Unusable(format!(
                    "{address}: {e} (another --base-port N may be free)"
                ))
            })?;
            tcp.push((protocol, listener));
        }
        if let Some(AuthPlace::Inet(address)) = &options.auth_socket {
            let listener =
                TcpListener::bind(address).map_err(|e| Unusable(format!("{address}: {e}")))?;
            tcp.push((Protocol::Auth, listener));
        }
        let mut unix = Vec::new();
        for (protocol, socket) in unix_sockets(options) {
            match owner::bind_socket(socket) {
                Ok(listener) => unix.push((protocol, listener)),
                Err(error) => {
                    // Those that are bound would be in the way of nobody, and still they are none of ours any more.
                    let bound = unix_sockets(options).take(unix.len());
                    bound.for_each(|(_, socket)| drop(std::fs::remove_file(&socket.path)));
                    return Err(error);
                }
            }
        }
        Ok(Self { tcp, unix })
    }

    /// The listeners, within a runtime.
    pub fn listeners(self) -> std::io::Result<Vec<(Protocol, Listener)>> {
        let mut all = Vec::new();
        for (protocol, listener) in self.tcp {
            all.push((protocol, Listener::from_tcp(listener)?));
        }
        for (protocol, listener) in self.unix {
            all.push((protocol, Listener::from_unix(listener)?));
        }
        Ok(all)
    }
}

/// Removes what the server has bound, at its end.
pub fn forget(options: &Options) {
    for (_, socket) in unix_sockets(options) {
        // Best effort: the next start replaces one that is left behind.
        let _ = std::fs::remove_file(&socket.path);
    }
}

fn unix_sockets(options: &Options) -> impl Iterator<Item = (Protocol, &SocketOption)> {
    let auth = match &options.auth_socket {
        Some(AuthPlace::Unix(socket)) => Some(socket),
        _ => None,
    };
    [
        (Protocol::Lmtp, options.lmtp_socket.as_ref()),
        (Protocol::Auth, auth),
        (Protocol::Userdb, options.auth_userdb_socket.as_ref()),
    ]
    .into_iter()
    .filter_map(|(protocol, socket)| Some((protocol, socket?)))
}

/// Whose the mail is and where it lies, for programs that want to go to it themselves.
#[derive(Debug)]
pub struct Owned {
    template: String,
}

impl Owned {
    /// Mail by this template, owned by whom the server runs as.
    pub fn by(template: &str) -> Self {
        let template = template.to_owned();
        Self { template }
    }
}

impl MailPlace for Owned {
    fn fields(&self, user: &User) -> Vec<(String, String)> {
        let mut fields = vec![
            ("uid".to_owned(), geteuid().to_string()),
            ("gid".to_owned(), getegid().to_string()),
        ];
        // A location that cannot be served is no place to send anybody to; a delivery will say why.
        if let Ok(place) = Maildir::place(user, &self.template) {
            fields.push(("mail".to_owned(), format!("maildir:{}", place.display())));
        }
        fields
    }
}
