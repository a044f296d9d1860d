//! What an export of Gmail writes into a message: label names in the language of the account, and
//! the number of its conversation.
//!
//! Invariant: names of the system come out in English, whatever the account's language; names of
//! the user come out as they are. Nothing here decides a place. This file must not know labels of
//! ours.

use super::field::Head;

/// The longest conversation number, in digits: it has 64 bits.
const MAX_DIGITS: usize = 20;

/// Names of the system in English, and what accounts in other languages call them: German, French,
/// Spanish, Italian, Dutch, Portuguese.
const NAMES: [(&str, &[&str]); 11] = [
    (
        "Inbox",
        &[
            "Posteingang",
            "Boîte de réception",
            "Recibidos",
            "Posta in arrivo",
            "Postvak IN",
            "Caixa de entrada",
        ],
    ),
    (
        "Sent",
        &[
            "Gesendet",
            "Messages envoyés",
            "Enviado",
            "Enviados",
            "Inviati",
            "Posta inviata",
            "Verzonden",
        ],
    ),
    (
        "Drafts",
        &[
            "Draft",
            "Entwurf",
            "Entwürfe",
            "Brouillons",
            "Borrador",
            "Borradores",
            "Bozze",
            "Concepten",
            "Rascunhos",
        ],
    ),
    ("Spam", &["Courrier indésirable"]),
    ("Trash", &["Papierkorb", "Corbeille", "Papelera", "Cestino", "Prullenbak", "Lixeira", "Lixo"]),
    (
        "Starred",
        &[
            "Markiert",
            "Suivis",
            "Messages suivis",
            "Destacado",
            "Destacados",
            "Speciali",
            "Met ster",
            "Com estrela",
        ],
    ),
    (
        "Unread",
        &["Ungelesen", "Non lus", "No leído", "No leídos", "Da leggere", "Ongelezen", "Não lidas"],
    ),
    (
        "Opened",
        &["Geöffnet", "Ouvert", "Abierto", "Abiertos", "Già letti", "Aperti", "Geopend", "Aberto"],
    ),
    (
        "Archived",
        &[
            "Archiviert",
            "Archivés",
            "Messages archivés",
            "Archivado",
            "Archivados",
            "Archiviati",
            "Gearchiveerd",
            "Arquivado",
            "Arquivados",
        ],
    ),
    (
        "Important",
        &["Wichtig", "Importants", "Importante", "Importantes", "Importanti", "Belangrijk"],
    ),
    ("Chat", &["Chats"]),
];

/// A name of the system in English; another name as it is.
pub(super) fn in_english(name: String) -> String {
    let lower = name.to_lowercase();
    let is = |known: &&str| known.to_lowercase() == lower;
    let found = NAMES.iter().find(|(english, others)| is(english) || others.iter().any(is));
    found.map_or(name, |(english, _)| (*english).to_owned())
}

/// The number of its conversation, as a key that no Message-ID can be: those have no line end.
pub(super) fn conversation(head: &Head<'_>) -> Option<String> {
    let number = head.first("X-GM-THRID")?.trim_ascii();
    let plain = (1..=MAX_DIGITS).contains(&number.len()) && number.iter().all(u8::is_ascii_digit);
    plain.then(|| key(&String::from_utf8_lossy(number)))
}

/// The number of a conversation that a server says, as the key that a message's header makes.
#[must_use]
pub fn conversation_key(number: u64) -> String {
    key(&number.to_string())
}

fn key(number: &str) -> String {
    format!("gm-thrid\n{number}")
}

#[cfg(test)]
mod tests {
    use super::super::defect::Defects;
    use super::super::field;
    use super::*;

    #[test]
    fn names_of_the_system_come_out_in_english() {
        let cases = [
            ("Posteingang", "Inbox"),
            ("INBOX", "Inbox"),
            ("GEÖFFNET", "Opened"),
            ("Entwürfe", "Drafts"),
            ("Wichtig", "Important"),
            ("Boîte de réception", "Inbox"),
            ("Category Promotions", "Category Promotions"),
            ("Posteingang/alt", "Posteingang/alt"),
            ("work", "work"),
        ];
        for (name, expected) in cases {
            assert_eq!(in_english(name.to_owned()), expected, "{name}");
        }
        let mut all: Vec<&str> =
            NAMES.iter().flat_map(|(_, others)| others.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "a name means one thing");
    }

    #[test]
    fn a_conversation_is_a_number() {
        let long = "1".repeat(21);
        for (value, expected) in [
            ("1864000000000123", Some("gm-thrid\n1864000000000123")),
            (" 7 ", Some("gm-thrid\n7")),
            ("", None),
            ("7a", None),
            ("<a@b>", None),
            (&long, None),
        ] {
            let raw = format!("X-GM-THRID: {value}\n\n");
            let head = field::message(raw.as_bytes(), &mut Defects::default());
            assert_eq!(conversation(&head).as_deref(), expected, "{value:?}");
        }
        let head = field::message(b"Subject: x\n\n", &mut Defects::default());
        assert_eq!(conversation(&head), None);
    }
}
