//! Filters and observers that fail do not keep others from seeing the end.

mod common;

use std::sync::{Arc, Mutex};

use common::{GET, Setup, balancer, ok, run};
use gorge::prelude::*;
use gorge_test_util::Origin;

/// Takes note of each end it sees.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<u16>>>);

impl Ends {
    fn seen(&self) -> Vec<u16> {
        self.0.lock().unwrap().clone()
    }
}

impl Filter for Ends {
    const HOOKS: Hooks = Hooks::END;

    fn on_end(&self, _: &Exchange, end: &Outcome) {
        self.0.lock().unwrap().push(end.status.as_u16());
    }
}

/// Panics at each end.
struct Clumsy;

impl Filter for Clumsy {
    const HOOKS: Hooks = Hooks::END;

    fn on_end(&self, _: &Exchange, _: &Outcome) {
        panic!("as asked");
    }
}

#[test]
fn a_panic_at_the_end_hides_it_from_no_other_filter() {
    let origin = Origin::answering(ok("hi"));
    let (setup, outer, inner) = (Setup::default(), Ends::default(), Ends::default());
    let builder = setup.builder().filter(outer.clone()).filter(Clumsy);
    let builder = builder.upstream_filter(inner.clone()).upstream_filter(Clumsy);
    let proxy = run(builder.upstream(balancer(&[origin.addr()], &setup)).build().unwrap(), &setup);
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send(GET);
        assert_eq!(client.response().text(), "hi");
    }
    proxy.wait_for("both panics of both exchanges", |proxy| proxy.stats().panics == 4);
    assert_eq!((outer.seen(), inner.seen()), (vec![200, 200], vec![200, 200]));
}

/// An observer that panics at the event it was made for.
struct Nervous(fn(&Event<'_>) -> bool);

impl Observer for Nervous {
    fn event(&self, _: &Exchange, event: &Event<'_>) {
        assert!(!(self.0)(event), "as asked");
    }
}

#[test]
fn an_observer_that_panics_costs_no_client_its_answer() {
    let origin = Origin::answering(ok("hi"));
    let nervous = [
        (Nervous(|event| matches!(event, Event::Head)), 500),
        (Nervous(|event| matches!(event, Event::Connected)), 500),
        (Nervous(|event| matches!(event, Event::Done(_))), 200),
    ];
    for (observer, status) in nervous {
        let setup = Setup::default();
        let builder = setup.builder().upstream(balancer(&[origin.addr()], &setup)).observe(observer);
        let proxy = run(builder.build().unwrap(), &setup);
        let mut client = proxy.client();
        for _ in 0..2 {
            client.send(GET);
            assert_eq!(client.response().status, status);
        }
        drop(client);
        proxy.wait_for("the connection to end", |proxy| proxy.stats().open == 0);
        assert_eq!(proxy.stats().panics, 2);
    }
}
