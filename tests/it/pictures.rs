//! The README's pictures: list, reader, composer and search, drawn by the program's own views.
//!
//! Invariant: the sample mail goes through the real binary; clock, zone and size are fixed, so that
//! the same program gives the same bytes. `tests/run pictures` draws them again; otherwise a
//! picture that shows an older program fails.

use std::path::PathBuf;

use jiff::tz::{TimeZone, offset};
use mailtui::backend::Reader as Logs;
use mailtui::cli::demo_mail::{WRITTEN, at};
use mailtui::clock::SystemClock;
use mailtui::command::key::{Code, Key};
use mailtui::config::theme::Palette;
use mailtui::engine::Device;
use mailtui::engine::handle::{Request, Update};
use mailtui::engine::original::{Head, Original, OriginalAsk};
use mailtui::engine::search::{Found, Sought};
use mailtui::engine::view::{Link, Status, Window};
use mailtui::id::{LabelId, StoreId, ThreadId};
use mailtui::label;
use mailtui::mail::Address;
use mailtui::mail::compose::Identity;
use mailtui::search::{Ask, Index, Named};
use mailtui::ui::ability::{Ability, Colours};
use mailtui::ui::app::{Beginning, Effect, Message, Model};
use mailtui::ui::theme::Theme;
use mailtui::ui::{update, view};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::support::binary::Home;
use crate::support::svg::picture;

/// Columns and rows of a picture.
const SIZE: (u16, u16) = (100, 30);
/// The largest picture, in bytes.
const MAX_BYTES: usize = 150_000;
/// The conversation under the cursor of the list.
const POINTED: &str = "[tansy-dev] [RFC] Should the compiler say please?";
/// The conversation that the reader shows, below that.
const READ: &str = "The winter rota, and a bet";

/// What is searched, and a search that was saved.
const SEARCHED: &str = "winter OR tansy -is:read";
const SAVED: (&str, &str) = ("Bread", "loaf OR oven");

/// What is written as an answer to it.
const ANSWER: &str = "Two loaves, and I take the third week.\n\nThe bet stands.\n";

/// A theme as a terminal of all colours shows it.
fn theme(name: &str) -> Theme {
    let palette = Palette::built_in(name).expect("built in");
    Theme::painted(&palette, Ability { screen: true, colours: Colours::True, signs: true })
}

/// As whom.
fn me() -> Identity {
    let name = Some("Robin Hale".to_owned());
    let from = Address { name, address: "robin@lindenbread.example".to_owned() };
    Identity { account: None, from, aliases: Vec::new(), signature: String::new(), above: false }
}

/// The program on the sample mail, with a device that answers as the engine does.
struct Program {
    model: Model,
    device: Device,
    logs: Logs,
    index: Index,
}

impl Program {
    fn on(home: &Home) -> Self {
        let mail = home.path("mail");
        std::fs::create_dir(&mail).expect("a directory");
        for (name, mbox) in at(WRITTEN) {
            std::fs::write(mail.join(name), mbox).expect("written");
        }
        home.import(&mail);
        let device = Device::read(&home.data(), Box::new(SystemClock)).expect("readable");
        let device = device.expect("there is mail");
        let logs = Logs::open(&home.data().join("backend")).expect("readable").expect("there");
        let index = Index::read(&home.data().join("backend")).expect("readable").expect("there");
        let page = device.page(&label::system("inbox"), &Window::First, 100).expect("a page");
        let labels = device.labels().expect("labels");
        let status = Status { link: Link::Online { behind: 0 }, ..Status::default() };
        let model = Model::new(Beginning {
            now_ms: WRITTEN * 1_000,
            zone: TimeZone::fixed(offset(1)),
            theme: theme("dark"),
            demo: true,
            first: Some((page, labels, status)),
            first_run: None,
        });
        let mut program = Self { model, device, logs, index };
        program.tell(Message::Resize(SIZE.0, SIZE.1));
        // The pictures are of the program, not of the tour through it.
        program.press('T');
        program
    }

    fn press(&mut self, key: char) {
        let code = if key == '\n' { Code::Enter } else { Code::Char(key) };
        self.tell(Message::Key(Key::plain(code)));
    }

    fn tell(&mut self, message: Message) {
        for effect in update::update(&mut self.model, message) {
            let said = match effect {
                Effect::Ask(Request::Open(thread)) => self.thread(&thread),
                Effect::Ask(Request::Original(ask)) => {
                    let raw = self.logs.blob(&ask.raw).expect("readable").expect("its bytes");
                    let OriginalAsk { ticket, message, .. } = ask;
                    let (head, files) = (Some(Head::read(&raw)), Ok(Vec::new()));
                    Update::Original(Box::new(Original { ticket, message, head, files }))
                }
                Effect::Ask(Request::Search { ticket, sought, limit }) => {
                    let Sought { query, order, typing } = &sought;
                    let ask = Ask { query, limit, order: *order, typing: *typing };
                    let rows = self.device.find(&self.index, &ask, &|| true).expect("readable");
                    Update::Found(ticket, Found { rows, ..Found::default() })
                }
                _ => continue,
            };
            self.tell(Message::Engine(Box::new(said)));
        }
    }

    fn thread(&mut self, thread: &ThreadId) -> Update {
        let log = self.logs.log(&StoreId::thread(thread)).expect("its log");
        self.device.put_log(thread, &log);
        for hash in self.device.text_blobs(thread) {
            let bytes = self.logs.blob(&hash).expect("readable").expect("its text");
            self.device.put_blob(&hash, bytes);
        }
        let found = self.device.thread(thread).expect("readable").expect("there");
        Update::Thread(thread.clone(), Some(Box::new(found)))
    }

    /// Puts the cursor on the conversation with this subject.
    fn find(&mut self, subject: &str) {
        for _ in 0..SIZE.1 {
            let row = self.model.list.current().expect("a row");
            if row.subject.as_deref() == Some(subject) {
                return;
            }
            self.press('j');
        }
        panic!("{subject} is not in the list");
    }

    /// The same on paper.
    fn light(&mut self, title: &str) -> String {
        self.model.theme = theme("light");
        let drawn = self.drawn(title);
        self.model.theme = theme("dark");
        drawn
    }

    fn drawn(&self, title: &str) -> String {
        let area = Rect::new(0, 0, SIZE.0, SIZE.1);
        let mut screen = Buffer::empty(area);
        view::draw(&self.model, area, &mut screen);
        let cells = screen.content.iter();
        let shown: String = cells.map(ratatui::buffer::Cell::symbol).collect();
        assert!(!shown.contains("opening…"), "{title}: it waits for something\n{shown}");
        picture(&screen, title)
    }
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/pictures").join(name)
}

#[test]
fn the_pictures_show_this_program() {
    let home = Home::new();
    let mut program = Program::on(&home);
    program.find(POINTED);
    let list = program.drawn("The list of conversations in mailtui");
    let list_light = program.light("The list of conversations in mailtui, light");
    program.tell(Message::Key(Key { code: Code::Char('k'), ctrl: true }));
    for key in "la".chars() {
        program.press(key);
    }
    let palette = program.drawn("The palette of mailtui");
    program.tell(Message::Key(Key::plain(Code::Esc)));
    program.press('?');
    for key in "label".chars() {
        program.press(key);
    }
    let help = program.drawn("The help of mailtui about a word");
    for _ in 0..2 {
        program.tell(Message::Key(Key::plain(Code::Esc)));
    }
    program.find(READ);
    program.press('\n');
    let reader = program.drawn("A conversation in mailtui");
    let reader_light = program.light("A conversation in mailtui, light");
    program.model.writing.identities = vec![me()];
    program.press('r');
    for key in ANSWER.chars() {
        program.press(key);
    }
    let write = program.drawn("An answer that is being written in mailtui");
    let mut program = Program::on(&Home::new());
    let id = LabelId::try_from("_s_a").expect("an id");
    let (name, query) = (SAVED.0.to_owned(), SAVED.1.to_owned());
    program.model.saved = vec![Named { id, name, query }];
    program.press('/');
    for key in SEARCHED.chars() {
        program.press(key);
    }
    let search = program.drawn("A search in mailtui, as it is typed");
    let draw = std::env::var_os("MAILTUI_PICTURES").is_some();
    let all = [
        ("list.svg", list),
        ("list-light.svg", list_light),
        ("palette.svg", palette),
        ("help.svg", help),
        ("reader.svg", reader),
        ("reader-light.svg", reader_light),
        ("write.svg", write),
        ("search.svg", search),
    ];
    for (name, drawn) in all {
        assert!(drawn.len() <= MAX_BYTES, "{name} has {} bytes", drawn.len());
        if draw {
            std::fs::create_dir_all(path("")).expect("a directory");
            std::fs::write(path(name), &drawn).expect("written");
            println!("drew {}: {} bytes", path(name).display(), drawn.len());
        }
        let kept = std::fs::read_to_string(path(name)).unwrap_or_default();
        assert!(
            kept == drawn,
            "{name} shows an older program; `tests/run pictures` draws it again"
        );
    }
}
