//! Asks the backend on another machine what it finds beside what this device keeps: itself, or by
//! way of the process that has the directory and the connection.
//!
//! Invariant: it is asked for a bounded time, and only where it can be reached; why it was not is
//! said. Nothing that was found here waits for more than that, or is lost by it. The answer is the
//! same either way.

use std::time::Instant;

use crate::cli::beside::Lost;
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::session::Session;
use crate::engine::elsewhere::FoundThere;
use crate::engine::errands::Question;
use crate::engine::search::Sought;
use crate::engine::{Driver, EngineError};
use crate::notice::{Explain as _, Notice};
use crate::search::Ask;

/// Owners that are asked one after the other, where each quits before it answers.
const OWNERS: usize = 3;

/// What the backend finds; else why it was not asked, in words that go on a sentence.
pub(super) fn ask(home: &Home, ask: &Ask<'_>) -> Result<FoundThere, String> {
    if home.offline {
        return Err("--offline".to_owned());
    }
    let Ask { query, order, typing, limit } = ask;
    let sought = Sought { query: (*query).clone(), order: *order, typing: *typing };
    let question = Question::of(&sought, *limit).ok_or("the query is too long")?;
    let found = somewhere(home, &question)?;
    match found.wrong {
        Some(wrong) => Err(wrong),
        None => Ok(found),
    }
}

/// By whoever has the directory now.
fn somewhere(home: &Home, question: &Question) -> Result<FoundThere, String> {
    let said = |notice: Notice| notice.message;
    for _ in 0..OWNERS {
        let asked = match Desk::open(home).map_err(said)? {
            Desk::Own(session) => return here(*session, question.clone()).map_err(said),
            Desk::Beside(mut guest) => guest.search(question.clone()),
        };
        match asked {
            Ok(found) => return Ok(found),
            Err(Lost::Ended) => {}
            Err(Lost::Refused(notice)) => return Err(notice.message),
            Err(Lost::Unanswered(_)) => {
                return Err("the mailtui that has the connection cannot ask for others".to_owned());
            }
        }
    }
    Err("another mailtui has the connection".to_owned())
}

/// On a connection of our own.
fn here(mut session: Session, question: Question) -> Result<FoundThere, Notice> {
    session.connect()?;
    let notice = |error: EngineError| error.notice();
    let (driver, events) = (&mut session.driver, &session.events);
    let begun = Instant::now();
    let by = |driver: &Driver| Some(begun + driver.device.patience_there());
    let seq = driver.device.ask_there(question);
    let greeted = by(driver);
    let done = driver.until(events, greeted, |driver| Ok(driver.device.can_search_there()));
    done.map_err(notice)?;
    let (answered, mut found) = (by(driver), None);
    let done = driver.until(events, answered, |driver| {
        found = driver.device.take_found_there(seq);
        Ok(found.is_some())
    });
    done.map_err(notice)?;
    // The driver has ended with it, or with why it is not there.
    found.ok_or_else(|| EngineError::Stopped.notice())
}
