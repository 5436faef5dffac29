#!/bin/sh
# The smallest program that streams a chat completion, with actorstream and with async-openai: prints, as a Markdown
# section, what it takes to compile and how big it is. Everything is compiled anew, in a folder of its own.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$work/target"

program() { # name, dependencies, source
    mkdir -p "$work/$1/src"
    printf '[package]\nname = "%s-smallest"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n[dependencies]\n%s\n' "$1" "$2" \
        >"$work/$1/Cargo.toml"
    printf '%s\n' "$3" >"$work/$1/src/main.rs"
    cp "$here/Cargo.lock" "$work/$1/Cargo.lock"
    rm -rf "$work/target"
    # The CPU time of all that cargo starts; wall time says more of the machine.
    ( cd "$work/$1" && cargo fetch --quiet && cargo build --release --quiet && times ) >"$work/times"
    cpu="$(tail -1 "$work/times" | awk '{ split($1, u, /[ms]/); split($2, s, /[ms]/);
        printf "%.0f", u[1] * 60 + u[2] + s[1] * 60 + s[2] }')"
    size="$(wc -c <"$work/target/release/$1-smallest")"
    strip -o "$work/stripped" "$work/target/release/$1-smallest"
    stripped="$(wc -c <"$work/stripped")"
    crates="$(cd "$work/$1" && cargo tree --quiet --edges normal,build --prefix none | sort -u | wc -l)"
    printf '| %s | %s | %s | %s | %s |\n' "$1" "$crates" "$cpu" "$((size / 1024))" "$((stripped / 1024))"
}

printf '\n## The smallest program\n\n'
printf 'That streams a chat completion to stdout, over TLS, `cargo build --release` with every crate compiled anew; made by '
printf '`crates/actorstream-bench/smallest.sh`.\n\n'
printf '| with | crates | CPU s to compile | KiB | KiB, stripped |\n|---|--:|--:|--:|--:|\n'
program actorstream "actorstream = { path = \"$here/../actorstream\" }
actix-rt = { version = \"2\", default-features = false }" '
fn main() -> Result<(), Box<dyn std::error::Error>> {
    actix_rt::System::new().block_on(async {
        let openai = actorstream::OpenAi::from_env()?;
        let request = actorstream::ChatRequest::new("gpt-4o-mini").user("Hello");
        openai.chat().stream(request, |event| {
            if let actorstream::StreamEvent::Data(chunk) = event {
                print!("{}", actorstream::ChatCompletionChunk::content(&chunk).unwrap_or_default());
            }
        }).await?;
        Ok(())
    })
}'
program async-openai 'async-openai = { version = "=0.43.0", features = ["chat-completion"] }
futures-util = { version = "0.3", default-features = false }
tokio = { version = "1", features = ["rt"] }' '
use async_openai::types::chat::{ChatCompletionRequestUserMessage, CreateChatCompletionRequestArgs};
use futures_util::StreamExt;
fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let client = async_openai::Client::new();
        let request = CreateChatCompletionRequestArgs::default()
            .model("gpt-4o-mini")
            .messages([ChatCompletionRequestUserMessage::from("Hello").into()])
            .build()?;
        let mut stream = client.chat().create_stream(request).await?;
        while let Some(event) = stream.next().await {
            for choice in event?.choices {
                print!("{}", choice.delta.content.unwrap_or_default());
            }
        }
        Ok(())
    })
}'
