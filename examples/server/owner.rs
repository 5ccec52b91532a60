//! Becoming the user that owns the mail, before any thread is started.

use crate::first_run::Unusable;
use crate::lock::FolderLock;
use crate::options::SocketOption;
use mailcore::net::listen::bind_unix;
use nix::unistd::{Gid, Group, Uid, User, geteuid, initgroups, setgid, setuid};
use std::ffi::CString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, fchown, lchown};
use std::os::unix::net::UnixListener;
use std::path::Path;

/// The system user that the server will run as.
#[derive(Debug)]
pub struct Owner(User);

impl Owner {
    /// Looks the user up. Only root may become somebody else.
    pub fn find(name: &str) -> Result<Self, Unusable> {
        let user = User::from_name(name)
            .map_err(|e| Unusable(format!("--mail-user {name}: {e}")))?
            .ok_or_else(|| {
                Unusable(format!(
                    "--mail-user {name}: there is no such user on this system"
                ))
            })?;
        if !geteuid().is_root() && user.uid != geteuid() {
            return Err(Unusable(format!(
                "--mail-user {name}: only root can become another user"
            )));
        }
        Ok(Self(user))
    }

    /// Gives the data folder to the user, with what root has made in it: once, since what lies in a folder that is another
    /// user's already may be a link of his to anything. What has a group of its own was put there by an administrator
    /// and stays his.
    pub fn take_over(&self, folder: &Path, lock: &FolderLock) -> Result<(), Unusable> {
        if !geteuid().is_root() {
            return Ok(());
        }
        let wrong = |e: io::Error| Unusable(format!("{}: {e}", folder.display()));
        fchown(lock.file(), Some(self.uid()), Some(self.gid())).map_err(wrong)?;
        self.give(folder)
    }

    /// A folder goes when all in it has gone, so that nobody else can get at what has not.
    fn give(&self, path: &Path) -> Result<(), Unusable> {
        let wrong = |e: io::Error| Unusable(format!("{}: {e}", path.display()));
        let it = fs::symlink_metadata(path).map_err(wrong)?;
        if (it.uid(), it.gid()) != (0, 0) || self.uid() == 0 {
            return Ok(());
        }
        if it.is_dir() {
            for entry in fs::read_dir(path).map_err(wrong)? {
                self.give(&entry.map_err(wrong)?.path())?;
            }
        }
        lchown(path, Some(self.uid()), Some(self.gid())).map_err(wrong)
    }

    fn uid(&self) -> u32 {
        self.0.uid.as_raw()
    }

    fn gid(&self) -> u32 {
        self.0.gid.as_raw()
    }

    /// Becomes the user for good. Must happen while the process has one thread.
    pub fn become_it(&self) -> Result<(), Unusable> {
        if !geteuid().is_root() {
            return Ok(());
        }
        let wrong = |e: nix::Error| Unusable(format!("becoming {}: {e}", self.0.name));
        let name = CString::new(self.0.name.as_str()).map_err(|e| Unusable(e.to_string()))?;
        initgroups(&name, self.0.gid).map_err(wrong)?;
        setgid(self.0.gid).map_err(wrong)?;
        setuid(self.0.uid).map_err(wrong)
    }
}

/// Binds a Unix socket; one that a dead server has left behind is replaced, one where somebody listens is not.
pub fn bind_socket(option: &SocketOption) -> Result<UnixListener, Unusable> {
    let path = &option.path;
    let wrong = |e: String| Unusable(format!("{}: {e}", path.display()));
    let uid = option.user.as_deref().map(uid_of).transpose()?;
    let gid = option.group.as_deref().map(gid_of).transpose()?;
    if (uid.is_some() || gid.is_some()) && !geteuid().is_root() {
        return Err(wrong("giving it to a user or group needs root".to_owned()));
    }
    let owner = (uid.map(Uid::as_raw), gid.map(Gid::as_raw));
    bind_unix(path, option.mode, owner).map_err(|e| match e.kind() {
        ErrorKind::AddrInUse if is_socket(path) => {
            wrong("another process listens there: stop that one, or take another path".to_owned())
        }
        ErrorKind::AddrInUse => wrong("there is something else".to_owned()),
        _ => wrong(e.to_string()),
    })
}

fn is_socket(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket())
}

/// Raises the number of files that may be open to what the system allows.
pub fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is refused the server has the files it has.
    let _ = setrlimit(Resource::Nofile, limit);
}

fn uid_of(name: &str) -> Result<Uid, Unusable> {
    let user = User::from_name(name).map_err(|e| Unusable(format!("user={name}: {e}")))?;
    user.map(|u| u.uid)
        .ok_or_else(|| Unusable(format!("user={name}: there is no such user on this system")))
}

fn gid_of(name: &str) -> Result<Gid, Unusable> {
    let group = Group::from_name(name).map_err(|e| Unusable(format!("group={name}: {e}")))?;
    group.map(|g| g.gid).ok_or_else(|| {
        Unusable(format!(
            "group={name}: there is no such group on this system"
        ))
    })
}
