//! Errors of Redis are reported clearly and without the password.

use std::process::Command;

use actorstream_web::store::{RedisConnectError, RedisStore, Store, StoreError, StoreLimit, Tally};

use crate::server::{Server, free_port, number};
use crate::work::{LONG, append, created, finish, follow, new_generation, numbered, within, write, written};

/// The document with the permissions that the user needs.
const ACL: &str = include_str!("../../../../docs/scale-out.md");

fn refused(result: Result<RedisStore, RedisConnectError>) -> String {
    let error = result.expect_err("it cannot be used");
    assert!(matches!(error, RedisConnectError::Refused(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_password_that_is_wrong_or_missing_is_told() {
    let server = Server::with(&["--requirepass", "secret-1"]);
    let connect = |login: &str| {
        let url = format!("redis://{login}127.0.0.1:{}", server.port);
        async move { within(RedisStore::connect(&url)).await }
    };
    let error = refused(connect(":secret-2@").await);
    assert!(error.contains("refuses the user name or the password"), "{error}");
    let error = refused(connect("nobody:secret-1@").await);
    assert!(error.contains("refuses the user name or the password"), "{error}");
    let error = refused(connect("").await);
    assert!(error.contains("wants a password"), "{error}");
    let store = connect(":secret-1@").await.unwrap();
    assert!(!format!("{store:?}").contains("secret"));
    assert!(format!("{store:?}").contains(&server.port.to_string()));
}

#[tokio::test]
async fn nobody_at_the_address_is_told() {
    let mut server = Server::start();
    server.kill();
    let error = within(RedisStore::connect(&server.url())).await.expect_err("nobody is there");
    assert!(matches!(error, RedisConnectError::Absent(_)), "{error:?}");
    assert!(error.to_string().contains(&format!("127.0.0.1:{}", server.port)), "{error}");
    let error = within(RedisStore::connect("redis://user:secret@no-such-host.invalid")).await;
    let error = error.expect_err("there is no such host");
    assert!(matches!(error, RedisConnectError::Absent(_)), "{error:?}");
}

#[tokio::test]
async fn a_user_needs_no_more_than_the_documents_say() {
    let rules = ACL.lines().find_map(|line| line.strip_prefix("ACL SETUSER chat ")).unwrap();
    let rules: Vec<String> = rules.split(' ').map(|rule| rule.replace(">…", ">secret")).collect();
    let server = Server::start();
    let mut command = vec!["ACL", "SETUSER", "chat"];
    command.extend(rules.iter().map(String::as_str));
    assert_eq!(server.command(&command), "OK\n");
    let url = format!("redis://chat:secret@127.0.0.1:{}", server.port);
    let store = RedisStore::connect(&url).await.unwrap();
    let id = created(&store).await;
    within(futures_util::future::join(
        write(&store, &id, 50, std::time::Duration::ZERO),
        follow(&store, &id),
    ))
    .await;
    let id = created(&store).await;
    store.renew(&id, 1, LONG).await.unwrap();
    store.attend(&id, LONG).await.unwrap();
    store.request_stop(&id, "x").await.unwrap();
    store.release(&id, 1).await.unwrap();
    assert_eq!(store.orphans(10).await.unwrap(), std::slice::from_ref(&id));
    store.claim(&id, LONG).await.unwrap();
    store.generation(&id).await.unwrap();
    let chat = actorstream_web::store::ChatKey { owner: "o".into(), chat: "c".into() };
    let turn = actorstream_web::store::Turn { key: "t".into(), again: false };
    store.bind(&chat, &turn, &id).await.unwrap();
    assert_eq!(store.current(&chat).await, Ok(Some(id.clone())));
    store.remove(&id).await.unwrap();
    for here in [Tally { generations: 1, viewers: 2, bytes: 3 }, Tally::default()] {
        assert_eq!(store.tally("o", "process", here, LONG).await, Ok(Tally::default()));
    }
    // The user has no other permissions.
    let other = format!("{url}?prefix=other");
    let error = refused(RedisStore::connect(&other).await);
    assert!(error.contains("lacks a permission"), "{error}");
}

#[tokio::test]
async fn a_full_redis_takes_ends_and_leases() {
    let server = Server::start();
    let store = server.store().await;
    let id = created(&store).await;
    store.append(&id, &append(1, vec![numbered(1)])).await.unwrap();
    assert_eq!(server.command(&["CONFIG", "SET", "maxmemory", "1"]), "OK\n");
    let full = StoreError::Full(StoreLimit::Memory);
    assert_eq!(store.append(&id, &append(2, vec![numbered(2)])).await, Err(full.clone()));
    assert_eq!(store.append(&id, &append(2, vec![numbered(2), finish()])).await, Err(full.clone()));
    assert_eq!(store.create(&new_generation()).await, Err(full));
    store.renew(&id, 1, LONG).await.unwrap();
    assert_eq!(store.read(&id, 0, 100).await.unwrap().tail, 1);
    store.append(&id, &append(2, vec![finish()])).await.unwrap();
    assert_eq!(follow(&store, &id).await, written(1));
    assert_eq!(server.command(&["CONFIG", "SET", "maxmemory", "0"]), "OK\n");
    created(&store).await;
}

/// Writes a certificate for localhost, and the CA that signed it.
fn certificates(folder: &std::path::Path) {
    let run = |script: &str| {
        let output = Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run("openssl req -x509 -subj '/CN=test CA' -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
         -addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.pem");
    run("openssl req -new -subj /CN=localhost -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
         -keyout server.key -out server.csr");
    std::fs::write(folder.join("extensions"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
        .unwrap();
    run("openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -set_serial 1 -days 2 \
         -extfile extensions -out server.pem");
}

#[tokio::test]
async fn tls_that_is_wrong_is_told() {
    let folder =
        std::env::temp_dir().join(format!("actorstream-redis-tls-{}-{}", std::process::id(), number()));
    std::fs::create_dir_all(&folder).unwrap();
    certificates(&folder);
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let tls_port = free_port();
    let (port, certificate, key, ca) =
        (tls_port.to_string(), path("server.pem"), path("server.key"), path("ca.pem"));
    let server = Server::with(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
        "--tls-auth-clients",
        "no",
    ]);
    let connect = |url: String| async move { within(RedisStore::connect(&url)).await };
    let store = connect(format!("rediss://localhost:{tls_port}?ca={ca}")).await.unwrap();
    let id = created(&store).await;
    let both =
        futures_util::future::join(write(&store, &id, 20, std::time::Duration::ZERO), follow(&store, &id));
    assert_eq!(within(both).await.1, written(20));
    let untrusted = refused(connect(format!("rediss://localhost:{tls_port}")).await);
    assert!(untrusted.contains("TLS with Redis failed") && untrusted.contains("certificate"), "{untrusted}");
    let misnamed = refused(connect(format!("rediss://127.0.0.1:{tls_port}?ca={ca}")).await);
    assert!(misnamed.contains("certificate"), "{misnamed}");
    let no_tls_there =
        connect(format!("rediss://localhost:{}?ca={ca}", server.port)).await.expect_err("no TLS there");
    assert!(no_tls_there.to_string().contains("wants redis://"), "{no_tls_there}");
    let no_tls_here = refused(connect(format!("redis://localhost:{tls_port}")).await);
    assert!(no_tls_here.contains("wants rediss://"), "{no_tls_here}");
    std::fs::remove_dir_all(&folder).unwrap();
}
