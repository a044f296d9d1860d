//! The link to the server is cut further and further into what is said to it, also within a
//! command.
//!
//! Invariant: nothing is lost and nothing doubled, on either side, wherever it was cut.

use super::{LOOK, assert_equal, change, fill, look};
use crate::support::binary::{Home, run_within};
use crate::support::dovecot::Dovecot;
use crate::support::link::Link;

#[test]
fn a_link_that_is_cut_further_and_further_loses_and_doubles_nothing() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    fill(&mut client, 240);
    let link = Link::to(server.imap);
    let home = Home::new();
    server.account(&home, "u1", link.port);
    // Each look gets a little further than the last, until one gets to the end.
    let mut cuts = 0;
    for round in 0..ROUNDS {
        if round % 5 == 4 {
            change(&mut client, usize::try_from(round).unwrap());
            mark_here(&home, round);
        }
        link.cut_after(round * FURTHER);
        let run = run_within(home.command(&["--sync-only", "--json"]), LOOK);
        // What is cut while it waits for news has all it wanted.
        let was_cut = link.was_cut();
        cuts += usize::from(was_cut && run.code() == Some(4));
        if run.code() != Some(4) {
            assert_eq!(run.ok().object()["accounts"][0]["whole"], true);
        }
        link.cut_after(-1);
    }
    println!("the link was cut {cuts} times");
    assert!(cuts > 30, "the link was cut {cuts} times");
    look(&home);
    assert_equal(&home, &mut client, "the cuts");
    home.assert_healthy("the cuts");
}

/// How often the link is cut, and how many bytes further each time.
const ROUNDS: i64 = 60;
const FURTHER: i64 = 50;

/// Something to write to the server.
pub(super) fn mark_here(home: &Home, round: i64) {
    let threads = home.threads("inbox");
    if threads.len() < 3 {
        return; // not taken in yet
    }
    let at = |n: i64| &threads[usize::try_from(n).unwrap() % threads.len()];
    home.run(&["star", at(round)]).ok();
    home.run(&["archive", at(round + 1)]).ok();
    home.run(&["trash", at(round + 2)]).ok();
}
