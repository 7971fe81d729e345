//! `new`, `inspect`, `connect`, and what helps on a command line.

use std::fs::File;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use super::{command, finish_with, socklet, socklet_with};
use crate::harness::{Start, Upstream, binary, example, within};

#[tokio::test]
async fn a_project_is_made_where_nothing_is_and_with_a_name_that_fits() {
    let folder = TempDir::new().unwrap();
    let new = async |args: &[&str]| socklet(folder.path(), &[&["new"], args].concat()).await;
    new(&["deep/er", "--lang", "c"]).await.succeeded();
    assert!(folder.path().join("deep/er/vendor/socklet-guest/wit/world.wit").is_file());
    assert!(folder.path().join("deep/er/.gitignore").is_file());
    let page = folder.path().join("deep/er/vendor/socklet-guest/README.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("](docs/conformance.md)") && !page.contains("](../"), "{page}");
    assert!(folder.path().join("deep/er/vendor/socklet-guest/docs/conformance.md").is_file());
    // No link of any page leads to nothing.
    for entry in std::fs::read_dir(folder.path().join("deep/er/vendor/socklet-guest/docs")).unwrap()
    {
        let page = entry.unwrap().path();
        let text = std::fs::read_to_string(&page).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        for target in targets.filter(|target| !target.is_empty() && !target.contains(':')) {
            assert!(page.with_file_name(target).exists(), "{}: {target}", page.display());
        }
    }
    assert!(!folder.path().join("deep/er/vendor/socklet-guest/setup").exists());
    let said = new(&["deep/er", "--lang", "c"]).await.failed(1);
    assert!(said.contains("not empty"), "{said}");
    let said = new(&["Trial", "--lang", "c"]).await.failed(1);
    assert!(said.contains("small letter"), "{said}");
    for name in ["std", "go"] {
        let said = new(&[name, "--lang", "go"]).await.failed(1);
        assert!(said.contains("another name"), "{said}");
    }
    let said = new(&["trial"]).await.failed(1);
    assert!(said.contains("--lang rust|js|ts|python|go|c|cpp|zig"), "{said}");
    let said = new(&["trial", "--lang", "c", "--template", "nothing"]).await.failed(1);
    assert!(said.contains("there are chat, echo, hello"), "{said}");
    let said = new(&["trial", "--lang", "cobol"]).await.failed(2);
    assert!(said.contains("[possible values: rust"), "{said}");
    // What is refused leaves nothing behind.
    assert!(!folder.path().join("trial").exists());
}

#[tokio::test]
async fn in_a_terminal_the_language_is_asked_for() {
    let folder = TempDir::new().unwrap();
    // It runs its command in a terminal, whose input and output are its own.
    let mut script = command("script", folder.path());
    let new = format!("{} new trial", binary().display());
    script.args(["--quiet", "--return", "--echo", "never", "--command", &new, "/dev/null"]);
    let asked = finish_with(script, "cobol\n9\n0\nzig\n").await.succeeded();
    assert!(asked.contains("8  Zig"), "{asked}");
    assert_eq!(asked.matches("In which language? [1-8]").count(), 4, "{asked}");
    assert!(folder.path().join("trial/build.zig").is_file());
}

#[tokio::test]
async fn a_component_is_told_about() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("chat.wasm"), example("chat")).unwrap();
    std::fs::write(folder.path().join("chat.toml"), "route = \"/chat/{room}\"\n").unwrap();
    let inspect =
        async |args: &[&str]| socklet(folder.path(), &[&["inspect"], args].concat()).await;
    let text = inspect(&["chat.wasm"]).await.succeeded();
    assert!(text.contains("websocket-handler, looping-handler, lasting-handler"), "{text}");
    let embed = ["embed", "chat.wasm", "--manifest", "chat.toml"];
    socklet(folder.path(), &embed).await.succeeded();
    let report = inspect(&["chat.wasm", "--json"]).await.succeeded();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["is_handler"], true);
    assert_eq!(report["manifest"], "route = \"/chat/{room}\"\n");
    let size = std::fs::metadata(folder.path().join("chat.wasm")).unwrap().len();
    assert_eq!(report["size"], size);
    let exports = report["exports"].as_array().unwrap();
    assert!(exports.contains(&Value::from("socklet:websocket/handler@0.1.0")), "{report}");

    std::fs::write(folder.path().join("text.wasm"), "no component").unwrap();
    let said = inspect(&["text.wasm"]).await.failed(1);
    assert!(said.contains("text.wasm: is not WebAssembly"), "{said}");
    std::fs::write(folder.path().join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let said = inspect(&["core.wasm"]).await.failed(1);
    assert!(said.contains("core.wasm: is a core module"), "{said}");
    let whole = std::fs::read(folder.path().join("chat.wasm")).unwrap();
    std::fs::write(folder.path().join("half.wasm"), &whole[..whole.len() / 2]).unwrap();
    let said = inspect(&["half.wasm"]).await.failed(1);
    assert!(said.contains("half.wasm: is no component, or a damaged one"), "{said}");
    let said = inspect(&["none.wasm"]).await.failed(1);
    assert!(said.contains("none.wasm: can't be read"), "{said}");
    let said = inspect(&["\x1b[31m.wasm"]).await.failed(1);
    assert!(said.contains("\\u{1b}[31m.wasm: can't be read"), "{said}");

    // Of hostile ones as well, and nothing of theirs reaches the terminal.
    let mut deep = b"\0asm\x0d\0\x01\0".to_vec();
    for _ in 0..50_000 {
        let mut outer = b"\0asm\x0d\0\x01\0\x04".to_vec();
        outer.extend(leb128(deep.len()));
        if outer.len() + deep.len() > 300_000 {
            break;
        }
        outer.extend(&deep);
        deep = outer;
    }
    std::fs::write(folder.path().join("deep.wasm"), deep).unwrap();
    let said = inspect(&["deep.wasm"]).await.failed(1);
    assert!(said.contains("too deep"), "{said}");
    std::fs::write(folder.path().join("long.wasm"), b"\0asm\x0d\0\x01\0\x04\xff\xff\xff\xff\x0f")
        .unwrap();
    let said = inspect(&["long.wasm"]).await.failed(1);
    assert!(said.contains("a damaged one"), "{said}");
    let strange = "(component (import \"url=<\\1b[31m>\" (func)))";
    std::fs::write(folder.path().join("strange.wasm"), wat::parse_str(strange).unwrap()).unwrap();
    let text = inspect(&["strange.wasm"]).await.succeeded();
    assert!(text.contains("url=<\\u{1b}[31m>"), "{text}");
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[tokio::test]
async fn lines_are_sent_and_answers_shown() {
    let server = Start::embedded().run().await;
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("bytes"), [0, 1, 255]).unwrap();
    let connect = async |args: &[&str], input: &str| {
        socklet_with(folder.path(), &[&["connect"], args].concat(), input).await
    };
    let echo = server.url("/echo");
    let input = "hello\n//slash\n/binary bytes\n/ping there?\n/close 4001 enough\n";
    let done = connect(&[&echo], input).await;
    assert_eq!(done.stdout, "< hello\n< /slash\n< 3 bytes: 00 01 ff\n");
    assert!(done.stderr.contains("pong there?"), "{}", done.stderr);
    // The server's answer has the same code.
    assert!(done.stderr.contains("closed with 4001"), "{}", done.stderr);
    assert_eq!(done.status.code(), Some(1));

    let done =
        connect(&[&echo, "--wait=10s"], "/nothing\n/binary none\nstill here\n/close\n").await;
    assert_eq!(done.stdout, "< still here\n");
    assert!(done.stderr.contains("no such command: /nothing"), "{}", done.stderr);
    assert!(done.stderr.contains("none: No such file"), "{}", done.stderr);
    assert_eq!(done.status.code(), Some(0));

    let whoami = server.url("/whoami");
    let args = [&*whoami, "--header", "x-token: secret", "-o", "http://localhost:1", "--wait=1s"];
    let done = connect(&args, "").await;
    assert_eq!(done.status.code(), Some(1), "a foreign origin is refused");
    assert!(done.stderr.contains("refused with 403"), "{}", done.stderr);
}

#[tokio::test]
async fn what_can_not_be_connected_to_is_said() {
    let server = Start::embedded().run().await;
    let folder = TempDir::new().unwrap();
    let connect = async |url: &str| socklet(folder.path(), &["connect", url]).await;
    let said = connect(&server.url("/nothing")).await.failed(1);
    assert!(said.contains("refused with 404"), "{said}");
    let upstream = Upstream::start().await;
    let refused = async {
        let page = "\x1b]0;title\x07\nsocklet: all is well\u{202e}";
        let length = page.len();
        let head = format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {length}\r\n\r\n");
        let mut call = upstream.call().await;
        call.say(&format!("{head}{page}")).await;
        call
    };
    let url = upstream.url().replace("http", "ws");
    let (done, _call) = tokio::join!(connect(&url), refused);
    let said = done.failed(1);
    assert!(said.contains("\\u{1b}]0;title\\u{7}\\nsocklet: all is well\\u{202e}"), "{said}");
    let said = connect("ftp://127.0.0.1/").await.failed(1);
    assert!(said.contains("ws:// or wss://"), "{said}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let said = connect(&format!("ws://{address}/")).await.failed(1);
    assert!(said.contains("can't connect"), "{said}");
    let said = socklet(folder.path(), &["connect", "ws://x", "-H", "no colon"]).await.failed(2);
    assert!(said.contains("NAME: VALUE"), "{said}");
}

#[tokio::test]
async fn shells_and_manuals_know_every_command() {
    let folder = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = socklet(folder.path(), &["completions", shell]).await.succeeded();
        for word in ["inspect", "takeover", "subprotocol"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    socklet(folder.path(), &["man", "--output", "man1"]).await.succeeded();
    for page in ["socklet.1", "socklet-serve.1", "socklet-dev.1", "socklet-connect.1"] {
        let page = std::fs::read_to_string(folder.path().join("man1").join(page)).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
}

#[tokio::test]
async fn a_reader_that_has_gone_is_no_failure_and_a_full_disk_is_one() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("chat.wasm"), example("chat")).unwrap();
    let run = async |arguments: &str, stdout: Stdio| {
        let _ = std::fs::remove_dir_all(folder.path().join("trial"));
        let mut command = command(binary(), folder.path());
        command.args(arguments.split(' ')).stdout(stdout).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        // Its end of the pipe is the command's own, and let go of here.
        drop(command);
        let output = within("a command's end", child.wait_with_output()).await.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for arguments in
        ["inspect chat.wasm", "inspect chat.wasm --json", "completions bash", "new trial --lang c"]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(run(arguments, writer.into()).await, (Some(0), String::new()), "{arguments}");
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (code, said) = run(arguments, full.into()).await;
        assert_eq!(code, Some(1), "{arguments}: {said}");
        assert!(said.contains("stdout can't be written to"), "{arguments}: {said}");
    }
}
