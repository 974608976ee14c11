use super::balance::shares;
use super::*;
use routing::{ActiveCheck, NodesTls, PassiveCheck, Scheme};

fn node(host: &str, weight: u32) -> routing::Node {
    routing::Node { host: host.to_owned(), port: 80, weight }
}

fn servers(nodes: Vec<routing::Node>, balancing: Balancing) -> Result<Servers, String> {
    Servers::new(&routing::Nodes { nodes, balancing, ..routing::Nodes::default() }, None, None)
}

fn turn(weights: &[u32]) -> Option<Vec<usize>> {
    let nodes: Vec<_> = weights.iter().map(|weight| node("a", *weight)).collect();
    servers(nodes, Balancing::RoundRobin).ok().map(|servers| servers.balance.turn)
}

#[test]
fn servers_take_turns_by_weight_without_bursts() {
    for (weights, expected) in [
        (&[1][..], Some(vec![0])),
        (&[100, 100], Some(vec![0, 1])),
        (&[5, 1, 1], Some(vec![0, 0, 1, 0, 2, 0, 0])),
        (&[2, 0, 1], Some(vec![0, 1, 0])),
        (&[0, 0], None),
        (&[], None),
    ] {
        assert_eq!(turn(weights), expected, "{weights:?}");
    }
}

#[test]
fn shares_that_do_not_fit_one_turn_are_rounded_but_never_to_nothing() {
    for (weights, expected) in [
        (&[1_000_000, 1_000_000][..], vec![1, 1]),
        (&[300, 200], vec![3, 2]),
        (&[999_999, 1], vec![9999, 1]),
        (&[700_001, 299_999], vec![7000, 2999]),
    ] {
        assert_eq!(shares(weights), expected, "{weights:?}");
    }
}

/// The order in which one request would try the servers.
fn order(servers: &Servers) -> Vec<usize> {
    let mut tried = Vec::new();
    while let Some(next) = servers.next(&tried) {
        tried.push(next);
    }
    tried
}

#[test]
fn every_server_is_tried_once_and_no_more_than_allowed() {
    let nodes = ["a", "b", "c"].map(|host| node(host, 1)).to_vec();
    let all = servers(nodes.clone(), Balancing::RoundRobin).unwrap();
    for _ in 0..3 {
        let mut tried = order(&all);
        tried.sort_unstable();
        assert_eq!(tried, [0, 1, 2]);
    }
    for (retries, count) in [(0, 1), (1, 2), (9, 3)] {
        let source = routing::Nodes { nodes: nodes.clone(), retries: Some(retries), ..routing::Nodes::default() };
        assert_eq!(order(&Servers::new(&source, None, None).unwrap()).len(), count, "{retries}");
    }
}

#[test]
fn least_connections_goes_by_requests_in_flight_for_the_weight() {
    let servers = servers(vec![node("a", 1), node("b", 3)], Balancing::LeastConnections).unwrap();
    let mut in_flight = Vec::new();
    let mut counts = [0, 0];
    for _ in 0..40 {
        let next = servers.next(&[]).unwrap();
        counts[next] += 1;
        in_flight.push(servers.node(next).enter());
    }
    assert_eq!(counts, [10, 30]);
    in_flight.clear();
    let held = servers.node(1).enter();
    assert_eq!(servers.node(1).in_flight(), 1);
    drop(held);
    assert_eq!(servers.node(1).in_flight(), 0);
}

fn checked(rest: u32) -> Servers {
    let source = routing::Nodes {
        nodes: vec![node("a", 1), node("b", 1)],
        passive_check: Some(PassiveCheck { unhealthy_after: 2, rest }),
        ..routing::Nodes::default()
    };
    Servers::new(&source, None, None).unwrap()
}

#[test]
fn a_server_that_failed_several_times_in_a_row_is_left_alone_until_it_has_rested() {
    let servers = checked(3600);
    servers.learn(servers.node(0), false);
    servers.learn(servers.node(0), true);
    servers.learn(servers.node(0), false);
    assert!(servers.node(0).is_healthy());
    servers.learn(servers.node(0), false);
    assert!(!servers.node(0).is_healthy());
    assert_eq!((0..4).map(|_| servers.next(&[]).unwrap()).collect::<Vec<_>>(), [1, 1, 1, 1]);
    // When all are down, one of them is still a better guess than none.
    servers.learn(servers.node(1), false);
    servers.learn(servers.node(1), false);
    assert!(servers.next(&[]).is_some());
    let rested = checked(0);
    rested.learn(rested.node(0), false);
    rested.learn(rested.node(0), false);
    assert!(rested.node(0).is_healthy());
}

#[test]
fn a_server_keeps_its_state_over_a_change_of_the_others() {
    let before = checked(3600);
    before.learn(before.node(0), false);
    before.learn(before.node(0), false);
    let mut source = before.source.clone();
    source.nodes.push(node("c", 1));
    let after = Servers::new(&source, None, Some(&before)).unwrap();
    assert_eq!(after.nodes().iter().map(|node| node.is_healthy()).collect::<Vec<_>>(), [false, true, true]);
}

#[test]
fn a_server_is_not_left_alone_by_a_check_that_is_gone_or_another() {
    let active = ActiveCheck { path: "/health".to_owned(), interval: 5, healthy_after: 2, unhealthy_after: 3 };
    let source = routing::Nodes { active_check: Some(active.clone()), ..checked(3600).source };
    let before = Servers::new(&source, None, None).unwrap();
    before.node(0).judge(false);
    before.learn(before.node(1), false);
    before.learn(before.node(1), false);
    let without = |change: &dyn Fn(&mut routing::Nodes)| {
        let mut source = before.source.clone();
        change(&mut source);
        let after = Servers::new(&source, None, Some(&before)).unwrap();
        after.nodes().iter().filter(|node| node.is_healthy()).count()
    };
    assert_eq!(without(&|source| source.retries = Some(1)), 0);
    assert_eq!(without(&|source| source.active_check = None), 2);
    assert_eq!(
        without(&|source| source.active_check = Some(ActiveCheck { path: "/".to_owned(), ..active.clone() })),
        2
    );
    assert_eq!(without(&|source| source.passive_check = Some(PassiveCheck { unhealthy_after: 2, rest: 1 })), 2);
}

#[test]
fn what_cannot_be_sent_anything_says_why() {
    let https = |ca: &str| Scheme::Https(NodesTls { ca_certificate: Some(ca.to_owned()), client_cert_id: None });
    let with = |scheme, pass_host| routing::Nodes {
        nodes: vec![node("a", 1)],
        scheme,
        pass_host,
        ..routing::Nodes::default()
    };
    let rewrite = PassHost::Rewrite { upstream_host: "a b".to_owned() };
    for (source, part) in [
        (routing::Nodes { nodes: vec![node("a b", 1)], ..routing::Nodes::default() }, "no address"),
        (with(https("nonsense"), PassHost::Pass), "CA Certificate"),
        (
            with(https("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), PassHost::Pass),
            "CA Certificate",
        ),
        (with(Scheme::Grpcs(NodesTls::default()), rewrite), "not a name"),
    ] {
        let why = Servers::new(&source, None, None).map(drop).unwrap_err();
        assert!(why.contains(part), "{why}");
    }
    assert_eq!(Node::new(&node("::1", 1), &Scheme::Http).unwrap().name(), "[::1]:80");
}
