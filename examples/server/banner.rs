//! What the server says when it is ready: where it listens, who may log in, and what to try.

use crate::first_run::DataFolder;
use crate::options::Options;
use std::fmt::Write;

/// The text in front of `mailserver ready`.
pub fn banner(options: &Options, hostname: &str, folder: &DataFolder) -> String {
    let mut out = String::new();
    let at = |well_known: u16| {
        let port = options.base_port + well_known;
        std::net::SocketAddr::new(options.listen, port).to_string()
    };
    let host = match options.listen {
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        std::net::IpAddr::V4(ip) => ip.to_string(),
    };
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "mailcore {} as {hostname}, data in {}\n\n\
         \x20 SMTP        {:24} relays for this host alone\n\
         \x20 submission  {:24} STARTTLS; {} TLS\n\
         \x20 LMTP        {}\n\
         \x20 IMAP        {:24} STARTTLS; {} TLS\n\
         \x20 POP3        {:24} STLS;     {} TLS\n\n",
        env!("CARGO_PKG_VERSION"),
        folder.root().display(),
        at(25),
        at(587),
        at(465),
        at(24),
        at(143),
        at(993),
        at(110),
        at(995),
    );
    if folder.made.is_empty() {
        let _ = writeln!(
            out,
            "Users are in {} (passwords were shown when they were made).",
            folder.users().display()
        );
        return out + "\n";
    }
    let _ = writeln!(
        out,
        "Users, shown this once (they are kept in {}):\n",
        folder.users().display()
    );
    for (user, password) in &folder.made {
        let _ = writeln!(out, "  {user}  password  {password}");
    }
    let certificate = folder.certificate();
    if let [(alice, password), (bob, _), ..] = folder.made.as_slice() {
        let _ = write!(
            out,
            "\nTry:\n\n\
             \x20 $ printf 'Subject: hello\\n\\nFirst mail.\\n' | curl -s --crlf smtp://{host}:{} --mail-from {bob} \
             --mail-rcpt {alice} -T -\n\
             \x20 $ curl -s --cacert '{cert}' --user '{alice}:{password}' 'imaps://{host}:{}/INBOX;MAILINDEX=1'\n\n",
            options.base_port + 25,
            options.base_port + 993,
            cert = certificate.display(),
        );
    }
    out
}
