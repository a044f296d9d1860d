//! The small world, and the search through all that can happen in it.
//!
//! Invariant: a world is its three processes' states, what is under way between them, and what may
//! still happen: numbers, compared exactly. What a process makes of an input is played once, on the
//! real thing, and known from then on; so a world costs no more than its numbers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mailtui::crash::faults::{Broken, break_rule};
use mailtui::sync::{Frame, encode};

use super::facts::{Facts, State, together};
use super::play::{Job, Need, Node, Taken};
use super::pool::Pool;
use super::process::{Act, BACKEND, Base, Begun, Given, Input, Machine};
use super::scope::Scope;
use super::world::{AGAIN, CUTS, DEATHS, Move, World};

/// Ways to what is wrong that are told.
const LISTED: usize = 3;

/// How far a search came.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) worlds: usize,
    pub(super) moves: usize,
    pub(super) ends: usize,
    pub(super) deepest: usize,
    /// States of each process.
    pub(super) states: [usize; 3],
    /// Inputs that were played.
    pub(super) played: usize,
    pub(super) wrong: Vec<String>,
}

/// A search.
pub(super) struct Search {
    pub(super) base: Arc<Base>,
    scope: Scope,
    pub(super) broken: Option<Broken>,
    pub(super) nodes: [Vec<Node>; 3],
    names: [HashMap<u128, u32>; 3],
    pub(super) frames: Vec<Frame>,
    frame_ids: HashMap<Vec<u8>, u32>,
    /// What can be under way; the first is nothing.
    queues: Vec<Vec<u32>>,
    queue_ids: HashMap<Vec<u32>, u32>,
    pub(super) running: Pool,
    /// Pairs that were judged.
    judged: HashSet<(u128, u128)>,
    worlds: Vec<World>,
    from: Vec<(u32, Move)>,
    known: HashSet<World>,
    /// Whether orders that come to the same are all played.
    pub(super) every_order: bool,
    pub(super) found: Found,
}

impl Search {
    pub(super) fn new(base: &Arc<Base>, scope: Scope, broken: Option<Broken>) -> Self {
        let mut search = Self {
            base: Arc::clone(base),
            scope,
            broken,
            nodes: [Vec::new(), Vec::new(), Vec::new()],
            names: [HashMap::new(), HashMap::new(), HashMap::new()],
            frames: Vec::new(),
            frame_ids: HashMap::new(),
            queues: vec![Vec::new()],
            queue_ids: HashMap::from([(Vec::new(), 0)]),
            running: Pool::new(),
            judged: HashSet::new(),
            worlds: Vec::new(),
            from: Vec::new(),
            known: HashSet::new(),
            every_order: false,
            found: Found::default(),
        };
        break_rule(broken);
        for who in 0..3 {
            let mut machine = Machine::after(who, base, None, &[], &[]);
            let state = machine.state(&Given::default());
            assert!(state.wrong.is_empty(), "{:?}", state.wrong);
            search.node(who, state, true, None, None);
        }
        break_rule(None);
        search
    }

    /// The number of a state, which may be new, and of the one that it is where nobody dies any
    /// more. `mortal` says whether the state before was one of those that may die.
    pub(super) fn node(
        &mut self,
        who: usize,
        state: State,
        mortal: bool,
        from: Option<(u32, Act)>,
        begun: Option<Begun>,
    ) -> u32 {
        let State { names, facts, known, .. } = state;
        let begun = begun.map(Arc::new);
        let node = |name| {
            let (facts, known, begun) = (facts.clone(), known.clone(), begun.clone());
            let (taken, died, rest, immortal) = (Vec::new(), Vec::new(), None, None);
            Node { name, immortal, facts, known, from, begun, taken, died, rest }
        };
        let nodes = &mut self.nodes[who];
        let mut number = |node: Node| {
            *self.names[who].entry(node.name).or_insert_with(|| {
                nodes.push(node);
                u32::try_from(nodes.len() - 1).expect("not so many")
            })
        };
        let immortal = number(node(names[1]));
        if !mortal {
            return immortal;
        }
        number(Node { immortal: Some(immortal), ..node(names[0]) })
    }

    /// Where nobody dies any more, what a power cut would leave does not matter.
    fn calm(&self, world: &mut World) {
        if world.may(DEATHS) {
            return;
        }
        for (who, at) in world.at.iter_mut().enumerate() {
            *at = self.nodes[who][*at as usize].immortal.unwrap_or(*at);
        }
    }

    pub(super) fn frame(&mut self, frame: Frame) -> u32 {
        let bytes = encode(&frame).expect("encodes");
        *self.frame_ids.entry(bytes).or_insert_with(|| {
            self.frames.push(frame);
            u32::try_from(self.frames.len() - 1).expect("not so many")
        })
    }

    fn queue(&mut self, queue: Vec<u32>) -> u32 {
        if let Some(id) = self.queue_ids.get(&queue) {
            return *id;
        }
        self.queues.push(queue.clone());
        let id = u32::try_from(self.queues.len() - 1).expect("not so many");
        *self.queue_ids.entry(queue).or_insert(id)
    }

    fn push(&mut self, queue: u32, frame: u32) -> u32 {
        let mut queue = self.queues[queue as usize].clone();
        queue.push(frame);
        self.queue(queue)
    }

    fn pop(&mut self, queue: u32) -> u32 {
        self.queue(self.queues[queue as usize][1..].to_vec())
    }

    fn facts(&self, world: &World, who: usize) -> &Facts {
        &self.nodes[who][world.at[who] as usize].facts
    }

    /// What a process may take now, but for what it is told of a connection that ends.
    fn inputs(&self, world: &World, who: usize) -> Vec<Input> {
        let mut inputs = Vec::new();
        if who == BACKEND {
            for at in 0..2_u8 {
                let here = usize::from(at);
                if !world.connected[here] {
                    inputs.push(Input::Dial(at));
                } else if let Some(frame) = self.queues[world.up[here] as usize].first() {
                    inputs.push(Input::Arrive(at, *frame));
                }
            }
            if self.facts(world, who).logs().open {
                inputs.push(Input::Commit);
            } else {
                inputs.push(Input::Work);
                inputs.extend(world.mail.then_some(Input::Mail));
            }
            return inputs;
        }
        let view = self.facts(world, who).view();
        let keys = self.scope.keys.next(world.keys, who);
        inputs.extend(keys.into_iter().map(|(key, _)| Input::Press(key)));
        inputs.extend(view.saving.then_some(Input::Commit));
        inputs.extend((view.unsynced && !view.saving).then_some(Input::Sync));
        if let Some(frame) = self.queues[world.down[who] as usize].first() {
            inputs.push(Input::Hear(*frame));
        }
        inputs
    }

    fn moves(&self, world: &World) -> Vec<Move> {
        let mut moves = Vec::new();
        let first = if self.every_order { [true; 3] } else { self.scope.first(world) };
        for who in (0..3_u8).filter(|who| first[usize::from(*who)]) {
            for input in self.inputs(world, usize::from(who)) {
                moves.push(Move::Take(who, input, false));
                let is_frame = matches!(input, Input::Hear(_) | Input::Arrive(..));
                if is_frame && world.may(AGAIN) && world.old.is_none() {
                    moves.push(Move::Take(who, input, true));
                }
                if world.may(DEATHS) {
                    moves.push(Move::Die(who, input));
                }
            }
            if world.may(DEATHS) {
                moves.push(Move::Die(who, Input::Rest));
            }
        }
        for at in 0..2_u8 {
            if world.connected[usize::from(at)] && world.may(CUTS) {
                moves.push(Move::Cut(at));
            }
        }
        if let Some((at, ..)) = world.old
            && world.connected[usize::from(at)]
        {
            moves.push(Move::Again);
        }
        moves
    }

    fn taken(&self, who: usize, state: u32, input: Input) -> Result<Taken, Need> {
        let taken = &self.nodes[who][state as usize].taken;
        let held = taken.iter().find(|(known, _)| *known == input);
        held.map(|(_, taken)| taken.clone()).ok_or((who, state, Job::Take(input)))
    }

    /// A process takes an input: what it says is under way.
    fn take(
        &mut self,
        world: &mut World,
        who: usize,
        input: Input,
        wrong: &mut Vec<String>,
    ) -> Result<(), Need> {
        let taken = self.taken(who, world.at[who], input)?;
        world.at[who] = taken.state;
        wrong.extend(taken.wrong.iter().cloned());
        for (at, frame) in &taken.frames {
            let at = if who == BACKEND { usize::from(*at) } else { who };
            let queue = if who == BACKEND { world.down[at] } else { world.up[at] };
            let queue = self.push(queue, *frame);
            if who == BACKEND { world.down[at] = queue } else { world.up[at] = queue }
        }
        for at in 0..2 {
            let hung = if who == BACKEND { taken.hung[at] } else { taken.hung[0] && at == who };
            if hung {
                if u32::from(world.left[AGAIN]) == self.scope.again {
                    wrong.push("a connection ends by itself".to_owned());
                }
                self.part(world, at, Some(who), wrong)?;
            }
        }
        Ok(())
    }

    /// A connection is gone; who ended it, or died, knows.
    fn part(
        &mut self,
        world: &mut World,
        at: usize,
        knows: Option<usize>,
        wrong: &mut Vec<String>,
    ) -> Result<(), Need> {
        if !std::mem::take(&mut world.connected[at]) {
            return Ok(());
        }
        (world.up[at], world.down[at]) = (0, 0);
        let device = u8::try_from(at).expect("small");
        for (who, input) in [(at, Input::HangUp), (BACKEND, Input::Gone(device))] {
            if knows != Some(who) {
                self.take(world, who, input, wrong)?;
            }
        }
        Ok(())
    }

    /// Where a move leads, and what is wrong with the way; or what must be played first.
    fn apply(&mut self, world: &World, what: Move) -> Result<Vec<(World, Vec<String>)>, Need> {
        let mut next = *world;
        let mut wrong = Vec::new();
        match what {
            Move::Take(who, input, keep) => {
                let who = usize::from(who);
                self.spent(&mut next, who, input);
                if keep {
                    next.spend(AGAIN);
                    self.calm(&mut next);
                    next.old = Some(match input {
                        Input::Hear(frame) => (u8::try_from(who).expect("small"), false, frame),
                        Input::Arrive(at, frame) => (at, true, frame),
                        _ => panic!("no frame"),
                    });
                }
                self.take(&mut next, who, input, &mut wrong)?;
            }
            Move::Again => {
                let (at, up, frame) = next.old.take().expect("there is one");
                if up {
                    self.take(&mut next, BACKEND, Input::Arrive(at, frame), &mut wrong)?;
                } else {
                    self.take(&mut next, usize::from(at), Input::Hear(frame), &mut wrong)?;
                }
            }
            Move::Cut(at) => {
                next.spend(CUTS);
                self.calm(&mut next);
                self.part(&mut next, usize::from(at), None, &mut wrong)?;
            }
            Move::Die(who, input) => return self.die(world, usize::from(who), input),
        }
        Ok(vec![(next, wrong)])
    }

    /// What an input uses up.
    fn spent(&mut self, world: &mut World, who: usize, input: Input) {
        match input {
            Input::Press(key) => {
                let keys = self.scope.keys.next(world.keys, who).into_iter();
                let mut left = keys.filter(|(known, _)| *known == key).map(|(_, left)| left);
                world.keys = left.next().expect("it is left");
            }
            Input::Mail => world.mail = false,
            Input::Dial(at) => world.connected[usize::from(at)] = true,
            Input::Arrive(at, _) => {
                world.up[usize::from(at)] = self.pop(world.up[usize::from(at)]);
            }
            Input::Hear(_) => world.down[who] = self.pop(world.down[who]),
            _ => {}
        }
    }

    fn die(
        &mut self,
        world: &World,
        who: usize,
        input: Input,
    ) -> Result<Vec<(World, Vec<String>)>, Need> {
        let state = world.at[who];
        let died = &self.nodes[who][state as usize].died;
        let held = died.iter().find(|(known, _)| *known == input);
        let Some(died) = held.map(|(_, died)| died.clone()) else {
            return Err((who, state, Job::Die(input)));
        };
        let mut all = Vec::new();
        for after in died {
            let (mut next, mut wrong) = (*world, after.wrong.clone());
            next.spend(DEATHS);
            self.calm(&mut next);
            // A message that was not taken in comes again; a key that was pressed does not.
            if matches!(input, Input::Press(_)) {
                self.spent(&mut next, who, input);
            }
            for at in 0..2 {
                if who == BACKEND || who == at {
                    self.part(&mut next, at, Some(who), &mut wrong)?;
                }
            }
            next.at[who] = after.state;
            self.calm(&mut next);
            all.push((next, wrong));
        }
        Ok(all)
    }
}

impl Search {
    /// What is wrong with a world: every device shows what it must of the log.
    fn wrong(&mut self, world: &World) -> Vec<String> {
        let mut wrong = Vec::new();
        let Facts::Backend(logs) = self.facts(world, BACKEND).clone() else { return wrong };
        for at in 0..2 {
            let Facts::Device(view) = self.facts(world, at).clone() else { continue };
            if self.judged.insert((view.print, logs.print)) {
                wrong.extend(together(&view, &logs));
            }
        }
        wrong
    }

    /// What is wrong with a world in which nothing can happen any more.
    fn wrong_at_rest(&self, world: &World) -> Result<Vec<String>, Vec<Need>> {
        let mut needs = Vec::new();
        let mut wrong = Vec::new();
        let mut dumps = Vec::new();
        for who in 0..3 {
            match &self.nodes[who][world.at[who] as usize].rest {
                None => needs.push((who, world.at[who], Job::Rest)),
                Some((dump, found)) => {
                    dumps.push(*dump);
                    wrong.extend(found.iter().map(|line| format!("{who}: {line}")));
                }
            }
        }
        if !needs.is_empty() {
            return Err(needs);
        }
        if dumps.iter().any(|dump| *dump != dumps[0]) {
            wrong.push("the tables are not the same".to_owned());
        }
        Ok(wrong)
    }

    fn begin(&self) -> World {
        let left = [self.scope.deaths, self.scope.cuts, self.scope.again, self.scope.faults];
        let mut world = World {
            at: [1; 3],
            up: [0; 2],
            down: [0; 2],
            connected: [false; 2],
            keys: self.scope.keys.begin(),
            mail: self.scope.mail,
            left: left.map(|left| u8::try_from(left).expect("few faults")),
            old: None,
        };
        self.calm(&mut world);
        world
    }

    /// Goes on from a world without keys, mail and faults until nothing moves.
    fn settle(&mut self, mut world: World) -> World {
        loop {
            let moves = self.moves(&world).into_iter();
            let calm = moves.filter(|what| match what {
                Move::Take(_, input, keep) => {
                    !keep && !matches!(input, Input::Press(_) | Input::Mail)
                }
                _ => false,
            });
            let mut moved = false;
            for what in calm.collect::<Vec<_>>() {
                let next = loop {
                    match self.apply(&world, what) {
                        Ok(next) => break next,
                        Err(need) => self.play(vec![need]),
                    }
                };
                assert!(next[0].1.is_empty(), "{:?}", next[0].1);
                moved = next[0].0 != world;
                world = next[0].0;
                if moved {
                    break;
                }
            }
            if !moved {
                return world;
            }
        }
    }

    fn path(&self, mut at: u32) -> Vec<Move> {
        let mut path = Vec::new();
        while at != 0 {
            path.insert(0, self.from[at as usize].1);
            at = self.from[at as usize].0;
        }
        path
    }

    fn complain(&mut self, at: u32, last: Option<Move>, wrong: &[String]) {
        if wrong.is_empty() || self.found.wrong.len() >= LISTED {
            return;
        }
        let mut path = self.path(at);
        path.extend(last);
        let frame = |n: u32| format!("{:?}", self.frames[n as usize]);
        let told = path.iter().map(|what| match what {
            Move::Take(_, Input::Hear(n) | Input::Arrive(_, n), _) => {
                format!("{what:?} = {}", frame(*n).chars().take(600).collect::<String>())
            }
            _ => format!("{what:?}"),
        });
        let told: Vec<String> = told.collect();
        self.found.wrong.push(format!(
            "{}\n  after\n    {}",
            wrong.join("\n"),
            told.join("\n    ")
        ));
    }

    /// Goes through every world that can be reached.
    pub(super) fn run(mut self) -> Found {
        let begin = self.begin();
        let begin = if self.scope.connected { self.settle(begin) } else { begin };
        self.worlds.push(begin);
        self.from.push((0, Move::Again));
        self.known.insert(begin);
        let mut layer = 0..1_u32;
        while !layer.is_empty() && self.found.wrong.is_empty() {
            let end = layer.end;
            self.layer(layer);
            layer = end..u32::try_from(self.worlds.len()).expect("not so many");
            self.found.deepest += 1;
            if std::env::var_os("MAILTUI_EXHAUSTIVE_TELL").is_some() {
                let states = [0, 1, 2].map(|who| self.nodes[who].len());
                println!(
                    "{}: {} worlds, {states:?} states, {} played, {} ends",
                    self.found.deepest,
                    self.worlds.len(),
                    self.found.played,
                    self.found.ends
                );
            }
        }
        self.found.worlds = self.worlds.len();
        self.found.states = [0, 1, 2].map(|who| self.nodes[who].len());
        self.found
    }

    /// Every move from every world of one depth.
    fn layer(&mut self, layer: std::ops::Range<u32>) {
        let mut open: Vec<(u32, Move)> = Vec::new();
        for at in layer.clone() {
            let moves = self.moves(&self.worlds[at as usize]);
            open.extend(moves.into_iter().map(|what| (at, what)));
        }
        self.found.moves += open.len();
        // Worlds in which something happens by itself.
        let mut stirs = vec![false; layer.len()];
        while !open.is_empty() {
            let (mut later, mut needs, mut asked) = (Vec::new(), Vec::new(), HashSet::new());
            for (at, what) in open {
                let world = self.worlds[at as usize];
                match self.apply(&world, what) {
                    Ok(reached) => {
                        for (next, wrong) in reached {
                            let by_itself = matches!(what, Move::Take(_, _, false));
                            stirs[(at - layer.start) as usize] |= by_itself && next != world;
                            self.complain(at, Some(what), &wrong);
                            self.add(at, what, next);
                        }
                    }
                    Err(need) => {
                        later.push((at, what));
                        if asked.insert(format!("{need:?}")) {
                            needs.push(need);
                        }
                    }
                }
            }
            open = later;
            self.play(needs);
        }
        for at in layer.clone().filter(|at| !stirs[(at - layer.start) as usize]) {
            let world = self.worlds[at as usize];
            self.found.ends += 1;
            let wrong = loop {
                match self.wrong_at_rest(&world) {
                    Ok(wrong) => break wrong,
                    Err(needs) => self.play(needs),
                }
            };
            self.complain(at, None, &wrong);
        }
    }

    fn add(&mut self, from: u32, what: Move, world: World) {
        if !self.known.insert(world) {
            return;
        }
        let wrong = self.wrong(&world);
        self.complain(from, Some(what), &wrong);
        self.worlds.push(world);
        self.from.push((from, what));
    }
}
