//! The open mail benchmark in its short form: that it runs through on both sides, whatever it measures.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// What must be there; without it the test says so, and passes where nobody demands that all is run.
fn missing() -> Option<&'static str> {
    let programs = [
        "/usr/sbin/smtp-source",
        "/usr/sbin/postfix",
        "/usr/sbin/dovecot",
        "/usr/lib/dovecot/lmtp",
        "/usr/lib/dovecot/pop3",
    ];
    let missing = programs.into_iter().find(|it| !Path::new(it).exists());
    let root = std::fs::metadata("/proc/self").is_ok_and(|it| {
        use std::os::unix::fs::MetadataExt;
        it.uid() == 0
    });
    missing.or((!root).then_some("root"))
}

/// The server, which lies beside the benchmark once everything was built.
fn server() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_beside"));
    let server = beside.with_file_name("mailserver");
    if !server.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--bin", "mailserver"]);
        assert!(build.status().unwrap().success());
    }
    server
}

#[test]
fn both_sides_run_through_all_cases_and_ratios_are_reported() {
    if let Some(what) = missing() {
        let required = std::env::var("MAILCORE_FOREIGN").is_ok_and(|v| v == "required");
        assert!(!required, "{what} is missing");
        eprintln!("not run: {what} is missing");
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_beside"));
    command
        .args(["--short", "--rounds", "1", "--server"])
        .arg(server());
    command.arg("--out").arg(out.path());
    let ran = command.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let table = std::fs::read_to_string(out.path().join("table.md")).unwrap();
    for case in [
        "SMTP intake, 10 sessions",
        "STORE 1:*",
        "logins, plain",
        "draining",
    ] {
        assert!(table.contains(case), "no {case} in:\n{table}");
    }
    let results = std::fs::read(out.path().join("results.json")).unwrap();
    let results: serde_json::Value = serde_json::from_slice(&results).unwrap();
    let all = results.as_array().unwrap();
    assert!(all.len() > 40, "{}", all.len());
    for outcome in all {
        for side in ["theirs", "ours"] {
            let values = outcome[side]["values"].as_array().unwrap();
            assert_eq!(values.len(), 1, "{}", outcome["case"]);
        }
    }
    assert!(out.path().join("ratios.svg").exists());
}
