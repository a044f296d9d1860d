//! SQLite's way to a test's disk: a VFS that asks the [`disk`](super::disk) before it lets a call
//! through to the real files. The one place with `unsafe`.
//!
//! Invariant: it decides nothing. A path that lies on no test disk goes straight through. Locks and
//! the index of a write-ahead log are always the real ones: they are gone with who held them.
#![allow(unsafe_code, reason = "SQLite calls through C function pointers")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Once};

use rusqlite::ffi;

use super::disk::{self, Fault, Inner, Ticket};

/// Its name in SQLite.
pub(crate) const NAME: &str = "mailtui-test-disk";
const C_NAME: &CStr = c"mailtui-test-disk";

/// What stands for a file in SQLite's memory; the real VFS's file lies behind it.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    /// A [`Held`] of ours in a box; null where no disk watches.
    held: *mut Held,
}

/// An open file that a disk watches.
struct Held {
    disk: Arc<Inner>,
    ticket: Ticket,
    path: PathBuf,
    /// Whether its first sync keeps its name too, as SQLite's own VFS has it for journals.
    sync_dir: bool,
}

/// Makes the VFS known to SQLite, once.
pub(crate) fn register() {
    static ONCE: Once = Once::new();
    // SAFETY: the VFS that is found is SQLite's default one, which lives as long as the process;
    // ours is a copy of it that is never freed, with functions of the same signatures.
    ONCE.call_once(|| unsafe {
        let real = ffi::sqlite3_vfs_find(ptr::null());
        assert!(!real.is_null(), "SQLite has a VFS");
        let mut ours = *real;
        let size = c_int::try_from(size_of::<File>()).expect("small");
        ours.szOsFile += size;
        ours.pNext = ptr::null_mut();
        ours.zName = C_NAME.as_ptr();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 0), ffi::SQLITE_OK);
    });
}

const fn code(fault: Fault, otherwise: c_int) -> c_int {
    match fault {
        Fault::Full => ffi::SQLITE_FULL,
        _ => otherwise,
    }
}

/// The VFS that does the work.
fn real_vfs() -> *mut ffi::sqlite3_vfs {
    // SAFETY: it takes a null for the default one, which ours is not.
    unsafe { ffi::sqlite3_vfs_find(ptr::null()) }
}

/// # Safety
/// `name` is null or a C string.
unsafe fn path(name: *const c_char) -> Option<PathBuf> {
    // SAFETY: as the caller says.
    let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })?;
    Some(Path::new(OsStr::from_bytes(name.to_bytes())).to_owned())
}

/// # Safety
/// `file` was opened by [`open`], or is being opened.
unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: SQLite gives every file `szOsFile` bytes: ours and behind it the real one's.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// # Safety
/// `file` was opened by [`open`] and is not closed.
unsafe fn held<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a mut Held> {
    // SAFETY: the pointer is null or of a box that lives until the file is closed; SQLite uses a
    // file from one thread at a time.
    unsafe { (*file.cast::<File>()).held.as_mut() }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a file of `szOsFile` bytes and a name that outlives it.
    unsafe {
        let ours = file.cast::<File>();
        (*ours).base.pMethods = ptr::null();
        (*ours).held = ptr::null_mut();
        let watched = path(name).and_then(|path| Some((disk::of(&path)?, path)));
        if let Some((disk, path)) = watched {
            let make = flags & ffi::SQLITE_OPEN_CREATE != 0;
            match disk.open(&path, make) {
                Ok(ticket) => {
                    let journal = ffi::SQLITE_OPEN_WAL
                        | ffi::SQLITE_OPEN_MAIN_JOURNAL
                        | ffi::SQLITE_OPEN_SUPER_JOURNAL;
                    // Also one that is there: who made it may have died before any sync.
                    let sync_dir = make && flags & journal != 0;
                    let held = Held { disk, ticket, path, sync_dir };
                    (*ours).held = Box::into_raw(Box::new(held));
                }
                Err(fault) => return code(fault, ffi::SQLITE_CANTOPEN),
            }
        }
        let vfs = real_vfs();
        let done = (*vfs).xOpen.expect("a VFS opens")(vfs, name, real(file), flags, out);
        if (*real(file)).pMethods.is_null() {
            free(ours);
        } else {
            (*ours).base.pMethods = &raw const METHODS;
        }
        done
    }
}

/// # Safety
/// `ours` is a file of ours; nobody uses what it holds afterwards.
unsafe fn free(ours: *mut File) {
    // SAFETY: the pointer came from a box, and is forgotten here.
    unsafe {
        if !(*ours).held.is_null() {
            drop(Box::from_raw((*ours).held));
            (*ours).held = ptr::null_mut();
        }
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite gives a C string.
    unsafe {
        if let Some(path) = path(name)
            && let Some(disk) = disk::of(&path)
            && path.exists()
            && let Err(fault) = disk.delete(&path, sync != 0)
        {
            return code(fault, ffi::SQLITE_IOERR_DELETE);
        }
        let vfs = real_vfs();
        (*vfs).xDelete.expect("a VFS deletes")(vfs, name, sync)
    }
}

/// Calls a function of the real file.
macro_rules! pass {
    ($file:ident.$method:ident($($argument:expr),*)) => {
        // SAFETY: the file is open, so the real one has methods; the arguments are SQLite's own.
        unsafe {
            let real = real($file);
            (*(*real).pMethods).$method.expect("a real file does this")(real, $($argument),*)
        }
    };
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let done = pass!(file.xClose());
    // SAFETY: SQLite closes a file once.
    unsafe { free(file.cast()) };
    done
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    to: *mut c_void,
    amount: c_int,
    at: i64,
) -> c_int {
    // SAFETY: the file is open.
    let asked = unsafe { held(file) }.map(|held| held.disk.read(held.ticket, &held.path));
    let flip = match asked {
        Some(Err(fault)) => return code(fault, ffi::SQLITE_IOERR_READ),
        Some(Ok(flip)) => flip,
        None => false,
    };
    let done = pass!(file.xRead(to, amount, at));
    if flip && done == ffi::SQLITE_OK && amount > 0 {
        let middle = usize::try_from(amount / 2).unwrap_or_default();
        // SAFETY: SQLite gives room for `amount` bytes.
        unsafe { *to.cast::<u8>().add(middle) ^= 0x10 };
    }
    done
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    amount: c_int,
    at: i64,
) -> c_int {
    // SAFETY: the file is open, and SQLite gives `amount` bytes.
    unsafe {
        if let Some(held) = held(file) {
            let size = usize::try_from(amount).unwrap_or_default();
            let bytes = std::slice::from_raw_parts(from.cast::<u8>(), size);
            let at = usize::try_from(at).unwrap_or_default();
            if let Err(fault) = held.disk.write(held.ticket, &held.path, at, bytes) {
                return code(fault, ffi::SQLITE_IOERR_WRITE);
            }
        }
    }
    pass!(file.xWrite(from, amount, at))
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: the file is open.
    if let Some(held) = unsafe { held(file) } {
        let size = usize::try_from(size).unwrap_or_default();
        if let Err(fault) = held.disk.truncate(held.ticket, &held.path, size) {
            return code(fault, ffi::SQLITE_IOERR_TRUNCATE);
        }
    }
    pass!(file.xTruncate(size))
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let Some(held) = (unsafe { held(file) }) else { return pass!(file.xSync(flags)) };
    // The real disk need not work: what is synced here is what the test's disk says.
    match held.disk.sync(held.ticket, &held.path, held.sync_dir) {
        Ok(()) => held.sync_dir = false,
        Err(fault) => return code(fault, ffi::SQLITE_IOERR_FSYNC),
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    pass!(file.xFileSize(size))
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    pass!(file.xLock(level))
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    pass!(file.xUnlock(level))
}

unsafe extern "C" fn check_lock(file: *mut ffi::sqlite3_file, result: *mut c_int) -> c_int {
    pass!(file.xCheckReservedLock(result))
}

unsafe extern "C" fn control(
    file: *mut ffi::sqlite3_file,
    operation: c_int,
    argument: *mut c_void,
) -> c_int {
    pass!(file.xFileControl(operation, argument))
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    pass!(file.xSectorSize())
}

unsafe extern "C" fn characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    pass!(file.xDeviceCharacteristics())
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    to: *mut *mut c_void,
) -> c_int {
    pass!(file.xShmMap(page, size, extend, to))
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    offset: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    pass!(file.xShmLock(offset, count, flags))
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    pass!(file.xShmBarrier());
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    pass!(file.xShmUnmap(delete))
}

/// Version 2: with a write-ahead log's index, without memory-mapped reads, which no disk sees.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_lock),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
