//! Files that fail in ways that a test over sockets can't bring about.

use super::*;
use crate::account::Totals;
use crate::config::Config;
use crate::embedded::EXAMPLES;
use crate::registry::Absence;

fn loader(content: &[u8]) -> (Loader, tempfile::TempDir) {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("x.wasm"), content).unwrap();
    let engine = Arc::new(Engine::new(&Config::default(), 10).unwrap());
    let path = root.path().to_owned();
    let totals = Totals::new(&Config::default());
    let registry = Arc::new(Registry::new(totals));
    (Loader::new(path, engine, registry, Config::default()), root)
}

/// Finishes what is under way, with this outcome where there is one.
async fn finish_job(loader: &mut Loader, mut outcome: Option<LoadError>) {
    while let Some(joined) = loader.jobs.join_next_with_id().await {
        let (id, mut done) = joined.unwrap();
        if let Some(error) = outcome.take() {
            done.outcome = Err(error);
        }
        loader.finish(Ok((id, done)));
    }
}

#[tokio::test]
async fn a_file_that_could_not_be_read_is_tried_again_although_it_is_the_same() {
    let (mut loader, _root) = loader(EXAMPLES[0].1);
    loader.look().await;
    let transient = LoadError::Read(std::io::ErrorKind::Other.into());
    finish_job(&mut loader, Some(transient)).await;
    let handler = loader.registry.find(None, "/x").unwrap().0;
    assert!(handler.current().is_none());
    assert_eq!(**handler.absence.load(), Absence::Failed);
    // Not at each look, but when its time has come.
    loader.look().await;
    assert!(loader.jobs.is_empty());
    let known = loader.known.get_mut("/x").unwrap();
    assert!(known.retry_at().is_some());
    known.try_again_in(Duration::ZERO);
    loader.look().await;
    assert_eq!(**handler.absence.load(), Absence::Compiling);
    finish_job(&mut loader, None).await;
    assert!(handler.current().is_some());
    // What has been loaded is not loaded again.
    loader.look().await;
    assert!(loader.jobs.is_empty());
}

#[tokio::test]
async fn a_file_that_is_broken_is_tried_once() {
    let (mut loader, _root) = loader(b"garbage");
    loader.look().await;
    finish_job(&mut loader, None).await;
    loader.look().await;
    assert!(loader.jobs.is_empty());
}

#[tokio::test]
async fn a_rollback_is_not_undone_by_a_file_that_was_to_be_tried_again() {
    let (mut loader, root) = loader(EXAMPLES[0].1);
    let file = root.path().join("x.wasm");
    loader.look().await;
    finish_job(&mut loader, None).await;
    for content in [EXAMPLES[1].1, EXAMPLES[0].1] {
        std::fs::write(&file, content).unwrap();
        loader.look().await;
        let transient = LoadError::Read(std::io::ErrorKind::Other.into());
        finish_job(&mut loader, (content == EXAMPLES[0].1).then_some(transient)).await;
    }
    assert!(loader.known["/x"].retry_at().is_some());
    assert_eq!(loader.roll_back("x").unwrap().to, 1);
    assert_eq!(loader.known["/x"].retry_at(), None);
    loader.look().await;
    assert!(loader.jobs.is_empty());
}
