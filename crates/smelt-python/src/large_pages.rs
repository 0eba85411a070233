//! Memory of large arrays in large pages: fetches from random places then miss the table of pages less
//! often, and the first touch of an array stops 500 times less often.
//!
//! NumPy asks the same for its own arrays.  Only Linux has to be asked.

use std::alloc::{GlobalAlloc, Layout, System};

/// Bytes from which on large pages are asked for, as in NumPy.
const LARGE: usize = 4 << 20;

/// The system's memory, large arrays of it in large pages.
struct LargePages;

#[global_allocator]
static MEMORY: LargePages = LargePages;

// SAFETY: every call goes to the system's allocator as it is; a hint on pages changes no content.
unsafe impl GlobalAlloc for LargePages {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        ask(unsafe { System.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        ask(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        ask(unsafe { System.realloc(pointer, layout, size) }, size)
    }
}

/// Asks for large pages where an array is large.
#[inline]
fn ask(pointer: *mut u8, size: usize) -> *mut u8 {
    #[cfg(target_os = "linux")]
    if size >= LARGE && !pointer.is_null() {
        const PAGE: usize = 4096;
        let before = pointer.addr().next_multiple_of(PAGE) - pointer.addr();
        // SAFETY: whole pages of the array just allocated; where the machine has no large pages or
        // does not want them, it says so, and nothing has changed.
        unsafe {
            libc::madvise(
                pointer.add(before).cast(),
                (size - before) / PAGE * PAGE,
                libc::MADV_HUGEPAGE,
            );
        }
    }
    pointer
}
