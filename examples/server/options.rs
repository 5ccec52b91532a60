//! The command line of `mailserver`. Its words are kept stable.

use crate::transports::TransportRule;
use clap::Parser;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// A complete mail server. Without any option it makes its data folder, a certificate and two users, and says
/// how to reach it.
#[derive(Debug, Parser)]
#[command(
    name = "mailserver",
    version,
    after_help = "Ports are the base port plus the well-known number: 10025 SMTP, 10465 and 10587 submission,\n\
                  10024 LMTP, 10143 and 10993 IMAP, 10110 and 10995 POP3.\n\
                  DIR/users is a passwd-file; it is read again when it changes."
)]
pub struct Options {
    /// The folder for users, certificate and mail; made where it is missing
    #[arg(long, value_name = "DIR", default_value = "mailcore-data")]
    pub data: PathBuf,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// What is added to each well-known port number
    #[arg(long, value_name = "N", default_value_t = 10000, value_parser = clap::value_parser!(u16).range(..=64540))]
    pub base_port: u16,
    /// A domain to take mail for; may be given several times [default: example.test]
    #[arg(long = "domain", value_name = "NAME")]
    pub domains: Vec<String>,
    /// Where a user's mail lies: %u user, %n its local part, %d its domain, %h or ~ the `home` that the users' file names
    /// [default: DIR/mail/%d/%n/Maildir]
    #[arg(long, value_name = "TEMPLATE")]
    pub mail_location: Option<String>,
    /// Whether other hosts, mailserver's or Dovecot's, serve the same mail over NFS. `yes` takes care of them (as Dovecot
    /// does with mmap_disable, mail_fsync=always, mail_nfs_storage and mail_nfs_index): no index, no inotify, each host
    /// a name of its own. `no` is quicker, for one host alone. `auto` is `yes` where the mail lies on NFS
    #[arg(long, value_name = "auto|yes|no", value_enum, hide_possible_values = true, default_value_t = Shared::Auto)]
    pub shared_mail: Shared,
    /// The system user that owns the mail; the server runs as it (needs root, unless you are that user)
    #[arg(long, value_name = "NAME")]
    pub mail_user: Option<String>,
    /// Most mailboxes that are watched at a time while sessions have them open; others, or all with 0, are looked at every five
    /// seconds
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub watched_mailboxes: usize,
    /// A file of aliases: `name: target, target …` a line
    #[arg(long, value_name = "FILE")]
    pub aliases: Option<PathBuf>,
    /// Most connections from one address at a time
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_per_address: u32,
    /// Names are looked up in this file, read again when it changes, and in nothing else: for tests and closed networks
    #[arg(long, value_name = "FILE")]
    pub zone: Option<PathBuf>,
    // Not a comment for the documentation, which would take the brackets for a link.
    #[arg(
        long,
        value_name = "HOST:PORT",
        help = "Hand all mail for other domains to this server: HOST, HOST:PORT, or [HOST]:PORT for no look at its MX records"
    )]
    pub relay_all_to: Option<String>,
    /// Send the mail for a domain another way: by smtp, relay or lmtp to a host, or discard, error, retry with a reason; may be
    /// given several times
    #[arg(long = "transport", value_name = "DOMAIN=TRANSPORT:NEXTHOP")]
    pub transports: Vec<TransportRule>,
    /// Let domains with the same mail exchangers count as one destination: they share its connections, and its being dead
    #[arg(long)]
    pub group_by_mx: bool,
    /// Serve LMTP on this Unix socket too (user and group need root)
    #[arg(long, value_name = "PATH[,mode=,user=,group=]")]
    pub lmtp_socket: Option<SocketOption>,
    /// Log in the clients of other servers by Dovecot's protocol: on this Unix socket (user and group need root), or on a
    /// TCP port, where whoever reaches it may try passwords
    #[arg(long, value_name = "PATH[,mode=,user=,group=]|inet:ADDRESS:PORT")]
    pub auth_socket: Option<AuthPlace>,
    /// Tell other programs of the users by Dovecot's protocol, on this Unix socket (user and group need root)
    #[arg(long, value_name = "PATH[,mode=,user=,group=]")]
    pub auth_userdb_socket: Option<SocketOption>,
    /// Tell figures to Prometheus: `GET /metrics` over HTTP on this port of 127.0.0.1, or on ADDRESS:PORT, where whoever
    /// reaches it may read them
    #[arg(long, value_name = "[ADDRESS:]PORT", value_parser = metrics_address)]
    pub metrics: Option<SocketAddr>,
    /// What to do; without it, serve
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Whether other hosts serve the same mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shared {
    /// Where it lies on NFS.
    Auto,
    /// They may.
    Yes,
    /// They do not.
    No,
}

/// What else the program does, with the server that runs on the data folder.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Look at the mail that waits, and change what becomes of it
    Queue {
        /// What to do
        #[command(subcommand)]
        command: crate::queue::Command,
    },
}

/// A Unix socket to make: where, with which mode, for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketOption {
    /// Its path.
    pub path: PathBuf,
    /// Its mode; the owner alone by default.
    pub mode: u32,
    /// Its owner's name.
    pub user: Option<String>,
    /// Its group's name.
    pub group: Option<String>,
}

/// Where logins for other servers are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthPlace {
    /// On a Unix socket.
    Unix(SocketOption),
    /// On a TCP port.
    Inet(SocketAddr),
}

/// Where figures are told.
fn metrics_address(text: &str) -> Result<SocketAddr, String> {
    let port = || {
        text.parse()
            .map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)))
    };
    text.parse()
        .or_else(|_| port())
        .map_err(|_| format!("`{text}` is neither PORT nor ADDRESS:PORT"))
}

impl FromStr for AuthPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("inet:") {
            Some(address) => match address.parse() {
                Ok(address) => Ok(Self::Inet(address)),
                Err(_) => Err(format!("`{address}` is no ADDRESS:PORT")),
            },
            None => text.parse().map(Self::Unix),
        }
    }
}

impl FromStr for SocketOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split(',');
        let path = words
            .next()
            .filter(|p| !p.is_empty())
            .ok_or("a path is missing")?;
        let mut socket = Self {
            path: path.into(),
            mode: 0o600,
            user: None,
            group: None,
        };
        for word in words {
            match word.split_once('=') {
                Some(("mode", octal)) => {
                    socket.mode = u32::from_str_radix(octal, 8)
                        .ok()
                        .filter(|mode| *mode <= 0o777)
                        .ok_or_else(|| format!("`{octal}` is no octal mode such as 0660"))?;
                }
                Some(("user", name)) if !name.is_empty() => socket.user = Some(name.to_owned()),
                Some(("group", name)) if !name.is_empty() => socket.group = Some(name.to_owned()),
                _ => return Err(format!("`{word}` is none of mode=, user=, group=")),
            }
        }
        Ok(socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_option_takes_mode_and_owner() {
        let socket: SocketOption = "/run/lmtp,mode=0660,user=postfix,group=mail"
            .parse()
            .unwrap();
        assert_eq!(socket.mode, 0o660);
        assert_eq!(
            (socket.user.as_deref(), socket.group.as_deref()),
            (Some("postfix"), Some("mail"))
        );
        assert_eq!("/run/lmtp".parse::<SocketOption>().unwrap().mode, 0o600);
    }

    #[test]
    fn a_wrong_socket_option_says_what_is_wrong() {
        for wrong in [
            "",
            "/x,mode=9",
            "/x,mode=7777777",
            "/x,owner=me",
            "/x,user=",
        ] {
            assert!(wrong.parse::<SocketOption>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn logins_are_served_on_a_path_or_a_port() {
        let inet: AuthPlace = "inet:127.0.0.1:12345".parse().unwrap();
        assert_eq!(inet, AuthPlace::Inet("127.0.0.1:12345".parse().unwrap()));
        let unix: AuthPlace = "/run/auth,mode=0660".parse().unwrap();
        assert!(matches!(unix, AuthPlace::Unix(socket) if socket.mode == 0o660));
        assert!("inet:mail.example.test:1".parse::<AuthPlace>().is_err());
    }

    #[test]
    fn the_command_line_is_the_promised_one() {
        let line = "mailserver --data d --listen 127.0.0.1 --base-port 20000 --domain a.test --domain b.test \
                    --mail-location /m/%d/%n --mail-user vmail --aliases a --max-per-address 9 --lmtp-socket /s,mode=600 \
                    --auth-socket /a,mode=660 --auth-userdb-socket /u --shared-mail yes";
        let options = Options::try_parse_from(line.split_whitespace()).unwrap();
        assert_eq!(options.domains, ["a.test", "b.test"]);
        assert_eq!(options.base_port, 20000);
        assert_eq!(options.shared_mail, Shared::Yes);
        assert!(Options::try_parse_from(["mailserver", "--base-port", "65000"]).is_err());
    }
}
