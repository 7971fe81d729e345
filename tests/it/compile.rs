//! Compiling costs no more than it may, and nobody but the file's own route.

use crate::harness::{Client, Start, example};

async fn compiles_in_vain(arg: &str, said: &str) {
    let cache = tempfile::TempDir::new().unwrap();
    // An interpreter of 18 MB.
    let python = example("hello-python");
    let server = Start::with(&[("large.wasm", &*python), ("echo.wasm", &example("echo"))])
        .cache(&cache.path().join("new"))
        .arg(arg)
        .run()
        .await;
    let line = server.log.message("large.wasm: can't be compiled").await;
    assert!(line.message().contains(said), "{}", line.message());
    let refused = Client::try_connect(&server.url("/large"), &[]).await.err();
    assert_eq!(refused.map(|status| status.as_u16()), Some(500));
    assert_eq!(server.connect("/echo").await.ask("served").await, "served");
}

#[tokio::test]
async fn a_file_that_takes_too_long_to_compile_costs_a_line_in_the_log() {
    compiles_in_vain("--compile-cpu-time=1s", "more than 1s to compile (compile-cpu-time)").await;
}

#[tokio::test]
async fn a_file_that_takes_too_much_memory_to_compile_costs_a_line_in_the_log() {
    compiles_in_vain("--compile-memory=200MiB", "(compile-memory)").await;
}

#[tokio::test]
async fn code_that_cannot_be_used_is_made_anew() {
    let cache = tempfile::TempDir::new().unwrap();
    let folder = cache.path().join("new");
    let echo = example("echo");
    let serve = async || {
        let server = Start::with(&[("echo.wasm", &*echo)]).cache(&folder).run().await;
        assert_eq!(server.connect("/echo").await.ask("served").await, "served");
    };
    serve().await;
    let kept = || -> Vec<_> {
        let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        entries.collect()
    };
    let files = kept();
    let [code] = &files[..] else { panic!("{files:?}") };
    let length = std::fs::metadata(code).unwrap().len();
    for damaged in [length / 2, 0] {
        std::fs::File::options().write(true).open(code).unwrap().set_len(damaged).unwrap();
        serve().await;
        assert_eq!(kept(), files);
        assert_eq!(std::fs::metadata(code).unwrap().len(), length);
    }
}
