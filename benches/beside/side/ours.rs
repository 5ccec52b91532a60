//! Our own: `mailserver`, by the flags that say what the others' files say.

use super::{DISCARDED, DOMAIN, OWNER, Program, within};
use crate::group::Group;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running `mailserver`. Dropping it stops it.
pub(super) struct Ours {
    server: PathBuf,
    data: PathBuf,
    child: Child,
}

impl Ours {
    pub(super) fn start(
        group: &Group,
        folder: &Path,
        server: &Path,
        base: u16,
        sink: u16,
    ) -> io::Result<Self> {
        let data = folder.join("data");
        let said = folder.join("said");
        let mut command = group.command(&server.display().to_string());
        command.arg("--data").arg(&data);
        command.args([
            "--base-port",
            &base.to_string(),
            "--domain",
            DOMAIN,
            "--mail-user",
            OWNER,
        ]);
        command.args(["--mail-location", &format!("{}/mail/%n", folder.display())]);
        command.args([
            "--max-per-address",
            "20000",
            "--transport",
            &format!("{DISCARDED}=discard:"),
        ]);
        command.args(["--relay-all-to", &format!("[127.0.0.1]:{sink}")]);
        command.stdin(Stdio::null()).stdout(File::create(&said)?);
        command.stderr(File::create(folder.join("log"))?);
        let mut child = command.spawn()?;
        let ready = within(Duration::from_secs(30), || {
            let text = fs::read_to_string(&said).unwrap_or_default();
            text.contains("mailserver ready") || child.try_wait().is_ok_and(|over| over.is_some())
        });
        ready?;
        if child.try_wait()?.is_some() {
            let log = fs::read_to_string(folder.join("log"))?;
            return Err(io::Error::other(format!("mailserver did not start: {log}")));
        }
        Ok(Self {
            server: server.to_owned(),
            data,
            child,
        })
    }
}

impl Program for Ours {
    fn version(&self) -> String {
        let out = super::run(Command::new(&self.server).arg("--version"));
        let out = out.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
        out.unwrap_or_default()
    }

    fn flush(&self, group: &Group) -> io::Result<()> {
        let mut command = group.command(&self.server.display().to_string());
        command
            .arg("--data")
            .arg(&self.data)
            .args(["queue", "retry", "ALL"]);
        super::run(&mut command).map(drop)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = super::run(Command::new("kill").args(["-TERM", &self.child.id().to_string()]));
        let _ = within(Duration::from_secs(15), || {
            self.child.try_wait().is_ok_and(|over| over.is_some())
        });
    }
}
