//! What a process makes of an input: played on the real thing, on all cores, once.
//!
//! Invariant: what is learned is the same whichever core was faster. A state that nobody is in any
//! more is reached again by the steps that led to it from a start. That costs more than all else:
//! who is in a state goes on from it, and who took an input that changes nothing takes the next.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mailtui::crash::faults::{Broken, break_rule};
use mailtui::sync::Frame;

use super::facts::{Facts, State};
use super::process::{Act, Base, Begun, Death, Given, Input, Machine};
use super::search::Search;
use super::tables::Known;

/// What must be played before a world can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Job {
    Take(Input),
    Die(Input),
    Rest,
}

impl Job {
    /// First what mostly changes nothing, last what needs a process of its own.
    const fn turn(&self) -> u8 {
        match self {
            Self::Take(Input::Work) => 0,
            Self::Take(_) => 1,
            Self::Die(_) | Self::Rest => 2,
        }
    }
}

/// Who, in which state, what.
pub(super) type Need = (usize, u32, Job);

/// What a process makes of an input.
#[derive(Clone, Default)]
pub(super) struct Taken {
    pub(super) state: u32,
    pub(super) frames: Vec<(u8, u32)>,
    pub(super) hung: [bool; 2],
    pub(super) wrong: Vec<String>,
}

impl Taken {
    fn is(&self, other: &Self) -> bool {
        (self.state, &self.frames, self.hung) == (other.state, &other.frames, other.hung)
    }
}

/// A state of a process.
pub(super) struct Node {
    pub(super) name: u128,
    /// What it is where nobody dies any more, if it is none of those itself.
    pub(super) immortal: Option<u32>,
    pub(super) facts: Facts,
    /// What was read of its files.
    pub(super) known: Known,
    /// How it was reached first.
    pub(super) from: Option<(u32, Act)>,
    /// Where to begin to reach it again, if not at the state before.
    pub(super) begun: Option<Arc<Begun>>,
    pub(super) taken: Vec<(Input, Taken)>,
    /// States after a death over an input.
    pub(super) died: Vec<(Input, Vec<Taken>)>,
    pub(super) rest: Option<(u128, Vec<String>)>,
}

/// What playing a job gave.
enum Played {
    Taken(State, Vec<(u8, Frame)>, [bool; 2], Option<Box<Machine>>),
    Died(Vec<(Act, State, Option<Begun>)>),
    Rest(u128, Vec<String>),
    Panicked(String),
}

/// What is to be played in a state, how to reach that, and who is in it already.
struct Work {
    who: usize,
    state: u32,
    name: u128,
    jobs: Vec<Job>,
    begun: Option<Arc<Begun>>,
    acts: Vec<Act>,
    known: Known,
    running: Mutex<Option<Box<Machine>>>,
}

/// What the workers of a round share.
struct Round<'a> {
    base: &'a Arc<Base>,
    broken: Option<Broken>,
    frames: &'a [Frame],
    works: Vec<Work>,
    next: AtomicUsize,
    /// Processes that may still be kept running.
    room: AtomicUsize,
    /// By the number of the work, and of the job in it.
    played: Mutex<Vec<((usize, usize), Played)>>,
}

impl Round<'_> {
    fn work(&self) {
        break_rule(self.broken);
        loop {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(work) = self.works.get(at) else { break };
            let mut here = work.running.lock().unwrap().take();
            for (n, job) in work.jobs.iter().enumerate() {
                let machine = here.take();
                let played = catch_unwind(AssertUnwindSafe(|| self.play(work, *job, machine)));
                let played = played.unwrap_or_else(|panic| {
                    let text = panic.downcast_ref::<String>().cloned();
                    let literal = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                    (Played::Panicked(text.or(literal).unwrap_or_default()), None)
                });
                here = played.1;
                self.played.lock().unwrap().push(((at, n), played.0));
            }
            *work.running.lock().unwrap() = here.filter(|_| self.has_room());
        }
        break_rule(None);
    }

    fn has_room(&self) -> bool {
        let less = |room: usize| room.checked_sub(1);
        self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Plays a job with who is in its state, if anybody is; and who is in it afterwards.
    fn play(
        &self,
        work: &Work,
        job: Job,
        here: Option<Box<Machine>>,
    ) -> (Played, Option<Box<Machine>>) {
        let Work { who, begun, acts, known, .. } = work;
        let begun = begun.as_deref();
        let again = || {
            let mut machine = Box::new(Machine::after(*who, self.base, begun, acts, self.frames));
            machine.recall(known.clone());
            machine
        };
        let mut machine = here.unwrap_or_else(again);
        match job {
            Job::Take(input) => {
                let act = Act { input, dies: None };
                let given = machine.act(act, self.frames).expect("nobody dies");
                let state = machine.state(&given);
                let stays = state.names.contains(&work.name);
                let (here, gone) =
                    if stays { (Some(machine), None) } else { (None, Some(machine)) };
                let gone = gone.filter(|_| self.has_room());
                (Played::Taken(state, given.frames, given.hung, gone), here)
            }
            Job::Die(input) => {
                let mut died = Vec::new();
                let rests = input == Input::Rest;
                for point in u64::from(!rests).. {
                    let deaths = machine.deaths(input, point, self.frames);
                    if deaths.is_empty() {
                        break;
                    }
                    died.extend(deaths);
                    if rests {
                        break;
                    }
                    machine = again();
                }
                (Played::Died(died), None)
            }
            Job::Rest => {
                let (dump, wrong) = machine.at_rest();
                (Played::Rest(dump, wrong), None)
            }
        }
    }
}

impl Machine {
    /// The states after a death at this point of an input: as a kill leaves it, and as a power cut
    /// does where that is something else.
    fn deaths(
        &mut self,
        input: Input,
        point: u64,
        frames: &[Frame],
    ) -> Vec<(Act, State, Option<Begun>)> {
        let given = Given::default();
        if !self.falls(input, point, frames) {
            return Vec::new();
        }
        let mut states = Vec::new();
        let mut begun = Some(self.begun());
        if !self.disk.is_synced() {
            let death = Death { point, power: true };
            let state = self.after_power_cut().state(&given);
            states.push((Act { input, dies: Some(death) }, state, begun.take()));
        }
        self.start_again();
        let death = Death { point, power: false };
        states.push((Act { input, dies: Some(death) }, self.state(&given), begun));
        states
    }
}

impl Search {
    /// From where, and by which steps, a state is reached.
    fn way(&self, who: usize, mut state: u32) -> (Option<Arc<Begun>>, Vec<Act>) {
        let mut acts = Vec::new();
        loop {
            let node = &self.nodes[who][state as usize];
            let Some((before, act)) = node.from.filter(|_| node.begun.is_none()) else {
                acts.reverse();
                return (node.begun.clone(), acts);
            };
            acts.push(act);
            state = before;
        }
    }

    /// Plays what is needed, on all cores.
    pub(super) fn play(&mut self, needs: Vec<Need>) {
        self.found.played += needs.len();
        let mut jobs: BTreeMap<(usize, u32), Vec<Job>> = BTreeMap::new();
        for (who, state, job) in needs {
            jobs.entry((who, state)).or_default().push(job);
        }
        let works = jobs.into_iter().map(|((who, state), mut jobs)| {
            jobs.sort_by_key(Job::turn);
            let running = Mutex::new(self.running.take((who, state)));
            let (begun, acts) = self.way(who, state);
            let Node { name, known, .. } = &self.nodes[who][state as usize];
            Work { who, state, name: *name, jobs, begun, acts, known: known.clone(), running }
        });
        let round = Round {
            works: works.collect(),
            base: &self.base,
            broken: self.broken,
            frames: &self.frames,
            next: AtomicUsize::new(0),
            room: AtomicUsize::new(self.running.room()),
            played: Mutex::default(),
        };
        let players = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..players.min(round.works.len()) {
                scope.spawn(|| round.work());
            }
        });
        let (works, mut played) = (round.works, round.played.into_inner().unwrap());
        // The same whichever core was faster.
        played.sort_by_key(|(at, _)| *at);
        for ((work, n), played) in played {
            let Work { who, state, jobs, .. } = &works[work];
            self.learn((*who, *state, jobs[n]), played);
        }
        for Work { who, state, running, .. } in works {
            let here = running.into_inner().unwrap();
            if let Some(machine) = here {
                self.running.put((who, state), machine);
            }
        }
    }

    fn learn(&mut self, (who, state, job): Need, played: Played) {
        match (played, job) {
            (Played::Taken(next, frames, hung, machine), Job::Take(input)) => {
                let act = Act { input, dies: None };
                let taken = self.reached((who, state), act, next, None);
                let frames = frames.into_iter().map(|(at, frame)| (at, self.frame(frame)));
                let taken = Taken { frames: frames.collect(), hung, ..taken };
                if let Some(machine) = machine {
                    self.running.put((who, taken.state), machine);
                }
                // Who may still die does the same as who may not.
                let nodes = &mut self.nodes[who];
                if let Some(twin) = nodes[state as usize].immortal {
                    let next = nodes[taken.state as usize].immortal.unwrap_or(taken.state);
                    let here = Taken { state: next, ..taken.clone() };
                    let twin = &mut nodes[twin as usize].taken;
                    match twin.iter().find(|(known, _)| *known == input) {
                        None => twin.push((input, here)),
                        Some((_, there)) => assert!(here.is(there), "one name, two things"),
                    }
                }
                nodes[state as usize].taken.push((input, taken));
            }
            (Played::Died(all), Job::Die(input)) => {
                let mut died: Vec<Taken> = Vec::new();
                for (act, next, begun) in all {
                    let taken = self.reached((who, state), act, next, begun);
                    let new = died.iter().all(|known| known.state != taken.state);
                    if new || !taken.wrong.is_empty() {
                        died.push(taken);
                    }
                }
                self.nodes[who][state as usize].died.push((input, died));
            }
            (Played::Rest(dump, wrong), _) => {
                self.nodes[who][state as usize].rest = Some((dump, wrong));
            }
            (Played::Panicked(text), job) => {
                let wrong = vec![format!("it panicked: {text}")];
                let taken = Taken { state, wrong: wrong.clone(), ..Taken::default() };
                let node = &mut self.nodes[who][state as usize];
                match job {
                    Job::Take(input) => node.taken.push((input, taken)),
                    Job::Die(input) => node.died.push((input, vec![taken])),
                    Job::Rest => node.rest = Some((0, wrong)),
                }
            }
            _ => panic!("another job's"),
        }
    }

    /// A state that a step led to.
    fn reached(
        &mut self,
        (who, before): (usize, u32),
        act: Act,
        mut next: State,
        begun: Option<Begun>,
    ) -> Taken {
        let mut wrong = std::mem::take(&mut next.wrong);
        let power = act.dies.is_some_and(|death| death.power);
        wrong.extend(next.facts.shrunk(&self.nodes[who][before as usize].facts, power));
        let mortal = self.nodes[who][before as usize].immortal.is_some();
        let state = self.node(who, next, mortal, Some((before, act)), begun);
        Taken { state, wrong, ..Taken::default() }
    }
}
