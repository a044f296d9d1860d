//! What was counted, as charts: mail a week, who writes, lists, labels, how soon mail is answered.
//!
//! Invariant: every bar has its number beside it, so that no length or colour alone says it; on a
//! narrow screen there are fewer weeks and shorter names, not other figures.

use ratatui::buffer::Buffer;
use ratatui::layout::{Direction, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Bar, BarChart, BarGroup, Sparkline, Widget};

use super::panel::Line;
use crate::engine::stats::{self, Answers, CLASS_NAMES, Stats};
use crate::ui::app::Model;
use crate::ui::reader::name;
use crate::ui::{date, text};

/// Rows of the weeks' chart.
const WEEKS_ROWS: u16 = 4;
/// Columns of a bar's name at most, and of its number.
const NAME_COLUMNS: usize = 28;
const NUMBER_COLUMNS: usize = 9;

/// The lines of the statistics on this many columns.
pub(super) fn lines(model: &Model, width: usize) -> Vec<Line> {
    let theme = model.theme;
    let Some(stats) = &model.stats else {
        return vec![vec![("counting…".to_owned(), theme.dim())]];
    };
    let conversations = text::plural(stats.conversations, "conversation", "conversations");
    let messages = text::plural(stats.messages, "message", "messages");
    let mut lines = vec![vec![(format!("{messages} in {conversations}"), theme.text())]];
    weeks(model, stats, width, &mut lines);
    let senders: Vec<(String, u64)> =
        stats.senders.iter().map(|(who, rows)| (name(who).into_owned(), *rows)).collect();
    bars(model, "Who writes, conversations", &senders, width, &mut lines);
    bars(model, "Mailing lists, messages", &stats.lists, width, &mut lines);
    let labels = stats::labels(&model.labels);
    bars(model, "Labels, conversations", &labels, width, &mut lines);
    answers(model, "You answered", &stats.yours, width, &mut lines);
    answers(model, "You were answered", &stats.theirs, width, &mut lines);
    lines
}

fn heading(model: &Model, says: &str, lines: &mut Vec<Line>) {
    lines.push(Vec::new());
    lines.push(vec![(says.to_owned(), model.theme.strong())]);
}

/// Mail of each week, the last one at the right.
fn weeks(model: &Model, stats: &Stats, width: usize, lines: &mut Vec<Line>) {
    let (shown, columns) = (stats.weeks.len().min(width), u16::try_from(width).unwrap_or(u16::MAX));
    let weeks = &stats.weeks[stats.weeks.len() - shown..];
    let most = weeks.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return;
    }
    let what = if stats.by_conversation { "Conversations a week" } else { "Mail a week" };
    heading(model, &format!("{what}, at most {}", text::count(most)), lines);
    let style = model.theme.accent();
    let chart = Sparkline::default().data(weeks).max(most).style(style);
    let area = Rect { x: 0, y: 0, width: columns, height: WEEKS_ROWS };
    lines.extend(drawn(chart, area, style));
    let first = model.now() - i64::try_from(shown).unwrap_or(0) * 7 * 86_400;
    let first = date::shortest(first, model.now(), &model.zone);
    let room = shown.saturating_sub(text::width(&first));
    lines.push(vec![(format!("{first}{}", text::fit_right("now", room)), model.theme.dim())]);
}

/// A bar for each name, with its number.
fn bars(model: &Model, says: &str, of: &[(String, u64)], width: usize, lines: &mut Vec<Line>) {
    if of.is_empty() {
        return;
    }
    heading(model, says, lines);
    let names = NAME_COLUMNS.min((width / 2).saturating_sub(NUMBER_COLUMNS)).max(1);
    let style = model.theme.accent();
    let count = u16::try_from(of.len()).unwrap_or(u16::MAX);
    let bars: Vec<Bar<'_>> = of
        .iter()
        .map(|(_, number)| Bar::default().value(*number).text_value(String::new()))
        .collect();
    let chart = BarChart::default()
        .direction(Direction::Horizontal)
        .data(BarGroup::default().bars(&bars))
        .bar_width(1)
        .bar_gap(0)
        .bar_style(style);
    let room = width.saturating_sub(names + NUMBER_COLUMNS + 1);
    let columns = u16::try_from(room).unwrap_or(u16::MAX);
    let chart = drawn(chart, Rect { x: 0, y: 0, width: columns, height: count }, style);
    for ((name, number), bar) in of.iter().zip(chart) {
        let number = text::fit_right(&text::count(*number), NUMBER_COLUMNS);
        let mut line = vec![
            (text::fit(name, names), model.theme.text()),
            (format!("{number} "), model.theme.dim()),
        ];
        line.extend(bar);
        lines.push(line);
    }
}

/// How soon something was answered.
fn answers(model: &Model, says: &str, of: &Answers, width: usize, lines: &mut Vec<Line>) {
    if of.count() == 0 {
        return;
    }
    let median = date::wait(of.median.unsigned_abs());
    let classes: Vec<(String, u64)> =
        CLASS_NAMES.iter().map(|name| (*name).to_owned()).zip(of.classes).collect();
    bars(model, &format!("{says}: half within {median}"), &classes, width, lines);
}

/// The rows of a chart; what is no sign of it is blank.
fn drawn(chart: impl Widget, area: Rect, style: Style) -> Vec<Line> {
    let mut buffer = Buffer::empty(area);
    if area.area() > 0 {
        chart.render(area, &mut buffer);
    }
    let row = |y: u16| {
        let signs: String = (0..area.width).map(|x| buffer[(x, y)].symbol()).collect();
        vec![(signs.trim_end().to_owned(), style)]
    };
    (0..area.height).map(row).collect()
}
