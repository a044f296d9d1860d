//! All that can happen in a small world.

mod facts;
mod process;
mod search;

use std::sync::Arc;
use std::time::Instant;

use mailtui::bridge::Folder;
use mailtui::crash::faults::Broken;
use mailtui::engine::view::Window;
use mailtui::label;
use mailtui::store::disk::CAN_BE_WATCHED;

use crate::exhaustive::process::{Base, Files, Key};
use crate::exhaustive::search::{Found, Scope, Search};
use crate::support::house::{DEVICES, House};
use crate::support::mail::mail;

/// One message in the inbox, known to everybody.
fn base() -> Arc<Base> {
    let mut first = House::of_files(None);
    first.mail("m1", mail("m1").bytes(), Folder::default()).expect("taken in");
    first.talk().expect("quiet");
    let page = first.device(0).expect("open").page(&label::system("inbox"), &Window::First, 1);
    let thread = page.expect("readable").rows[0].thread.clone();
    let devices = [0, 1].map(|at| first.device(at).expect("open").id().clone());
    first.close();
    let files = |name: &str| -> Files {
        let dir = std::fs::read_dir(first.dir().join(name)).expect("readable");
        let files = dir.map(|entry| entry.expect("readable")).map(|entry| {
            (entry.file_name().into(), std::fs::read(entry.path()).expect("readable"))
        });
        files.collect()
    };
    let files = [files(DEVICES[0]), files(DEVICES[1]), files("backend")];
    Arc::new(Base { files, thread, devices })
}

fn told(scope: Scope, found: &Found, begun: Instant) {
    println!(
        "exhaustive: {} worlds, {} moves, {} ends, up to {} moves long, {:?} states, {} inputs \
         played, in {:.1} s: {scope:?}",
        found.worlds,
        found.moves,
        found.ends,
        found.deepest,
        found.states,
        found.played,
        begun.elapsed().as_secs_f32()
    );
}

#[test]
fn every_order_comes_to_agreement() {
    if !CAN_BE_WATCHED {
        return println!("skipped: nobody dies in a release build");
    }
    let env = |name: &str, or: u32| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(or);
    let keys = env("K", 4) as usize;
    let scope = Scope {
        keys: &Key::ALL[..keys],
        mail: env("M", 0) > 0,
        connected: env("C", 1) > 0,
        deaths: env("D", 0),
        cuts: env("U", 0),
        again: env("A", 0),
        faults: env("F", 1),
    };
    let begun = Instant::now();
    let found = Search::new(&base(), scope, None).run();
    told(scope, &found, begun);
    assert!(found.wrong.is_empty(), "{}", found.wrong.join("\n"));
}

#[test]
fn a_broken_rule_is_found() {
    if !CAN_BE_WATCHED {
        return println!("skipped: no rule is broken in a release build");
    }
    let base = base();
    let scope = Scope {
        keys: &[Key::Archive, Key::Undo],
        mail: false,
        connected: true,
        deaths: 1,
        cuts: 1,
        again: 1,
        faults: 1,
    };
    for rule in Broken::ALL {
        let begun = Instant::now();
        let found = Search::new(&base, scope, Some(rule)).run();
        println!("{rule:?}: {:.3000}", found.wrong.first().map_or("NOT FOUND", |line| line));
        told(scope, &found, begun);
    }
}
