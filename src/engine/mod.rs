//! The client side: owns the local stores, the overlay and the connection.

pub mod handle;
pub mod view;
