//! What was wrong with a message, as stable codes.
//!
//! Invariant: a code, once released, keeps its meaning; the list of a message is sorted and without
//! repeats. This file must not hold texts for users.

/// A character that hides or reorders text was taken out.
pub(super) const HIDDEN: &str = "hidden-characters";
/// An address has characters that cannot be seen; those that hide or reorder were taken out.
pub(super) const ADDRESS_HIDDEN: &str = "hidden-in-address";
/// A control character is shown as U+FFFD.
pub(super) const CONTROL: &str = "control-characters";
/// A header field or the list of them was longer than what is read.
pub(super) const HEADER_CUT: &str = "header-cut";
/// The empty line between header and body is missing.
pub(super) const HEADER_END_MISSING: &str = "header-end-missing";
/// A line in the header that is no field was skipped.
pub(super) const HEADER_JUNK: &str = "header-junk";
/// The Date field is there and cannot be read.
pub(super) const DATE: &str = "date-unreadable";
/// There is no Date field.
pub(super) const DATE_MISSING: &str = "date-missing";
/// There is no From field, or no address in it.
pub(super) const FROM_MISSING: &str = "from-missing";
/// The Message-ID is absent.
pub(super) const ID_MISSING: &str = "message-id-missing";
/// The Message-ID is there and is no msg-id.
pub(super) const ID_BAD: &str = "message-id-invalid";
/// A charset is not known; the text was read as UTF-8 or Windows-1252.
pub(super) const CHARSET: &str = "charset-unknown";
/// A text is not in the charset that it states.
pub(super) const CHARSET_BAD: &str = "charset-mismatch";
/// A transfer encoding is not known, or its data is broken.
pub(super) const TRANSFER: &str = "transfer-encoding";
/// A multipart has no boundary, or its boundary is not found.
pub(super) const BOUNDARY: &str = "boundary-missing";
/// A multipart has no closing boundary: perhaps the message was cut.
pub(super) const UNCLOSED: &str = "boundary-unclosed";
/// Parts are nested more deeply, or are more, than what is read.
pub(super) const PARTS: &str = "too-many-parts";
/// A part has no name and is of a kind that is not shown: it is neither shown nor listed.
pub(super) const NOT_SHOWN: &str = "part-not-shown";
/// The list of ancestors was longer than what is kept.
pub(super) const REFERENCES_CUT: &str = "references-cut";
/// The body is encrypted.
pub(super) const ENCRYPTED: &str = "encrypted";
/// The body is inside a signature that is not opened (S/MIME).
pub(super) const OPAQUE: &str = "opaque-signature";
/// Reading the message failed in a way that is a bug of ours or of a library.
pub(super) const UNREADABLE: &str = "unreadable";

/// The codes that were noted so far.
#[derive(Debug, Default)]
pub(super) struct Defects(Vec<&'static str>);

impl Defects {
    /// Notes a code; a second time is nothing.
    pub(super) fn note(&mut self, code: &'static str) {
        if !self.0.contains(&code) {
            self.0.push(code);
        }
    }

    /// Safe text of one line, its white space folded; what was taken out is noted.
    pub(super) fn line(&mut self, text: &str) -> String {
        self.look(text);
        let safe = crate::safe_text::line(text);
        let mut out = String::with_capacity(safe.len());
        for word in safe.split_whitespace() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
        out
    }

    /// Safe text of many lines; what was taken out is noted.
    pub(super) fn text(&mut self, text: &str) -> String {
        self.look(text);
        crate::safe_text::text(text)
    }

    /// The codes, sorted.
    pub(super) fn into_codes(mut self) -> Vec<String> {
        self.0.sort_unstable();
        self.0.into_iter().map(str::to_owned).collect()
    }

    fn look(&mut self, text: &str) {
        if crate::safe_text::has_hidden(text) {
            self.note(HIDDEN);
        }
        if crate::safe_text::has_control(text) {
            self.note(CONTROL);
        }
    }
}
