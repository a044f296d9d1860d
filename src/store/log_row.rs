//! A row of a log as an event, and arguments as they lie in it.
//!
//! Invariant: what comes out is byte for byte what was put in; a row that cannot be read is an
//! error and never another event.

use std::borrow::Cow;
use std::cell::RefCell;

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::id::{DeviceId, Epoch, EventId};
use crate::store::log::position;
use crate::store::{Args, Event, NewEvent, StoreError};

/// Arguments longer than this many bytes are compressed at rest.
const COMPRESS_FROM: usize = 512;
/// The zstd level for arguments: they are written once and read often.
const COMPRESS_LEVEL: i32 = 1;
/// The longest arguments that are read back, in bytes.
const MAX_ARGS_BYTES: usize = 64 * 1024 * 1024;

/// The event of a row; `last` is the one before, which mostly came from the same device.
pub(super) fn read(row: &Row<'_>, last: Option<&Event>) -> Result<Event, StoreError> {
    let bad = |error: crate::id::InvalidId| StoreError::Row(error.to_string());
    let id = match row.get_ref(1)? {
        ValueRef::Blob(bytes) => {
            let id = uuid::Uuid::from_slice(bytes);
            let id = id.map_err(|error| StoreError::Row(error.to_string()))?;
            EventId::try_from(&*id.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()))
        }
        _ => EventId::try_from(text(row, 1)?),
    };
    let (device, epoch) = (text(row, 4)?, text(row, 5)?);
    let action = row.get_ref(6)?.as_str_or_null();
    let action = action.map_err(|error| StoreError::Row(error.to_string()))?;
    let last = last.map(|last| &last.event);
    Ok(Event {
        position: position(row, 0)?,
        event: NewEvent {
            id: id.map_err(bad)?,
            name: text(row, 2)?.to_owned(),
            args: args_of(row, 3)?,
            device: match last.map(|last| &last.device).filter(|last| last.as_str() == device) {
                Some(same) => same.clone(),
                None => DeviceId::try_from(device).map_err(bad)?,
            },
            action: action.and_then(|text| serde_json::from_str(text).ok()),
            epoch: match last.map(|last| &last.epoch).filter(|last| last.as_str() == epoch) {
                Some(same) => same.clone(),
                None => Epoch::try_from(epoch).map_err(bad)?,
            },
        },
    })
}

fn text<'a>(row: &'a Row<'_>, at: usize) -> Result<&'a str, StoreError> {
    row.get_ref(at)?.as_str().map_err(|error| StoreError::Row(error.to_string()))
}

pub(super) fn args_of(row: &Row<'_>, at: usize) -> Result<Args, StoreError> {
    match row.get_ref(at)? {
        ValueRef::Blob(bytes) => Ok(Args::from_log(unpack(bytes)?)),
        _ => Err(StoreError::Row("arguments are not bytes".to_owned())),
    }
}

pub(super) fn pack(text: &str) -> Cow<'_, [u8]> {
    if text.len() < COMPRESS_FROM {
        return Cow::Borrowed(text.as_bytes());
    }
    thread_local! {
        // Making a compressor costs more than most arguments.
        static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> =
            RefCell::new(zstd::bulk::Compressor::new(COMPRESS_LEVEL).ok());
    }
    PACKER.with_borrow_mut(|packer| {
        let packed = packer.as_mut().and_then(|packer| packer.compress(text.as_bytes()).ok());
        packed.map_or_else(|| Cow::Borrowed(text.as_bytes()), Cow::Owned)
    })
}

/// What was compressed, at most `most` bytes of it.
pub(super) fn inflate(bytes: &[u8], most: usize) -> std::io::Result<Vec<u8>> {
    thread_local! {
        // As with the compressor: making one costs four times what it does to most arguments.
        static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> =
            RefCell::new(zstd::bulk::Decompressor::new().ok());
    }
    UNPACKER.with_borrow_mut(|unpacker| match unpacker {
        Some(unpacker) => unpacker.decompress(bytes, most),
        None => zstd::bulk::decompress(bytes, most),
    })
}

fn unpack(bytes: &[u8]) -> Result<String, StoreError> {
    // A zstd frame begins with 28 b5 2f fd (RFC 8878), JSON text never does.
    let plain = if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let size = zstd::zstd_safe::get_frame_content_size(bytes)
            .ok()
            .flatten()
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(MAX_ARGS_BYTES)
            .min(MAX_ARGS_BYTES);
        inflate(bytes, size).map_err(|error| StoreError::Row(error.to_string()))?
    } else {
        bytes.to_vec()
    };
    String::from_utf8(plain).map_err(|error| StoreError::Row(error.to_string()))
}
