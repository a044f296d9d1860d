//! The sets of keys that the program comes with: `gmail`, which the registry declares, and two for
//! hands that know other programs.
//!
//! Invariant: a preset says only what is other than declared; in each of them every command has a
//! key, and no key has two meanings (a test in `keymap`).

/// A set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// Gmail's letters for triage, vim's for motion.
    #[default]
    Gmail,
    /// As vim and aerc have them.
    Vim,
    /// As mutt has them.
    Mutt,
}

/// A command and its keys.
type Keys = (&'static str, &'static [&'static str]);

/// What is other for vim.
const VIM: &[Keys] = &[
    ("archive", &["a"]),
    ("trash", &["d d", "Delete"]),
    ("reply", &["R r"]),
    ("reply-all", &["r r"]),
    ("compose", &["C", "c"]),
    ("undo", &["u"]),
    ("redo", &["C-r"]),
    ("back", &["q", "Esc"]),
    ("undo-this", &["U"]),
    ("redo-this", &["R"]),
    ("select", &["v", "x"]),
    ("move", &["M"]),
    ("fold", &["Enter", "o", "z a"]),
    ("fold-all", &["z M"]),
    ("unfold-all", &["z R"]),
];

/// What is other for mutt.
const MUTT: &[Keys] = &[
    ("trash", &["d", "Delete"]),
    ("undo", &["u"]),
    ("back", &["i", "q", "Esc"]),
    ("undo-this", &["U"]),
    ("redo-this", &["R"]),
    ("reply-all", &["g"]),
    ("compose", &["m"]),
    ("mute", &["M"]),
    ("label", &["y"]),
    ("move", &["s"]),
    ("done-next", &["]"]),
    ("headers", &["h"]),
    ("star", &["F"]),
    ("forward-attached", &["E"]),
    ("copy-address", &["Y a"]),
    ("copy-text", &["Y t"]),
    ("copy-id", &["Y i"]),
    ("select", &["t"]),
    ("attachments", &["v", "A"]),
    ("source", &["H"]),
    ("snooze", &["b"]),
    ("first", &["=", "Home"]),
    ("go-inbox", &["c i"]),
    ("go-starred", &["c s"]),
    ("go-all", &["c a"]),
    ("go-sent", &["c t"]),
    ("go-drafts", &["c d"]),
    ("go-outbox", &["c o"]),
    ("go-snoozed", &["c z"]),
    ("history", &["c h"]),
    ("accounts", &["c m"]),
    ("notices", &["c n"]),
    ("stats", &["c S"]),
    ("latency", &["c L"]),
    ("stop-import", &["c X"]),
    ("unsubscribe", &["c u"]),
];

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Gmail, Self::Vim, Self::Mutt];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gmail => "gmail",
            Self::Vim => "vim",
            Self::Mutt => "mutt",
        }
    }

    /// The preset of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// The keys that it gives a command, where they are other than declared.
    #[must_use]
    pub fn keys(self, command: &str) -> Option<&'static [&'static str]> {
        let own = match self {
            Self::Gmail => return None,
            Self::Vim => VIM,
            Self::Mutt => MUTT,
        };
        own.iter().find(|(name, _)| *name == command).map(|(_, keys)| *keys)
    }
}
