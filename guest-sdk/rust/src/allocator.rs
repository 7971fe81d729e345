//! The allocator of a handler, made for many instances that are idle.
//!
//! Memory is taken in small steps, and what lies behind the handler's statics comes
//! first: so a small handler's heap shares the page of its statics, and an instance
//! of it that has nothing to do holds two pages of memory, of which one is its stack.

use core::alloc::Layout;
use core::arch::wasm32::memory_grow;
use core::ptr::NonNull;

use talc::base::Talc;
use talc::base::binning::Binning;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

/// A page of the host's, which is what an instance's memory is counted by.
const STEP: usize = 4 * 1024;
/// What memory grows by.
const WASM_PAGE: usize = 64 * 1024;
/// What the allocator needs for itself, at its start and for each chunk, or more.
const OVERHEAD: usize = 1024;

#[global_allocator]
static ALLOCATOR: TalcSyncCell<Steps, WasmBinning> =
    TalcSyncCell::new_wasm(Steps { claimed: None, limit: 0 });

unsafe extern "C" {
    /// The linker's: where the statics end, and where the memory does that the module
    /// begins with. Only their addresses mean anything.
    static __heap_base: u8;
    static __heap_end: u8;
}

#[derive(Clone, Copy, Debug)]
struct Steps {
    /// The end of what the allocator has.
    claimed: Option<NonNull<u8>>,
    /// The end of what it may have without growing the memory.
    limit: usize,
}

// SAFETY: it allocates nothing itself.
unsafe impl Source for Steps {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let Steps { mut claimed, mut limit } = talc.source;
        let mut start = match claimed {
            Some(end) => end.as_ptr() as usize,
            None => {
                limit = &raw const __heap_end as usize;
                &raw const __heap_base as usize
            }
        };
        let need = layout.size().checked_add(layout.align() + OVERHEAD).ok_or(())?;
        let end_of = |start: usize| {
            start.checked_add(need).and_then(|end| end.checked_next_multiple_of(STEP)).ok_or(())
        };
        let mut end = end_of(start)?;
        if end > limit {
            let pages = (end - limit).div_ceil(WASM_PAGE);
            let grown = memory_grow::<0>(pages);
            if grown == usize::MAX {
                return Err(());
            }
            if grown * WASM_PAGE != limit {
                // Somebody else has grown it meanwhile: what is between is not ours.
                (claimed, start) = (None, grown * WASM_PAGE);
                end = end_of(start)?.min(start + pages * WASM_PAGE);
            }
            limit = (grown + pages) * WASM_PAGE;
        }
        // SAFETY: from the end of the statics to that of the first memory, and where it
        // has grown it itself, memory is this allocator's.
        let claimed = unsafe {
            match claimed {
                Some(old) => Some(talc.extend(old, end as *mut u8)),
                None => talc.claim(start as *mut u8, end - start),
            }
        };
        talc.source = Steps { claimed, limit };
        claimed.map(drop).ok_or(())
    }
}
