//! Asks the backend on another machine what it finds beside what this device keeps.
//!
//! Invariant: it is asked for a bounded time, and only where it can be reached; why it was not is
//! said. Nothing that was found here waits for more than that, or is lost by it.

use std::time::{Duration, Instant};

use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::engine::EngineError;
use crate::engine::elsewhere::{FoundThere, question};
use crate::engine::search::Sought;
use crate::notice::{Explain as _, Notice};
use crate::search::Ask;

/// How long the backend may take to say that it searches.
const GREETING: Duration = Duration::from_secs(3);
/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(15);

/// What the backend finds; else why it was not asked, in words that go on a sentence.
pub(super) fn ask(home: &Home, ask: &Ask<'_>) -> Result<FoundThere, String> {
    if home.offline {
        return Err("--offline".to_owned());
    }
    let said = |notice: Notice| notice.message;
    let error = |error: EngineError| error.notice().message;
    let mut session = match Desk::open(home).map_err(said)? {
        Desk::Own(session) => session,
        Desk::Beside(_) => return Err("another mailtui has the connection".to_owned()),
    };
    let Ask { query, order, typing, limit } = ask;
    let sought = Sought { query: (*query).clone(), order: *order, typing: *typing };
    let question = question(0, &sought, *limit).ok_or("the query is too long")?;
    session.connect().map_err(said)?;
    let (driver, events) = (&mut session.driver, &session.events);
    let by = Instant::now() + GREETING;
    driver.until(events, Some(by), |driver| Ok(driver.device.can_search_there())).map_err(error)?;
    driver.device.search_there(question);
    let (by, mut found) = (Instant::now() + ANSWER, None);
    let done = driver.until(events, Some(by), |driver| {
        found = driver.device.news().found;
        Ok(found.is_some())
    });
    done.map_err(error)?;
    let found = found.ok_or("it has not answered")?;
    match found.wrong {
        Some(wrong) => Err(wrong),
        None => Ok(found),
    }
}
