//! The program itself: help, quitting, the choices of the first run, and closing what is on top.

use super::context::Context::{
    self, Colours, Everywhere, FirstRun, Help, History, List, Picker, Prompt, Reader,
};
use super::registry::{Command, Group, Verb};

/// The declarations.
pub const PROGRAM: [Command; 14] = [
    declare("choose", "Do what is chosen", "go", &[FirstRun], &["Enter", "o"], Verb::Choose),
    declare(
        "choose-number",
        "Do the choice with this number",
        "",
        &[FirstRun],
        &["1", "2", "3", "4", "5"],
        Verb::ChooseNumber,
    ),
    declare("stop", "Stop the import; what is in stays", "", &[FirstRun], &["Esc"], Verb::Stop),
    declare("accept", "Accept", "accept", &[Prompt, Colours], &["Enter"], Verb::Accept),
    declare("apply", "Put on or take off, and close", "apply", &[Picker], &["Enter"], Verb::Accept),
    declare("toggle", "Put on or take off, and stay", "toggle", &[Picker], &["Tab"], Verb::Toggle),
    declare("cancel", "Close", "close", &[Picker, Colours, Prompt], &["Esc"], Verb::Close),
    declare("leave", "Back from the history", "back", &[History], &["q", "Esc"], Verb::Back),
    declare("close-help", "Close the help", "close", &[Help], &["Esc", "q", "?"], Verb::Close),
    declare(
        "help",
        "Show the keys",
        "help",
        &[FirstRun, List, Reader, History],
        &["?"],
        Verb::Help,
    ),
    declare(
        "quit",
        "Quit; waits until all is saved",
        "quit",
        &[FirstRun, List],
        &["q"],
        Verb::Quit,
    ),
    declare("suspend", "Stop; `fg` goes on", "", &[Everywhere], &["C-z"], Verb::Suspend),
    declare("redraw", "Draw the screen again", "", &[Everywhere], &["C-l"], Verb::Redraw),
    declare("stop-now", "Quit; twice: at once", "", &[Everywhere], &["C-c"], Verb::StopNow),
];

const fn declare(
    name: &'static str,
    does: &'static str,
    hint: &'static str,
    contexts: &'static [Context],
    keys: &'static [&'static str],
    verb: Verb,
) -> Command {
    Command { name, does, hint, group: Group::Program, contexts, keys, undoable: false, verb }
}
