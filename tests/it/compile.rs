//! Compiling costs no more than it may, and nobody but the file's own route.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rustix::process::Signal;

use crate::harness::{Client, Start, example, within};

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
async fn a_server_that_ends_leaves_nobody_compiling() {
    let cache = tempfile::TempDir::new().unwrap();
    let folder = cache.path().join("new");
    let start = Start::with(&[("large.wasm", &example("hello-python"))]).cache(&folder);
    let mut server = start.run_unready().await;
    // The compiler's command line names what it writes to.
    let draft = folder.join("draft-").display().to_string();
    let compiler = || {
        let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        processes.into_iter().find(|path| {
            let command = std::fs::read(path.join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(&draft)
        })
    };
    // It has a thread for each core once it has read everything.
    let threads = |path: PathBuf| std::fs::read_dir(path.join("task")).map_or(0, Iterator::count);
    let has_begun = async {
        while compiler().map_or(0, threads) < 2 {
            tokio::task::yield_now().await;
        }
    };
    within("a compiler", has_begun).await;
    // However abruptly it ends.
    server.signal(Signal::KILL);
    assert!(!server.exit().await.success());
    let has_ended = async {
        while compiler().is_some() {
            tokio::task::yield_now().await;
        }
    };
    within("its end", has_ended).await;
    // It was ended, and has not come to its end: that would have left the code.
    let left = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
    assert!(left.into_iter().all(|data| data.len() == 0));
}

#[tokio::test]
async fn only_old_code_is_forgotten_whatever_else_lies_in_the_folder() {
    let cache = tempfile::TempDir::new().unwrap();
    let folder = cache.path().join("new");
    std::fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
    let old = SystemTime::now() - Duration::from_secs(31 * 24 * 60 * 60);
    for name in ["notes.txt", "old.cwasm", "draft-old", "new.cwasm"] {
        let file = std::fs::File::create(folder.join(name)).unwrap();
        if name != "new.cwasm" {
            file.set_modified(old).unwrap();
        }
    }
    Start::with(&[]).cache(&folder).run().await;
    let mut left: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["new.cwasm", "notes.txt"]);
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
