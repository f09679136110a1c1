//! When a responder is asked again, by a clock of the test's own.

mod responder;

use std::time::{Duration, SystemTime};

use gorge_tls::ocsp::{Fault, Refresh, Request, Step, check};
use responder::House;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

fn house() -> House {
    House::new("http://ocsp.example/")
}

/// Waits as told until there is something else to do.
fn waits(refresh: &mut Refresh, now: &mut SystemTime) -> (Duration, Step) {
    let begin = *now;
    loop {
        match refresh.next(*now) {
            Step::Wait(time) => {
                assert!(!time.is_zero() && time <= HOUR, "{time:?}");
                *now += time;
            }
            step => return (now.duration_since(begin).unwrap(), step),
        }
    }
}

#[test]
fn asks_at_once_and_then_when_half_of_the_time_is_over() {
    let house = house();
    let response = house.response("");
    let mut now = SystemTime::now();
    let mut refresh = Refresh::new(&house.certificate, now).unwrap();
    assert_eq!(refresh.next(now), Step::Fetch);
    assert_eq!(refresh.request(), &Request::for_certificate(&house.certificate).unwrap());
    let shown = refresh.answered(&response, now).unwrap();
    let until = shown.staple().unwrap().next_update();
    let (waited, step) = waits(&mut refresh, &mut now);
    assert_eq!(step, Step::Fetch);
    let half = until.duration_since(now - waited).unwrap() / 2;
    // Up to an eighth sooner, so that not all are asked for at the same moment.
    assert!(waited <= half && waited >= half - half / 8, "{waited:?} of {half:?}");
    // Whoever starts anew with the response goes on from there.
    let mut again = Refresh::new(&shown, now).unwrap();
    assert!(matches!(again.next(now), Step::Wait(_)));
    assert_eq!(again.bare().staple(), None);
}

#[test]
fn asks_every_five_minutes_at_most() {
    let house = house();
    let response = house.response_by("issuer", "-nmin 6", "");
    let mut now = SystemTime::now();
    let mut refresh = Refresh::new(&house.certificate, now).unwrap();
    refresh.answered(&response, now).unwrap();
    assert_eq!(waits(&mut refresh, &mut now), (5 * MINUTE, Step::Fetch));
}

#[test]
fn waits_longer_after_each_failure_up_to_an_hour() {
    let house = house();
    let mut now = SystemTime::now();
    let mut refresh = Refresh::new(&house.certificate, now).unwrap();
    let within = |waited: Duration, pause: Duration| waited >= pause && waited <= pause + pause / 8;
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        refresh.failed(now);
        let (waited, step) = waits(&mut refresh, &mut now);
        assert_eq!(step, Step::Fetch);
        assert!(within(waited, minutes * MINUTE), "{waited:?} of {minutes} minutes");
    }
    // A response that is not good is a failure too.
    assert_eq!(
        refresh.answered(&[0x30, 3, 0x0a, 1, 3], now).unwrap_err(),
        Fault::Refused { status: "tryLater" }
    );
    assert!(within(waits(&mut refresh, &mut now).0, 60 * MINUTE));
    // After success the first pause is a short one again.
    let real = SystemTime::now();
    refresh.answered(&house.response(""), real).unwrap();
    refresh.failed(real);
    let mut now = real;
    assert!(within(waits(&mut refresh, &mut now).0, MINUTE));
}

#[test]
fn withdraws_what_goes_out_of_date() {
    let house = house();
    let response = house.response("");
    let mut now = SystemTime::now();
    let mut refresh = Refresh::new(&house.certificate, now).unwrap();
    let until = refresh.answered(&response, now).unwrap().staple().unwrap().next_update();
    loop {
        match waits(&mut refresh, &mut now).1 {
            Step::Fetch => refresh.failed(now),
            step => {
                assert_eq!((step, now), (Step::Withdraw, until));
                break;
            }
        }
    }
    // Once; then it goes on trying.
    assert_ne!(refresh.next(now), Step::Withdraw);
    assert_eq!(waits(&mut refresh, &mut now).1, Step::Fetch);
    // One that was out of date from the start.
    let staple = check(&house.certificate, &response, SystemTime::now()).unwrap();
    let mut late = Refresh::new(&house.certificate.with_ocsp(&staple), until + DAY).unwrap();
    assert_eq!(late.next(until + DAY), Step::Withdraw);
    assert_eq!(waits(&mut late, &mut (until + DAY)).1, Step::Fetch);
}

#[test]
fn does_not_wait_for_a_clock_that_was_set_back() {
    let house = house();
    let now = SystemTime::now();
    let mut refresh = Refresh::new(&house.certificate, now).unwrap();
    refresh.failed(now);
    assert!(matches!(refresh.next(now - MINUTE), Step::Wait(_)));
    assert_eq!(refresh.next(now - DAY), Step::Fetch);
}

#[test]
fn needs_a_responder() {
    let made = gorge_tls::Certificate::self_signed(&["a.example"], DAY).unwrap();
    assert!(Refresh::new(&made, SystemTime::now()).is_none());
}
