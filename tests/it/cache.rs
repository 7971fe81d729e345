//! Compiled code is kept between starts.

use std::os::unix::fs::{DirEntryExt as _, PermissionsExt as _};

use crate::harness::{Start, example};

#[tokio::test]
async fn a_second_start_finds_what_the_first_compiled() {
    let cache = tempfile::TempDir::new().unwrap();
    let echo = example("hello-js");
    let files = [("js.wasm", echo.as_slice())];
    let loaded = async || {
        let server = Start::with(&files).cache(&cache.path().join("new")).run().await;
        let line = server.log.message("serves /js").await;
        let (_, took) = line.message().split_once("loaded in ").unwrap();
        let took = took.strip_suffix("ms)").map(|ms| ms.parse::<u64>().unwrap());
        // Past a second it is not shown in milliseconds.
        took.unwrap_or(u64::MAX)
    };
    let (first, second) = (loaded().await, loaded().await);
    assert!(second < first, "first {first} ms, second {second} ms");
    let kept = walk(cache.path());
    assert!(kept > 100_000, "{kept} bytes are kept");
    let mode = cache.path().join("new").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn a_second_start_compiles_none_of_fifty_handlers() {
    let cache = tempfile::TempDir::new().unwrap();
    let folder = cache.path().join("new");
    let echo = example("echo");
    // A custom section makes each of them another component.
    let component = |number: u8| [&*echo, &[0, 3, 1, b'n', number]].concat();
    let files: Vec<_> = (0..50).map(|n| (format!("{n}.wasm"), component(n))).collect();
    let files: Vec<_> = files.iter().map(|(name, bytes)| (&**name, &**bytes)).collect();
    let serve = async || {
        let server = Start::with(&files).cache(&folder).run().await;
        assert_eq!(server.connect("/49").await.ask("served").await, "served");
        let mut made: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| (entry.as_ref().unwrap().file_name(), entry.unwrap().ino()))
            .collect();
        made.sort();
        made
    };
    let first = serve().await;
    assert_eq!(first.len(), 50);
    assert_eq!(serve().await, first);
}

#[tokio::test]
async fn a_cache_that_is_removed_is_made_again_and_one_of_others_is_not_used() {
    let cache = tempfile::TempDir::new().unwrap();
    let folder = cache.path().join("new");
    let server = Start::with(&[("hello.wasm", &example("hello"))]).cache(&folder).run().await;
    std::fs::remove_dir_all(&folder).unwrap();
    server.put("echo.wasm", &example("echo"));
    server.log.message("serves /echo").await;
    let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    server.put("whoami.wasm", &example("whoami"));
    server.log.message("others may write to the folder").await;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    server.log.message("serves /whoami").await;
    assert_eq!(server.log.text().matches("others may write to the folder").count(), 1);
}

#[tokio::test]
async fn no_more_code_is_kept_than_may_be() {
    let cache = tempfile::TempDir::new().unwrap();
    let folder = cache.path().join("new");
    let files = [("hello.wasm", &*example("hello")), ("echo.wasm", &example("echo"))];
    let start = Start::with(&files).cache(&folder).arg("--max-cache-size=1KiB");
    let server = start.run().await;
    let kept = std::fs::read_dir(&folder).unwrap().count();
    // That of the one that was made last.
    assert_eq!(kept, 1);
    // What is in use is not touched by that.
    assert_eq!(server.connect("/hello").await.text().await, "Hello!");
    assert_eq!(server.connect("/echo").await.ask("here").await, "here");
}

#[tokio::test]
async fn a_cache_that_others_may_write_to_is_refused() {
    let cache = tempfile::TempDir::new().unwrap();
    std::fs::set_permissions(cache.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let server = Start::embedded().cache(cache.path()).run().await;
    server.log.message("others may write to the folder").await;
    assert_eq!(walk(cache.path()), 0);
    assert_eq!(server.connect("/hello").await.text().await, "Hello!");
}

fn walk(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let sizes = entries.map(|entry| {
        let data = entry.metadata().unwrap();
        if data.is_dir() { walk(&entry.path()) } else { data.len() }
    });
    sizes.sum()
}
