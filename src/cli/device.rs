//! `device`: what this device keeps of a remote backend's conversations.
//!
//! Invariant: what is chosen is on disk when the command returns, also without a connection. What
//! goes is gone then, unless another process owns the directory: that lets go of it between keys.

use serde_json::json;

use crate::cli::args::DeviceVerb;
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::engine::policy::Policy;
use crate::engine::{Device, EngineError, KeptSum};
use crate::id::ThreadId;
use crate::notice::{Exit, Explain as _, Notice};

/// Says or changes what is kept.
pub(super) fn run(home: &Home, output: Output, verb: Option<DeviceVerb>) -> Result<Exit, Notice> {
    let notice = |error: EngineError| error.notice();
    match verb {
        None => say(home, output),
        Some(DeviceVerb::Keep { what, limit: None }) if what.is_empty() => say(home, output),
        Some(DeviceVerb::Keep { what, limit }) => {
            let mut desk = open(home)?;
            let mut policy = desk.device().policy().map_err(notice)?;
            if !what.is_empty() {
                policy = policy.parse(&what).map_err(|line| {
                    Notice::error("policy", line, "see `mailtui device keep --help`")
                        .exit(Exit::Usage)
                })?;
            }
            policy.limit = limit.unwrap_or(policy.limit);
            let sum = match &mut desk {
                Desk::Own(session) => {
                    let device = &mut session.driver.device;
                    device.keep(&policy).and_then(|()| device.let_go()).map_err(notice)?
                }
                Desk::Beside(guest) => guest.keep(&policy)?,
            };
            told(desk.device(), output, &policy, sum)
        }
        Some(DeviceVerb::Pin { threads }) => pin(home, output, &threads, true),
        Some(DeviceVerb::Unpin { threads }) => pin(home, output, &threads, false),
    }
}

fn open(home: &Home) -> Result<Desk, Notice> {
    if !home.is_remote() {
        let line = "this data directory has its backend inside, which keeps everything";
        let hint = "only a device of another backend keeps a part";
        return Err(Notice::error("embedded", line, hint));
    }
    Desk::open(home)
}

fn pin(home: &Home, output: Output, names: &[String], pinned: bool) -> Result<Exit, Notice> {
    let mut threads = Vec::with_capacity(names.len());
    for name in names {
        let none = |_| EngineError::NoThread(crate::safe_text::line(name)).notice();
        threads.push(ThreadId::try_from(name.as_str()).map_err(none)?);
    }
    let mut desk = open(home)?;
    let sum = match &mut desk {
        Desk::Own(session) => {
            let device = &mut session.driver.device;
            let done = device.pin_kept(&threads, pinned).and_then(|()| device.let_go());
            done.map_err(|error| error.notice())?
        }
        Desk::Beside(guest) => guest.pin(&threads, pinned)?,
    };
    let policy = desk.device().policy().map_err(|error| error.notice())?;
    told(desk.device(), output, &policy, sum)
}

fn say(home: &Home, output: Output) -> Result<Exit, Notice> {
    let Some(device) = home.reader()? else { return Ok(Exit::Done) };
    if !home.is_remote() {
        let value = json!({ "device": device.id(), "keep": ["all"], "limit": null });
        output.result(&value, || format!("{}: everything, beside its backend", device.id()))?;
        return Ok(Exit::Done);
    }
    let notice = |error: EngineError| error.notice();
    let sum = device.kept_sum().map_err(notice)?;
    told(&device, output, &device.policy().map_err(notice)?, sum)
}

fn told(device: &Device, output: Output, policy: &Policy, sum: KeptSum) -> Result<Exit, Notice> {
    let value = json!({
        "device": device.id(), "keep": policy.words(), "limit": policy.limit,
        "threads": sum.threads, "whole": sum.whole, "pinned": sum.pinned, "bytes": sum.bytes,
    });
    output.result(&value, || {
        let words = policy.words().join(" ");
        let (threads, bytes, limit) = (sum.threads, sum.bytes, policy.limit);
        format!("{}: {words}; {threads} threads, {bytes} of {limit} bytes", device.id())
    })?;
    Ok(Exit::Done)
}
