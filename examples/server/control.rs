//! The control socket: how `mailserver queue …` speaks to the server that runs. A Unix socket in the data folder that only
//! the server's own user may open.
//!
//! A request is its words, one a line, up to end of file. The answer is text to print, and a last line with the exit
//! code; an answer without one was cut off.

mod places;
mod shown;

use crate::first_run::Unusable;
use mailcore::admin::QueueDesk;
use places::{Places, Read, Silence};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};
use tokio::net::{UnixListener, UnixStream};

/// Octets of a request.
const LONGEST: u64 = 64 * 1024;
/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take to be served, and to read the answer.
const SERVED: Duration = Duration::from_secs(300);
/// Requests that are served side by side. Who comes then takes the place of a client that is silent.
const MOST: usize = 16;

/// Where the socket of a data folder is.
pub fn path(data: &Path) -> PathBuf {
    data.join("control")
}

/// Begins to listen; a socket that a server left behind is replaced (that none runs on this folder has been checked).
pub fn bind(data: &Path) -> io::Result<UnixListener> {
    let path = path(data);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves requests until it is dropped.
pub async fn serve(listener: UnixListener, desk: QueueDesk) {
    let places = Places::new(MOST);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let Some(place) = places.take().await else {
                    return;
                };
                let desk = desk.clone();
                places.serve(place, |silence| async move {
                    match tokio::time::timeout(SERVED, answer(stream, &desk, silence)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => tracing::warn!("control: {error}"),
                        Err(_) => tracing::warn!("control: a client did not read its answer"),
                    }
                });
            }
            Err(error) => {
                tracing::warn!("control: {error}");
                // Out of files, most likely: somebody has to close one first.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn answer(mut stream: UnixStream, desk: &QueueDesk, silence: Silence) -> io::Result<()> {
    let (reading, writing) = stream.split();
    let mut request = String::new();
    let mut reading = reading.take(LONGEST + 1);
    tokio::time::timeout(PATIENCE, reading.read_to_string(&mut request)).await??;
    silence.ends();
    let mut out = BufWriter::new(Read(writing, silence));
    if request.len() as u64 > LONGEST {
        // Half of a request must not be done.
        out.write_all(b"mailserver: too many words at once\n64\n")
            .await?;
        return out.flush().await;
    }
    let words: Vec<String> = request.lines().map(str::to_owned).collect();
    let code = crate::queue::run(&words, desk, &mut out).await?;
    out.write_all(format!("{code}\n").as_bytes()).await?;
    out.flush().await
}

/// Asks the server of a data folder, prints what it answers, and gives back its exit code.
pub fn ask(data: &Path, words: &[String]) -> Result<u8, Unusable> {
    use std::io::{BufRead, BufReader, IsTerminal, Write};
    if words.iter().any(|word| word.contains('\n')) {
        return Err(Unusable("a queue id is one word".to_owned()));
    }
    let path = path(data);
    let wrong = |e: io::Error| {
        Unusable(match e.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!(
                "no server runs on {} (--data DIR names another folder)",
                data.display()
            ),
            _ => format!("{}: {e}", path.display()),
        })
    };
    let mut stream = std::os::unix::net::UnixStream::connect(&path).map_err(wrong)?;
    let request: String = words.iter().map(|word| format!("{word}\n")).collect();
    stream.write_all(request.as_bytes()).map_err(wrong)?;
    stream.shutdown(std::net::Shutdown::Write).map_err(wrong)?;
    let mut last: Option<Vec<u8>> = None;
    let mut out = io::stdout().lock();
    let terminal = out.is_terminal();
    for line in BufReader::new(stream).split(b'\n') {
        let line = line.map_err(wrong)?;
        if let Some(mut line) = last.replace(line) {
            if terminal {
                line = shown::shown(&line).into_bytes();
            }
            let written = out.write_all(&line).and_then(|()| out.write_all(b"\n"));
            if written.is_err() {
                return Ok(0); // nobody reads any more, as with `| head`
            }
        }
    }
    let code = last.and_then(|line| String::from_utf8(line).ok()?.parse().ok());
    code.ok_or_else(|| Unusable("the server broke off its answer".to_owned()))
}
