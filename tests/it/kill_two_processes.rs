//! A device and a backend, of which one is killed while the other waits for it: at every named
//! crash point, and at random moments.
//!
//! Invariant: a crash point that neither process reaches is a failure; which of both reaches it is
//! not asked.

use std::time::Duration;

use crate::support::RUN_DEADLINE;
use crate::support::binary::{Home, Run, finish, run};
use crate::support::record::{Random, Record, Work};
use crate::support::serve::Serve;

const SIGKILL: i32 = 9;
/// Imports during which the backend is killed.
const KILLS: usize = 6;

/// A backend, a device with some mail through it, and what that device may rely on.
fn device_with_mail() -> (Serve, Home, Record) {
    let (serve, device, mut record) = (Serve::start(), Home::new(), Record::default());
    let import = Work::import(&device, "kept", 8);
    through(&serve, &device, &import, None).ok();
    record.acknowledge(&import);
    (serve, device, record)
}

fn through(serve: &Serve, device: &Home, work: &Work, crash: Option<&str>) -> Run {
    let args: Vec<&str> = work.args.iter().map(String::as_str).collect();
    let mut command = serve.command(device, &args);
    command.envs(crash.map(|point| ("MAILTUI_CRASH_AT", point)));
    run(command)
}

fn kept(numbers: std::ops::Range<i64>) -> Vec<String> {
    numbers.map(|n| format!("kept-{n:03}")).collect()
}

/// Works with one of both armed; whether that one died.
fn crash_at(point: &str, backend_is_armed: bool) -> bool {
    let (mut serve, device, mut record) = device_with_mail();
    let works: [fn(&Home) -> Work; 4] = [
        |home| Work::import(home, "more", 5),
        |home| Work::archive(home, &kept(1..4)),
        |home| Work::label(home, &kept(3..6)),
        |home| Work::purge(home, &kept(5..7)),
    ];
    let mut died = false;
    for work in works.map(|work| work(&device)) {
        if backend_is_armed && !died {
            serve.stop();
            serve.restart_armed(point);
        }
        let first = through(&serve, &device, &work, Some(point).filter(|_| !backend_is_armed));
        let backend_died = serve.has_died();
        let device_died = first.signal() == Some(SIGKILL);
        if backend_died || device_died {
            died = true;
            let when = format!("after a crash at {point} in {:?}", work.args);
            record.assert_holds(&device, Some(&work), &when);
            if backend_died {
                assert!(matches!(first.code(), Some(0 | 5)), "{when}: {first}");
                serve.restart();
            }
            through(&serve, &device, &work, None).ok();
        } else {
            first.ok();
        }
        record.acknowledge(&work);
        record.assert_holds(&device, None, &format!("after {:?} and {point}", work.args));
    }
    let other = Home::new();
    serve.sync(&other);
    record.assert_holds(&other, None, &format!("on another device, after {point}"));
    serve.stop();
    device.assert_healthy(point);
    serve.assert_healthy(point);
    died
}

#[test]
fn every_crash_point_of_a_device_and_its_backend() {
    // All points are tried, so that one run names every point that does not hold.
    let holds = |point: &&&str| {
        let both = || crash_at(point, true) || crash_at(point, false);
        matches!(std::panic::catch_unwind(both), Ok(true))
    };
    let failed: Vec<_> = mailtui::crash::POINTS.iter().filter(|point| !holds(point)).collect();
    assert!(failed.is_empty(), "not reached, or they do not hold: {failed:?}");
}

#[test]
fn a_backend_that_is_killed_under_imports_doubles_nothing() {
    let mut serve = Serve::start();
    let (device, mut record) = (Home::new(), Record::default());
    let mut random = Random(7);
    for round in 0..KILLS {
        let work = Work::import(&device, &format!("far{round}"), 25);
        let args: Vec<&str> = work.args.iter().map(String::as_str).collect();
        let child = serve.command(&device, &args).spawn().expect("the program starts");
        std::thread::sleep(Duration::from_millis(random.below(300)));
        serve.kill();
        let first = finish(child, "import".into(), RUN_DEADLINE);
        assert!(matches!(first.code(), Some(0 | 5)), "{first}");
        serve.restart();
        serve.run(&device, &args).ok();
        record.acknowledge(&work);
        record.assert_holds(&device, None, &format!("round {round}"));
    }
    serve.stop();
    device.assert_healthy("the backend's kills");
    serve.assert_healthy("kills");
}
