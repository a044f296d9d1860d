//! The integration tests, one binary: what a user of the program can rely on, seen from outside.
//!
//! Invariant: every `.rs` file beside this one is listed here, so that no test is forgotten. A
//! test here drives the real binary by the command line's contract, or reads the source; it must
//! not reach into rooms' private state.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what is wrong by panicking; its support code is test code too"
)]

mod account_add;
mod account_discover;
mod account_dovecot;
mod architecture;
mod attachments;
mod backup;
mod bad_backend;
mod bad_frames;
mod bad_input;
mod blobs;
mod bootstrap;
mod contract_files;
mod contract_import;
mod contract_kept;
mod contract_list;
mod contract_send;
mod contract_triage;
mod contract_write;
mod corpora_attachments;
mod corpora_files;
mod corpora_parse;
mod corpora_reader;
mod corpora_search;
mod corpora_threads;
mod corpora_words;
mod damage;
mod demo_mail;
mod drafts;
mod exhaustive;
mod export;
mod fold;
mod format_3;
mod format_4;
mod formats;
mod frames;
mod fuzz;
mod healing;
mod hostile_text;
mod imap;
mod imap_gmail;
mod imap_hostile;
mod imap_late;
mod import_follow;
mod import_formats;
mod import_watch;
mod keeping;
mod kept_logs;
mod kill;
mod kill_import;
mod kill_two_processes;
mod label_manage;
mod linear;
mod links;
mod livestore_vectors;
mod mail_rules;
mod materializers;
mod memory;
mod one_click;
mod outbox;
mod overlay;
mod own_mail;
mod pictures;
mod power;
mod pty_accounts;
mod pty_beside_scripts;
mod pty_citizen;
mod pty_corpora;
mod pty_end;
mod pty_first_run;
mod pty_hard;
mod pty_job;
mod pty_links;
mod pty_original;
mod pty_pictures;
mod pty_search;
mod pty_search_there;
mod pty_tour;
mod pty_triage;
mod pty_write;
mod purge;
mod readme;
mod removed;
mod restore;
mod restore_kill;
mod restore_mail;
mod saved_searches;
mod scenarios;
mod search;
mod seed_events;
mod seen;
mod sending;
mod settings;
mod simulation;
mod smtp_cuts;
mod smtp_outbox;
mod smtp_servers;
mod smtp_steps;
mod snooze;
mod stopped;
mod storage_faults;
mod support;
mod sync_rules;
mod told;
mod traps;
mod two_processes;
mod undo_history;
mod upgrades;
mod writing_kill;
mod written;

/// Files and folders of this directory that are modules, without the ending.
fn modules_on_disk(dir: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("tests/it is there") {
        let path = entry.expect("readable").path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_source = path.extension().is_some_and(|e| e == "rs") && name != "main";
        if is_source || path.join("mod.rs").exists() {
            found.push(name);
        }
    }
    found.sort();
    found
}

/// The modules that a `main.rs` lists, one `mod x;` a line.
fn modules_listed(source: &str) -> Vec<String> {
    let names = source.lines().filter_map(|l| l.strip_prefix("mod ")?.strip_suffix(';'));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn every_file_here_is_listed() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    assert_eq!(modules_listed(include_str!("main.rs")), modules_on_disk(&dir));
    assert_eq!(modules_listed("mod b;\n// mod x;\nmod a;\n"), ["a", "b"]);
}
