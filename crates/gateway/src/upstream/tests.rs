use super::*;

fn node(host: &str, weight: u32) -> routing::Node {
    routing::Node { host: host.to_owned(), port: 80, weight }
}

fn turn(weights: &[u32]) -> Option<Vec<usize>> {
    let nodes: Vec<_> = weights.iter().map(|weight| node("a", *weight)).collect();
    RoundRobin::new(&nodes).map(|robin| robin.turn)
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

#[test]
fn every_server_is_tried_once_beginning_with_the_next() {
    let robin = RoundRobin::new(&[node("a", 1), node("b", 1), node("c", 1)]).unwrap();
    for expected in [["a:80", "b:80", "c:80"], ["b:80", "c:80", "a:80"], ["c:80", "a:80", "b:80"]] {
        assert_eq!(robin.order().map(|node| node.authority.to_string()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_node_without_a_valid_address_is_refused() {
    assert!(RoundRobin::new(&[node("a b", 1)]).is_none());
    assert_eq!(Node::new(&node("::1", 1)).unwrap().authority, "[::1]:80");
}
