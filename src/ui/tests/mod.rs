//! The screens and the keys, on the engine's double (see `double` for why it is one).

mod accounts;
mod asking;
mod beginning;
mod calm;
mod compose;
mod elsewhere;
mod files;
mod history;
mod inputs;
mod kept;
mod keys;
mod linear;
mod look;
mod mouse;
mod original;
mod panels;
mod random;
mod reader_keys;
mod reading;
mod screens;
mod search;
mod settings;
mod sizes;
mod snooze;
mod triage;
mod wizard;
