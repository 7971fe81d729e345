#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| socklet::fuzzing::proxy_protocol(bytes));
