//! The store on a Redis Cluster: three primaries on this machine.

use std::sync::Arc;
use std::time::Duration;

use actorstream_web::store::{RedisStore, Store, StoreError, StoreLimits, contract};
use futures_util::future::join;

use crate::contract::contract_tests;
use crate::server::{Server, free_port, number, store};
use crate::work::{LONG, append, created, finish, follow, new_generation, numbered, within, write, written};

/// Three primaries that share all slots.
struct Cluster {
    nodes: Vec<Server>,
}

impl Cluster {
    fn start() -> Self {
        let start = || {
            // The default, the port plus 10,000, may not be a valid port.
            let bus = free_port().to_string();
            let server = Server::with(&[
                "--cluster-enabled",
                "yes",
                "--cluster-config-file",
                "nodes.conf",
                "--cluster-node-timeout",
                "2000",
                "--cluster-port",
                &bus,
                "--save",
                "",
                "--appendonly",
                "no",
            ]);
            (server, bus)
        };
        let nodes: Vec<(Server, String)> = (0..3).map(|_| start()).collect();
        for (index, ((node, _), slots)) in
            nodes.iter().zip([(0, 5460), (5461, 10922), (10923, 16383)]).enumerate()
        {
            let (first, last) = (slots.0.to_string(), slots.1.to_string());
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]);
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            for (other, bus) in &nodes {
                node.command(&["CLUSTER", "MEET", "127.0.0.1", &other.port.to_string(), bus]);
            }
        }
        let is_whole = |node: &Server| {
            let info = node.command(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok")
                && info.contains("cluster_known_nodes:3")
                && info.contains("cluster_size:3")
        };
        for _ in 0..600 {
            if nodes.iter().all(|(node, _)| is_whole(node)) {
                return Self { nodes: nodes.into_iter().map(|(node, _)| node).collect() };
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the cluster does not form: {}", nodes[0].0.command(&["CLUSTER", "INFO"]));
    }

    fn url(&self, node: usize, prefix: u32) -> String {
        format!("redis://127.0.0.1:{}?prefix=c{prefix}", self.nodes[node].port)
    }
}

#[tokio::test]
async fn the_contract_holds_on_a_cluster() {
    let cluster = Cluster::start();
    let ports: Vec<u16> = cluster.nodes.iter().map(|node| node.port).collect();
    let make = move |limits: StoreLimits| -> futures_core::future::BoxFuture<'static, Arc<dyn Store>> {
        let (number, port) = (number(), ports[number() as usize % 3]);
        let url = format!("redis://127.0.0.1:{port}?prefix=c{number}");
        Box::pin(async move { Arc::new(store(&url, limits).await) as Arc<dyn Store> })
    };
    macro_rules! run {
        ($($module:ident::$name:ident)*) => {
            $(println!(concat!(stringify!($module), "::", stringify!($name)));
            contract::$module::$name(&make).await;)*
        };
    }
    contract_tests!(run);
    contract::producers::nothing_is_written_across_a_takeover(&make).await;
}

#[tokio::test]
async fn instances_that_know_different_nodes_share_answers_on_all_of_them() {
    let cluster = Cluster::start();
    let prefix = number();
    let writer = store(&cluster.url(0, prefix), StoreLimits::default()).await;
    let reader = store(&cluster.url(2, prefix), StoreLimits::default()).await;
    // The ids distribute the generations over all nodes, sooner or later.
    let keys = |node: &Server| node.command(&["DBSIZE"]).trim().parse::<u64>().unwrap();
    let is_everywhere = || cluster.nodes.iter().all(|node| keys(node) > 0);
    let mut generations = 0;
    while generations < 12 || (generations < 100 && !is_everywhere()) {
        let id = created(&writer).await;
        let both = join(write(&writer, &id, 20, Duration::from_millis(2)), follow(&reader, &id));
        assert_eq!(within(both).await.1, written(20));
        generations += 1;
    }
    assert!(is_everywhere(), "a node has nothing of {generations} generations");
    // Orphans are found on any node.
    let id = created(&writer).await;
    writer.release(&id, 1).await.unwrap();
    assert_eq!(reader.orphans(10).await.unwrap(), std::slice::from_ref(&id));
    reader.claim(&id, LONG).await.unwrap();
    assert_eq!(writer.append(&id, &append(1, vec![numbered(1)])).await, Err(StoreError::Fenced));
}

#[tokio::test]
async fn a_node_that_is_away_is_told_of_and_comes_back() {
    let cluster = Cluster::start();
    let store: RedisStore = store(&cluster.url(0, number()), StoreLimits::default()).await;
    let id = created(&store).await;
    store.append(&id, &append(1, vec![numbered(1)])).await.unwrap();
    cluster.nodes.iter().for_each(|node| node.signal("-STOP"));
    let new = new_generation();
    let stopped = tokio::time::timeout(Duration::from_millis(800), store.create(&new)).await;
    assert!(!matches!(stopped, Ok(Ok(()))), "{stopped:?}");
    cluster.nodes.iter().for_each(|node| node.signal("-CONT"));
    let ended =
        crate::work::eventually(async || store.append(&id, &append(2, vec![finish()])).await.ok()).await;
    assert_eq!(ended.tail, 2);
    assert_eq!(follow(&store, &id).await, written(1));
}
