//! The assistant, with a model that says what the test says.

use crate::harness::{Client, Start, Upstream, example, example_manifest, within};

/// As the example's own, but for where the model is.
async fn server(upstream: &Upstream) -> crate::harness::Server {
    let manifest = String::from_utf8(example_manifest("assistant")).unwrap();
    let manifest = manifest.replace("127.0.0.1:11434", &upstream.address.to_string());
    Start::with(&[
        ("assistant.wasm", &example("assistant")),
        ("assistant.toml", manifest.as_bytes()),
    ])
    .run()
    .await
}

fn event(piece: &str) -> String {
    format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{piece}\"}}}}]}}\n\n")
}

#[tokio::test]
async fn an_answer_is_handed_on_while_it_is_written() {
    let upstream = Upstream::start().await;
    let server = server(&upstream).await;
    let mut client = server.connect("/assistant").await;
    client.send("Who are you?").await;
    let mut call = upstream.call().await;
    assert!(call.head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{}", call.head);
    let asked: serde_json::Value = serde_json::from_str(&call.body).unwrap();
    assert_eq!((&asked["model"], &asked["stream"]), (&"llama3.2".into(), &true.into()));
    assert_eq!(asked["messages"][0]["content"], "Who are you?");
    call.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
    for piece in ["I", " am", " a", " test."] {
        // Cut in two, as networks do.
        let event = event(piece);
        let (one, two) = event.split_at(event.len() / 2);
        call.say(one).await;
        call.say(two).await;
        assert_eq!(client.text().await, format!("{{\"piece\":\"{piece}\"}}"));
    }
    call.say("data: [DONE]\n\n").await;
    assert_eq!(client.text().await, "{\"done\":true}");
    call.closed().await;
    // The model hears what was said before.
    client.send("Really?").await;
    let mut call = upstream.call().await;
    let asked: serde_json::Value = serde_json::from_str(&call.body).unwrap();
    let said: Vec<_> =
        asked["messages"].as_array().unwrap().iter().map(|t| &t["content"]).collect();
    assert_eq!(said, ["Who are you?", "I am a test.", "Really?"]);
    call.say("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(client.text().await, "{\"error\":\"the assistant can't answer now\"}");
    server.log.message("no answer: no connection: status 500").await;
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    let upstream = Upstream::start().await;
    let server = server(&upstream).await;
    let mut client: Client = server.connect("/assistant").await;
    client.send(vec![1, 2, 3]).await;
    assert_eq!(within("a close", client.closed()).await.0, 1003);
    assert!(!upstream.is_asked());
}
