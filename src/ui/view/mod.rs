//! stub
pub mod help;
