//! For eyes: the real loop on the engine's double, in the terminal that runs the test.

use crate::ui::double::Double;

/// For eyes: the real loop on the double, in a terminal. `MAILTUI_LOOK=inbox cargo test look`.
#[test]
fn look() {
    let Ok(what) = std::env::var("MAILTUI_LOOK") else {
        println!("skipped: MAILTUI_LOOK is not set; it opens the interface in this terminal");
        return;
    };
    let many = what == "many";
    let start = crate::ui::Start {
        first: None,
        first_run: (what == "first").then(|| crate::ui::FirstRun {
            found: vec![crate::ui::Found {
                path: "/home/u/Mail".into(),
                shown: "~/Mail".into(),
                kind: "Maildir".into(),
                messages: Some(41_203),
            }],
            data_dir: "~/.local/share/mailtui".into(),
            home: Some("/home/u".into()),
        }),
        older: false,
        keys: crate::command::bindings::Bindings::default(),
        keys_job: Box::new(|_| {}),
        compose: None,
        demo: false,
        look: crate::ui::Look::default(),
        settings: Box::new(|_| {}),
        asks: false,
        modes: crate::ui::modes::Modes::default(),
        tells: crate::ui::announce::of(&|name| std::env::var_os(name)),
        zone: jiff::tz::TimeZone::UTC,
        clock: Box::new(crate::clock::SystemClock),
        accounts: std::sync::Arc::new(|_, _, _| {}),
        desk: std::sync::Arc::new(|_, _| {}),
        editor: Box::new(|job| crate::ui::compose::desk::EditorSaid {
            slot: job.slot,
            text: None,
            problem: None,
        }),
        open: Box::new(move |_, _, _| Ok(spawn_double(many))),
    };
    crate::ui::run(start).unwrap();
}

/// The double on a thread of its own, with imports that take their time.
fn spawn_double(many: bool) -> crate::engine::handle::EngineHandle {
    use crate::engine::handle::{EngineHandle, Request, Update};
    use crate::engine::view::ImportProgress;
    let (requests, asked) = std::sync::mpsc::channel();
    let (answers, updates) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut double = if many { Double::many(5_000) } else { Double::sample() };
        let _ = answers.send(Update::Labels(double.labels()));
        let _ = answers.send(Update::Status(Double::status()));
        for request in asked {
            if matches!(request, Request::Import(_)) {
                let answers = answers.clone();
                std::thread::spawn(move || {
                    for step in 1..=50 {
                        std::thread::sleep(std::time::Duration::from_millis(100));
                        let _ = answers.send(Update::Import(ImportProgress {
                            done: step * 824,
                            total: Some(41_203),
                            imported: step * 820,
                            failed: step / 20,
                            ended: step == 50,
                        }));
                        let _ = answers.send(Update::Changed);
                    }
                });
                continue;
            }
            for update in double.answer(request) {
                if answers.send(update).is_err() {
                    return;
                }
            }
        }
    });
    EngineHandle { requests, updates }
}
