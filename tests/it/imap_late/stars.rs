//! Stars of conversations of several messages, which both sides give and take: a key stars a
//! conversation, a server has stars of messages.
//!
//! Invariant: whoever said what when, at the end each message that is shown as starred is starred
//! at the server, and no other.

use mailtui::clock::Clock as _;
use mailtui::command::intent::Change;
use mailtui::imap::Wish;

use super::server::Command;
use super::{ACCOUNT, MESSAGES, Play, place_of, setting};

/// Messages of one conversation.
const TALK: usize = 2;
/// Seeds without `MAILTUI_LATE_SEEDS`.
const SEEDS: u64 = 24;

impl Play {
    fn any(&mut self) -> usize {
        usize::try_from(self.dice.below(MESSAGES as u64)).expect("small")
    }

    /// The user stars a conversation, no more, or moves it.
    pub(super) fn key_of_talk(&mut self) {
        let n = self.any();
        let change = match self.dice.below(5) {
            0 | 1 => Change::Star(true),
            2 | 3 => Change::Star(false),
            _ => {
                let to = usize::try_from(self.dice.below(2)).expect("small");
                Change::Place(place_of(to))
            }
        };
        self.press(n - n % TALK, change);
    }

    /// The other client stars a message, no more, or moves it.
    pub(super) fn other_of_talk(&mut self) {
        let n = self.any();
        match self.dice.below(5) {
            0 | 1 => self.server.star(n, true),
            2 | 3 => self.server.star(n, false),
            _ => {
                let to = usize::try_from(self.dice.below(2)).expect("small");
                self.server.take(n, to);
            }
        }
        self.tell(format!("n{n}: the other client: {:?}", self.server.of(n)));
    }

    /// Stars that only one side has.
    fn wrong_stars(&mut self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (first, thread) in self.threads.clone() {
            self.world.device_mut(0).load(&thread).expect("loads");
            self.world.sync();
            let shown = self.world.device_mut(0).thread(&thread).expect("readable").expect("there");
            assert_eq!(shown.messages.len(), TALK, "all of n{first} is there");
            let (mut here, mut there) = (Vec::new(), Vec::new());
            for (n, message) in (first..).zip(&shown.messages) {
                here.push(message.flags.starred);
                there.push(self.server.of(n).iter().any(|(_, mail)| mail.starred));
            }
            let any = there.contains(&true);
            if here != there || shown.row.starred != any {
                let row = shown.row.starred;
                wrong.push(format!("n{first}: here {here:?}, in the list {row}, there {there:?}"));
            }
        }
        wrong
    }
}

#[test]
fn a_star_is_on_the_same_messages_on_both_sides() {
    let first = setting("MAILTUI_LATE_SEED", 1);
    let seeds = setting("MAILTUI_LATE_SEEDS", SEEDS);
    let mut failed = Vec::new();
    for seed in first..first + seeds {
        let mut play = Play::new(seed, TALK);
        play.play();
        let wrong = play.wrong_stars();
        if !wrong.is_empty() {
            if failed.is_empty() || seeds == 1 {
                println!("{}", play.told.join("\n"));
            }
            println!("MAILTUI_LATE_SEEDS=1 MAILTUI_LATE_SEED={seed}: {wrong:#?}");
            failed.push(seed);
        }
    }
    println!("{{\"stars\":{seeds},\"failed\":{}}}", failed.len());
    assert!(failed.is_empty(), "seeds {failed:?}");
}

/// A conversation of n0 and n1, which the user has starred; nothing happens by chance.
fn starred() -> Play {
    let mut play = Play::new(1, TALK);
    play.quiet = true;
    play.is_open = false;
    play.press(0, Change::Star(true));
    play
}

/// That only n0 is starred, on both sides, now and later.
fn assert_first_starred(mut play: Play, why: &str) {
    for _ in 0..2 {
        play.settle();
        let there = [0, 1].map(|n| play.server.of(n)[0].1.starred);
        assert_eq!((play.wrong_stars(), there), (Vec::new(), [true, false]), "{why}");
    }
}

#[test]
fn a_star_of_another_client_that_is_taken_for_ours_is_shown_where_it_is() {
    let mut play = starred();
    play.connect();
    let wish = Wish { most: 500, early: false, connection: play.connection, looks: 1 };
    let now = play.world.clock.now();
    let orders = play.world.backend().edge_orders(ACCOUNT, &wish, now).expect("readable");
    play.commit();
    assert_eq!(orders.len(), 1, "the newest is to be starred, and the link is cut before it is");
    play.is_open = false;
    play.server.star(0, true);
    assert_first_starred(play, "what the other client starred");
}

#[test]
fn ours_that_is_written_while_the_newest_is_away_is_shown_where_it_is() {
    let mut play = starred();
    play.server.take(1, 1);
    play.connect();
    assert!(play.look(0).is_ok_and(|heard| !heard), "n1 has left, and is not found yet");
    assert!(play.write(true).is_ok(), "it is written early");
    assert_first_starred(play, "what was there to be starred");
}

#[test]
fn a_star_that_is_taken_back_while_it_is_away_is_taken_back() {
    let mut play = starred();
    play.settle();
    play.server.take(1, 1);
    play.press(0, Change::Star(false));
    assert!(play.write(false).is_ok(), "where it was nothing is left");
    assert!(play.look(0).is_ok(), "n1 has left, and is not found yet");
    assert!(play.write(false).is_ok(), "and nothing is there to be written");
    play.settle();
    let there = [0, 1].map(|n| play.server.of(n)[0].1.starred);
    assert_eq!((play.wrong_stars(), there), (Vec::new(), [false, false]));
}

/// A key starred the conversation, and not the message: the key stands.
#[test]
fn the_star_of_a_message_that_another_client_expunged_goes_to_what_is_left() {
    let mut play = starred();
    play.settle();
    let there = [0, 1].map(|n| play.server.of(n)[0].1.starred);
    assert_eq!(there, [false, true], "the newest has it");
    let mut inbox = play.server.folders[0].mails.iter();
    let uid = inbox.find_map(|(uid, mail)| (mail.n == 1).then_some(*uid));
    let uids = vec![uid.expect("it is in the inbox")];
    play.server.carry_out(&Command::Delete { folder: 0, uids });
    play.settle();
    let row = play.world.device(0).row(&play.threads[&0]).expect("readable").expect("it is there");
    assert_eq!((row.message_count, row.starred), (1, true));
    assert!(play.server.of(0)[0].1.starred, "both sides show it");
}
