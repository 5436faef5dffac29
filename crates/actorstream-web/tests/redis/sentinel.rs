//! The store behind Sentinel: a primary, a replica, and a sentinel that promotes it.

use std::process::{Child, Command, Stdio};

use actorstream_web::store::{RedisConnectError, RedisStore, Store, StoreLimits};

use crate::server::{Server, free_port, number, program, store};
use crate::work::{append, created, eventually, finish, follow, numbered, within, written};

/// A running sentinel.
struct Sentinel {
    child: Child,
    port: u16,
    directory: std::path::PathBuf,
}

impl Sentinel {
    /// Starts a sentinel that monitors these primaries.
    fn start(primaries: &[(&str, u16)], password: Option<&str>) -> Self {
        let directory =
            std::env::temp_dir().join(format!("actorstream-sentinel-{}-{}", std::process::id(), number()));
        std::fs::create_dir_all(&directory).unwrap();
        let port = free_port();
        let mut configuration = format!("port {port}\nbind 127.0.0.1\ndir {}\n", directory.display());
        for (name, port) in primaries {
            configuration += &format!(
                "sentinel monitor {name} 127.0.0.1 {port} 1\nsentinel down-after-milliseconds {name} 500\n\
                 sentinel failover-timeout {name} 3000\n"
            );
            if let Some(password) = password {
                configuration += &format!("sentinel auth-pass {name} {password}\n");
            }
        }
        let file = directory.join("sentinel.conf");
        std::fs::write(&file, configuration).unwrap();
        let mut command = Command::new(program());
        command.arg(&file).arg("--sentinel").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { child: command.spawn().unwrap(), port, directory }
    }

    fn command(&self, arguments: &[&str]) -> String {
        let output =
            Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[tokio::test]
async fn a_failover_is_followed() {
    for password in [None, Some("s3cret")] {
        let login = |arguments: &[&'static str]| {
            let mut arguments = [&["--save", "", "--appendonly", "no"], arguments].concat();
            if let Some(password) = password {
                arguments.extend(["--requirepass", password, "--masterauth", password]);
            }
            Server::with(&arguments)
        };
        let mut primary = login(&[]);
        let replica = login(&[]);
        let with_password = |server: &Server, command: &[&str]| match password {
            Some(password) => server.command(&[&["-a", password, "--no-auth-warning"], command].concat()),
            None => server.command(command),
        };
        with_password(&replica, &["REPLICAOF", "127.0.0.1", &primary.port.to_string()]);
        let sentinel = Sentinel::start(&[("chat", primary.port)], password);
        eventually(async || {
            sentinel.command(&["SENTINEL", "REPLICAS", "chat"]).contains("slave").then_some(())
        })
        .await;
        eventually(async || {
            with_password(&replica, &["INFO", "replication"]).contains("master_link_status:up").then_some(())
        })
        .await;
        let user = password.map_or_else(String::new, |password| format!(":{password}@"));
        let url = format!("redis://{user}127.0.0.1:{}?prefix=s{}", sentinel.port, number());
        let store: RedisStore = store(&url, StoreLimits::default()).await;
        let id = created(&store).await;
        store.append(&id, &append(1, vec![numbered(1)])).await.unwrap();
        with_password(&primary, &["WAIT", "1", "5000"]);
        primary.kill();
        // Entries that the replica acknowledged are there, and the log continues on the new primary.
        let ended =
            within(eventually(async || store.append(&id, &append(2, vec![finish()])).await.ok())).await;
        assert_eq!(ended.tail, 2);
        assert_eq!(within(follow(&store, &id)).await, written(1));
        assert!(with_password(&replica, &["ROLE"]).starts_with("master"));
    }
}

#[tokio::test]
async fn of_several_primaries_the_url_names_one() {
    let (one, two) = (Server::start(), Server::start());
    let sentinel = Sentinel::start(&[("one", one.port), ("two", two.port)], None);
    eventually(async || sentinel.command(&["PING"]).contains("PONG").then_some(())).await;
    let url = format!("redis://127.0.0.1:{}", sentinel.port);
    let error = within(RedisStore::connect(&url)).await.unwrap_err();
    assert!(
        matches!(&error, RedisConnectError::Refused(text) if text.contains("one, two") && text.contains("?primary=")),
        "{error}"
    );
    let store = within(RedisStore::connect(&format!("{url}?primary=two"))).await.unwrap();
    created(&store).await;
    assert_eq!((one.command(&["DBSIZE"]).trim(), two.command(&["DBSIZE"]).trim() == "0"), ("0", false));
    let error = within(RedisStore::connect(&format!("{url}?primary=three"))).await.unwrap_err();
    assert!(!matches!(error, RedisConnectError::Url(_)), "{error}");
}
