//! The box in which an account is added.
//!
//! Invariant: what is asked for and the line for it come first, so that they are seen at any size.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::{boxes, put};
use crate::ui::app::Model;
use crate::ui::text;
use crate::ui::wizard::{Step, Wizard};

/// Columns and rows of the box.
const SIZE: (u16, u16) = (68, 12);

/// Draws it; returns where the caret is, when something is typed.
pub fn draw(model: &Model, wizard: &Wizard, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let area = Rect { height: area.height - 1, ..area };
    let inside = boxes::open(model, "Add an account", SIZE, area, buf);
    let asked = asked(wizard);
    put(buf, (inside.x, inside.y), &asked, inside.width, model.theme.strong());
    let line = Rect { y: inside.y + 1, height: 1, ..inside };
    let (mut y, mut caret) = (line.y, None);
    if !wizard.waits() && line.y < inside.bottom() {
        caret = Some(match wizard.step {
            Step::Password => hidden(model, wizard, line, buf),
            _ => boxes::typed(model, &wizard.line, line, buf),
        });
        y += 1;
    }
    for (text, style) in below(model, wizard) {
        for part in text::wrap(&text, inside.width.into()) {
            if y < inside.bottom() {
                put(buf, (inside.x, y), &part, inside.width, style);
            }
            y += 1;
        }
    }
    caret
}

/// What is asked for, or done.
fn asked(wizard: &Wizard) -> String {
    match wizard.step {
        Step::Address => "Your mail address".to_owned(),
        Step::Imap => "Where mail is fetched".to_owned(),
        Step::Smtp => "Where mail is sent; nothing to only read".to_owned(),
        Step::Login => "Who logs in".to_owned(),
        Step::Password => "The password; it is not shown".to_owned(),
        Step::Finding | Step::Trying => format!("{}…", wizard.doing),
    }
}

/// The password by its length alone.
fn hidden(model: &Model, wizard: &Wizard, at: Rect, buf: &mut Buffer) -> Position {
    let x = put(buf, (at.x, at.y), "› ", at.width, model.theme.key());
    let room = usize::from(at.right().saturating_sub(x)).saturating_sub(1);
    let dots = "•".repeat(wizard.secret.len().min(room));
    let x = put(buf, (x, at.y), &dots, at.right().saturating_sub(x), model.theme.text());
    Position { x: x.min(at.right().saturating_sub(1)), y: at.y }
}

fn below(model: &Model, wizard: &Wizard) -> Vec<(String, Style)> {
    let theme = model.theme;
    let mut lines = Vec::new();
    if let Some(error) = &wizard.error {
        lines.push((format!("✗ {}", error.message), theme.error()));
        lines.push((error.hint.clone(), theme.text()));
    }
    let help = match wizard.step {
        Step::Address => "Its servers are found by its domain, in 5 s at most.".to_owned(),
        Step::Imap => "imaps://HOST:PORT is TLS, imap://HOST:PORT is STARTTLS.".to_owned(),
        Step::Smtp => "smtps://HOST:PORT is TLS, smtp://HOST:PORT is STARTTLS.".to_owned(),
        Step::Login => "Mostly the address.".to_owned(),
        Step::Password => "Nothing is written before both servers let it in.".to_owned(),
        Step::Finding | Step::Trying => {
            let seconds = (model.now_ms - wizard.since).max(0) / 1_000;
            format!("{seconds} s · Esc goes back")
        }
    };
    if wizard.step == Step::Imap {
        lines.push((wizard.says.clone(), theme.text()));
    }
    if matches!(wizard.step, Step::Imap | Step::Password) {
        lines.push((wizard.hint.clone(), theme.text()));
    }
    lines.push((help, theme.dim()));
    lines.retain(|(line, _)| !line.is_empty());
    let draft = &wizard.draft;
    let typed = [
        (Step::Address, "address", &draft.address),
        (Step::Imap, "fetched", &draft.imap),
        (Step::Smtp, "sent", &draft.smtp),
        (Step::Login, "login", &draft.login),
    ];
    if wizard.error.is_none() {
        lines.push((String::new(), theme.text()));
    }
    for (step, name, value) in typed {
        if wizard.step != step && !value.is_empty() {
            let value = crate::safe_text::line(value);
            lines.push((format!("{name:8} {value}"), theme.dim()));
        }
    }
    lines
}
