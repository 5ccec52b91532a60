//! The open mail benchmark: a real Postfix and Dovecot, and mailcore, side by side on one machine, in one run. Both are
//! started with equal settings and driven in turn with the same tools; what is compared are ratios of medians.
//!
//! It needs root (the others do), and Debian's packages `postfix`, `dovecot-imapd`, `dovecot-pop3d`, `dovecot-lmtpd` and
//! `openssl`. It talks to nobody but this machine.

#![allow(unreachable_pub, reason = "a program has no public interface")]

mod cases;
mod group;
mod load;
mod result;
mod sample;
mod side;

use cases::{Case, Lab, Scale};
use clap::Parser;
use result::Outcome;
use side::Side;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Measures mailcore beside a real Postfix and Dovecot.
#[derive(Debug, Parser)]
struct Options {
    /// Rounds of each case, the sides in turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only the cases with this in their name; may be given several times
    #[arg(long)]
    only: Vec<String>,
    /// So little work that it only shows that everything runs
    #[arg(long)]
    short: bool,
    /// Says which cases there are
    #[arg(long)]
    list: bool,
    /// The server to measure, built already [default: one is built with `--release`]
    #[arg(long, value_name = "PROGRAM")]
    server: Option<PathBuf>,
    /// Where the results go
    #[arg(long, value_name = "DIR", default_value = "target/beside")]
    out: PathBuf,
    /// The disk to work on: a folder is made in it, and removed
    #[arg(long, value_name = "DIR", default_value = "/var/tmp")]
    disk: PathBuf,
    /// The first of the ports that are used, about 2,200 of them
    #[arg(long, default_value_t = 12_000)]
    port: u16,
}

type Done<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("beside: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Done<()> {
    let wanted = |case: &Case| {
        options.only.is_empty() || options.only.iter().any(|word| case.name.contains(word))
    };
    let cases: Vec<Case> = cases::all().into_iter().filter(wanted).collect();
    if options.list {
        cases.iter().for_each(|case| println!("{}", case.name));
        return Ok(());
    }
    let server = match &options.server {
        Some(server) => fs::canonicalize(server)?,
        None => build()?,
    };
    allow_many_files();
    group::Group::sweep()?;
    let folder = tempfile::Builder::new()
        .prefix("beside")
        .tempdir_in(&options.disk)?;
    let_others_in(folder.path())?;
    let scale = match options.short {
        true => Scale::SHORT,
        false => Scale::WHOLE,
    };
    let (first, second, sink) = (options.port, options.port + 1100, options.port + 1050);
    let lab = Lab::new(scale, sink, folder.path().to_owned());
    let sides = Side::both(folder.path(), &server, [first, second], sink)?;
    for side in &sides {
        cases::fill(side, &lab)?;
    }
    let mut outcomes = Vec::new();
    for case in &cases {
        outcomes.push(measure(case, &sides, &lab, options.rounds));
        write(options, &sides, &outcomes)?; // a run that is cut off has what it got
    }
    report(options, &sides, &outcomes)
}

/// The rounds of one case. Who comes first changes from round to round.
fn measure(case: &Case, sides: &[Side; 2], lab: &Lab, rounds: usize) -> Outcome {
    let mut outcome = Outcome::of(case);
    eprint!("{}:", case.name);
    for round in 0..rounds.max(1) {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for at in order {
            let Some(side) = sides.get(at) else { continue };
            match (case.work)(side, lab) {
                Ok(sample) if at == 0 => outcome.theirs.add(&sample),
                Ok(sample) => outcome.ours.add(&sample),
                Err(error) => outcome.failure = Some(format!("{}: {error}", side.name)),
            }
        }
        if let Some(Ok(sample)) = case.bare.as_ref().map(|bare| bare(lab)) {
            outcome.bare.add(&sample);
        }
        if outcome.failure.is_some() {
            break;
        }
        eprint!(" {}", round + 1);
    }
    let ratio = outcome
        .ratio()
        .map_or(String::new(), |it| format!("{it:.1} times"));
    eprintln!("  {}", outcome.failure.clone().unwrap_or(ratio));
    outcome
}

/// Writes the results so far; the table.
fn write(options: &Options, sides: &[Side; 2], outcomes: &[Outcome]) -> Done<String> {
    fs::create_dir_all(&options.out)?;
    let [theirs, ours] = sides;
    let title = format!("{} beside {}", ours.version(), theirs.version());
    let table = result::table(outcomes, [theirs.name, ours.name]);
    let table = format!("{title}, {} rounds\n\n{table}", options.rounds);
    fs::write(options.out.join("table.md"), &table)?;
    fs::write(
        options.out.join("results.json"),
        serde_json::to_vec_pretty(outcomes)?,
    )?;
    fs::write(
        options.out.join("ratios.svg"),
        result::chart(outcomes, &title),
    )?;
    Ok(table)
}

fn report(options: &Options, sides: &[Side; 2], outcomes: &[Outcome]) -> Done<()> {
    println!(
        "{}\nalso in {}",
        write(options, sides, outcomes)?,
        options.out.display()
    );
    match outcomes
        .iter()
        .filter(|outcome| outcome.failure.is_some())
        .count()
    {
        0 => Ok(()),
        failed => Err(format!("{failed} cases failed").into()),
    }
}

/// Builds the server.
fn build() -> Done<PathBuf> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(cargo);
    command
        .current_dir(&root)
        .args(["build", "--release", "--bin", "mailserver"]);
    if !command.status()?.success() {
        return Err("the server could not be built".into());
    }
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(fs::canonicalize(target.join("release/mailserver"))?)
}

/// The servers run as other users, below this folder.
fn let_others_in(folder: &Path) -> Done<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(
        folder,
        fs::Permissions::from_mode(0o755),
    )?)
}

/// Sessions are thousands.
fn allow_many_files() {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum;
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, limit); // fewer sessions then
}
