//! Every order of what can happen to a message, over a small table: what is sent is sent once, and
//! what was taken back in time never.

use super::*;

/// `l` looks and claims, `s t p u` the server took it, refuses for now, for good, says nothing; `k`
/// kills the process, `c` cancels, `z` undoes, `a` tries again what came last, `r` queues the same
/// save beside it, `e` puts a backup back.
const MOVES: &str = "lstpukczare";
/// With `y` that undoes the last cancel, and `w` that changes what was written and queues that.
const ALL_MOVES: &str = "lstpukczareyw";

/// One message on its way through a sequence of moves.
struct Play<'a> {
    scene: &'a mut Scene,
    draft: String,
    /// What is in the hands of this process.
    hand: Option<Due>,
    /// Names under which it was queued.
    names: Vec<String>,
    /// Names that were taken back while they were in nobody's hands.
    back: BTreeSet<String>,
    /// So often a server took it, or may have.
    given: usize,
    /// So often a user wanted it again, knowing that it may have been sent; or wrote another.
    asked: usize,
    /// The cancels that can be undone, and what they took back.
    cancels: Vec<(String, String)>,
    /// What was queued by an action that is undone.
    undone: BTreeSet<String>,
    /// The last save.
    save: String,
    /// Something of it was of unknown end once.
    doubted: bool,
}

impl Play<'_> {
    fn last(&self) -> String {
        self.names.last().cloned().unwrap_or_default()
    }

    /// Does a move; `false` where it has no meaning.
    fn play(&mut self, step: char, at: usize) -> bool {
        self.scene.now += 2 * 3_600;
        let last = self.last();
        match step {
            'l' => self.look(),
            's' | 't' | 'p' | 'u' => {
                let Some(due) = self.hand.take() else { return false };
                self.given += usize::from(matches!(step, 's' | 'u'));
                let given = match step {
                    's' => taken(),
                    't' => later(),
                    'p' => Given::Refused(true, Why::new("no", "no")),
                    _ => Given::Unknown(Why::new("cut", "cut")),
                };
                self.scene.settle(&due, given);
                true
            }
            'k' | 'e' => {
                self.given += usize::from(self.hand.take().is_some());
                self.scene.backend.outbox.dies();
                if step == 'e' {
                    self.scene.backend.epoch = text_id(&format!("e{}", self.scene.now));
                }
                Outbox::stir_all(&self.scene.backend.db, self.scene.now).unwrap();
                true
            }
            'c' => {
                self.take_back();
                self.cancels.push((format!("x{at}"), last.clone()));
                self.scene.cancel(&self.draft, &last, &format!("x{at}"));
                true
            }
            'y' => {
                let Some((cancel, of)) = self.cancels.pop() else { return false };
                if self.cancels.iter().all(|(_, other)| *other != of) && !self.undone.contains(&of)
                {
                    self.back.remove(&of);
                }
                self.scene.undo(&self.draft, &cancel, &format!("y{at}"));
                true
            }
            'w' => {
                let fates = self.names.iter().map(|name| self.scene.fate(&self.draft, name));
                let known = fates.into_iter().all(|fate| !matches!(fate, Fate::Unknown(_)));
                self.asked += usize::from(known && !self.doubted);
                let save = format!("s{}", at + 2);
                self.scene.save(&self.draft, &save, &self.save);
                self.save = save;
                self.queue(at, None);
                true
            }
            'z' => {
                self.take_back();
                self.undone.insert(last.clone());
                self.scene.undo(&self.draft, &last, &format!("z{at}"));
                true
            }
            _ => {
                let again = (step == 'a').then(|| text_id(&format!("{}-{last}", self.draft)));
                let unknown = match self.scene.fate(&self.draft, &last) {
                    Fate::Unknown(_) => true,
                    Fate::Failed(why) => why.contains("may have been"),
                    _ => false,
                };
                self.asked += usize::from(step == 'a' && unknown);
                self.queue(at, again);
                true
            }
        }
    }

    fn queue(&mut self, at: usize, again: Option<EventId>) {
        let (name, save) = (format!("q{at}"), format!("{}-{}", self.draft, self.save));
        self.scene.queue(&self.draft, &name, |queued| {
            (queued.save, queued.again) = (text_id(&save), again);
        });
        self.names.push(name);
    }

    fn take_back(&mut self) {
        let last = self.last();
        let own = format!("{}-{last}", self.draft);
        if self.hand.as_ref().is_none_or(|due| due.queued.as_str() != own) {
            self.back.insert(last);
        }
    }

    fn look(&mut self) -> bool {
        let found = self.scene.due();
        let mut claimed = false;
        for due in found.into_iter().filter(|due| due.store == Scene::store(&self.draft)) {
            if self.hand.is_none() && self.scene.claim(&due) {
                let name = due.queued.as_str().rsplit_once('-').unwrap().1;
                assert!(!self.back.contains(name), "{name} was taken back");
                self.hand = Some(due);
                claimed = true;
            }
        }
        // What is looked at and not claimed is told of by the log.
        claimed || self.hand.is_none()
    }
}

/// Plays a sequence; how many of its moves had a meaning.
fn check(scene: &mut Scene, number: usize, moves: &str) -> usize {
    let draft = format!("d{number}");
    scene.write(&draft, &letter("bob@example.org"));
    scene.queue(&draft, "q", |_| ());
    let mut play = Play {
        scene,
        draft,
        hand: None,
        names: vec!["q".to_owned()],
        back: BTreeSet::new(),
        given: 0,
        asked: 0,
        cancels: Vec::new(),
        undone: BTreeSet::new(),
        save: "s1".to_owned(),
        doubted: false,
    };
    let mut played = 0;
    for (at, step) in moves.chars().enumerate() {
        if !play.play(step, at) {
            break;
        }
        played += 1;
        play.doubted |= play.scene.told(&play.draft).iter().any(|told| told.starts_with("Unknown"));
        assert!(play.given <= 1 + play.asked, "{moves}: {:?}", play.scene.told(&play.draft));
    }
    // Whatever it was, the end is one that the log tells, and nothing is claimed by nobody.
    if let Some(due) = play.hand.take() {
        play.scene.settle(&due, taken());
    }
    let ends: Vec<Fate> =
        play.names.iter().map(|name| play.scene.fate(&play.draft, name)).collect();
    let sent = ends.iter().filter(|fate| **fate == Fate::Sent).count();
    assert!(!ends.contains(&Fate::Sending) || moves.contains(['k', 'e']), "{moves}: {ends:?}");
    assert!(sent <= 1 + play.asked, "{moves}: {ends:?}");
    play.scene.backend.db.sql().execute("DELETE FROM outbox", []).unwrap();
    played
}

/// All sequences of moves of this length, without those that go on behind one without a meaning.
fn all(scene: &mut Scene, first: usize, moves: &str, length: usize) -> usize {
    let moves: Vec<char> = moves.chars().collect();
    let (mut number, mut turn) = (first, vec![0; length]);
    loop {
        let words: String = turn.iter().map(|at| moves[*at]).collect();
        let played = check(scene, number, &words);
        number += 1;
        // On from the first that had no meaning.
        let mut at = played.min(length - 1);
        turn[at + 1..].fill(0);
        loop {
            turn[at] += 1;
            if turn[at] < moves.len() {
                break;
            }
            turn[at] = 0;
            if at == 0 {
                return number;
            }
            at -= 1;
        }
    }
}

#[test]
fn the_log_decides_in_every_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    let short = all(&mut scene, 0, ALL_MOVES, 3);
    let sequences = all(&mut scene, short, MOVES, 4);
    assert!(short > 500 && sequences > 2 * short, "{short} {sequences}");
    // Longer ones that were thought of.
    let thought_of = "ltlkalsal ltclkrlsrl lulalsalrl lkaleals ltelals lkalkalsrl lczltlsrl \
                      lucwls lucwlals luwlals lucwlulals lcyls lclyls lclycls lccyls lczyls \
                      ltclyls lucyals lkwls lulcwlwlals";
    for (at, moves) in thought_of.split(' ').enumerate() {
        check(&mut scene, sequences + at, moves);
    }
}
