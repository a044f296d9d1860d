//! Tests through the library's public face, one binary for all of them.

mod corpora_parse;
