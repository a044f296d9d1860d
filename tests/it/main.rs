//! The integration tests, one binary: they use the library as its own binary does.

mod corpora_files;
