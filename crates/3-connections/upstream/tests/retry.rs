//! The table of when another attempt is made, row by row.

use std::time::Duration;

use gorge_digest::PeerAddr;
use gorge_error::{Error, Kind, Retryable};
use gorge_filter::{Attempt, Attempts, PeerId, Progress, Retry};
use gorge_http::Status;
use gorge_upstream::{RetryPolicy, Situation, Stale};
use proptest::prelude::*;

const AT_ONCE: Retry = Retry::Again(Duration::ZERO);

/// One failed attempt and what stands around it; each test changes what it is about.
#[derive(Clone, Debug)]
struct Case {
    policy: RetryPolicy,
    peers: Vec<u64>,
    reused: bool,
    progress: Progress,
    idempotent: bool,
    replayable: bool,
    answered: bool,
    another: bool,
    random: u64,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            policy: RetryPolicy::default(),
            peers: vec![1],
            reused: false,
            progress: Progress::Sent,
            idempotent: false,
            replayable: true,
            answered: false,
            another: true,
            random: u64::MAX,
        }
    }
}

impl Case {
    fn attempts(&self) -> Attempts {
        let mut attempts = Attempts::default();
        for peer in &self.peers {
            attempts.push(Attempt {
                peer: PeerId(*peer),
                address: PeerAddr::Unix(None),
                reused: self.reused,
                progress: self.progress,
                failure: None,
            });
        }
        attempts.set_replayable(self.replayable);
        attempts
    }

    fn failure(&self, error: impl Into<Error>) -> Retry {
        let attempts = self.attempts();
        self.policy.on_failure(&self.situation(&attempts), &error.into(), self.random)
    }

    fn status(&self, status: Status) -> Retry {
        let attempts = self.attempts();
        self.policy.on_status(&self.situation(&attempts), status, self.random)
    }

    fn situation<'a>(&self, attempts: &'a Attempts) -> Situation<'a> {
        let Self { idempotent, answered, another, .. } = *self;
        Situation { attempts, idempotent, answered, another }
    }
}

fn post() -> Case {
    Case::default()
}

fn get() -> Case {
    Case { idempotent: true, ..Case::default() }
}

const CONNECT: [Kind; 9] = [
    Kind::ConnectRefused,
    Kind::NoRoute,
    Kind::ConnectTimedOut,
    Kind::ConnectReset,
    Kind::ConnectFailed,
    Kind::NameNotFound,
    Kind::TlsTimedOut,
    Kind::TlsHandshakeFailed,
    Kind::CertificateExpired,
];
const BROKEN: [Kind; 3] = [Kind::ReadFailed, Kind::WriteFailed, Kind::ClosedEarly];
const STALLED: [Kind; 4] = [Kind::ReadTimedOut, Kind::WriteTimedOut, Kind::HeadTimedOut, Kind::IdleTimedOut];

#[test]
fn without_a_connection_any_method_is_repeated() {
    for kind in CONNECT {
        let case = Case { progress: Progress::Nothing, ..post() };
        assert_eq!(case.failure(kind), AT_ONCE, "{kind}");
    }
}

#[test]
fn stale_connections_repeat_idempotent_methods_only() {
    for kind in BROKEN {
        assert_eq!(Case { reused: true, ..get() }.failure(kind), AT_ONCE, "{kind}");
        assert_eq!(Case { reused: true, ..post() }.failure(kind), Retry::GiveUp, "{kind}");
    }
}

#[test]
fn stale_connections_before_a_request_byte_repeat_any_method() {
    for kind in BROKEN {
        assert_eq!(
            Case { reused: true, progress: Progress::Nothing, ..post() }.failure(kind),
            AT_ONCE,
            "{kind}"
        );
    }
}

#[test]
fn stale_any_repeats_every_method_whose_body_is_at_hand() {
    let policy = RetryPolicy { stale: Stale::Any, ..RetryPolicy::default() };
    let case = Case { policy, reused: true, ..post() };
    assert_eq!(case.failure(Kind::ClosedEarly), AT_ONCE);
    assert_eq!(case.failure(Error::new(Kind::ReadFailed).retryable(Retryable::IfReused)), AT_ONCE);
    assert_eq!(Case { replayable: false, ..case.clone() }.failure(Kind::ClosedEarly), Retry::GiveUp);
    assert_eq!(Case { reused: false, ..case.clone() }.failure(Kind::ClosedEarly), Retry::GiveUp);
    assert_eq!(
        Case { progress: Progress::Answered, ..case.clone() }.failure(Kind::ClosedEarly),
        Retry::GiveUp
    );
    assert_eq!(case.failure(Kind::ReadTimedOut), Retry::GiveUp, "a stalled connection is not a closed one");
}

#[test]
fn what_the_upstream_refused_is_repeated_for_any_method() {
    let refused = || Error::new(Kind::H2).into_upstream().retryable(Retryable::Yes);
    assert_eq!(post().failure(refused()), AT_ONCE);
    assert_eq!(Case { replayable: false, ..post() }.failure(refused()), Retry::GiveUp);
}

#[test]
fn misdirected_is_repeated_once_for_any_method() {
    assert_eq!(post().status(Status::MISDIRECTED_REQUEST), AT_ONCE);
    let case = Case { peers: vec![1, 2], ..post() };
    let mut attempts = Attempts::default();
    for attempt in case.attempts().iter() {
        attempts.push(Attempt { failure: Some(Kind::Rejected(421)), ..attempt.clone() });
    }
    attempts.set_replayable(true);
    let now = case.situation(&attempts);
    assert_eq!(case.policy.on_status(&now, Status::MISDIRECTED_REQUEST, 0), Retry::GiveUp);
}

#[test]
fn fresh_connections_that_break_repeat_idempotent_methods_only() {
    for kind in BROKEN.into_iter().chain(STALLED) {
        for progress in [Progress::Sent, Progress::Answered] {
            assert_eq!(Case { progress, ..get() }.failure(kind), AT_ONCE, "{kind}");
            assert_eq!(Case { progress, ..post() }.failure(kind), Retry::GiveUp, "{kind}");
        }
    }
}

#[test]
fn a_silent_peer_is_left_for_another_by_idempotent_methods() {
    assert_eq!(get().failure(Kind::FirstByteTimedOut), Retry::Elsewhere);
    assert_eq!(Case { another: false, ..get() }.failure(Kind::FirstByteTimedOut), Retry::GiveUp);
    assert_eq!(post().failure(Kind::FirstByteTimedOut), Retry::GiveUp);
}

#[test]
fn statuses_lead_idempotent_methods_to_another_peer() {
    for status in [Status::BAD_GATEWAY, Status::SERVICE_UNAVAILABLE, Status::GATEWAY_TIMEOUT] {
        assert_eq!(get().status(status), Retry::Elsewhere);
        assert_eq!(Case { another: false, ..get() }.status(status), Retry::GiveUp);
        assert_eq!(post().status(status), Retry::GiveUp);
    }
    for status in [Status::OK, Status::NOT_FOUND, Status::INTERNAL_SERVER_ERROR] {
        assert_eq!(get().status(status), Retry::GiveUp);
    }
}

#[test]
fn broken_messages_are_never_repeated() {
    let kinds =
        [Kind::HeadInvalid, Kind::FramingInvalid, Kind::HeadTooLarge, Kind::VersionUnsupported, Kind::H2];
    for kind in kinds {
        assert_eq!(Case { progress: Progress::Answered, ..get() }.failure(kind), Retry::GiveUp, "{kind}");
    }
}

#[test]
fn the_proxys_own_and_the_clients_errors_are_never_repeated() {
    for kind in [Kind::NoPeer, Kind::Rejected(403), Kind::Limit, Kind::Panic, Kind::Custom("mine")] {
        assert_eq!(get().failure(kind), Retry::GiveUp, "{kind}");
    }
    assert_eq!(get().failure(Error::new(Kind::ReadFailed).into_downstream()), Retry::GiveUp);
    assert_eq!(get().failure(Error::new(Kind::WriteFailed).into_internal()), Retry::GiveUp);
}

#[test]
fn attempts_are_counted_with_the_first() {
    let refused = |peers| Case { peers, progress: Progress::Nothing, ..get() }.failure(Kind::ConnectRefused);
    assert_eq!(refused(vec![]), Retry::GiveUp, "nothing was tried");
    assert_eq!(refused(vec![1, 2]), AT_ONCE);
    assert_eq!(refused(vec![1, 2, 3]), Retry::GiveUp);
    let never = Case { policy: RetryPolicy::never(), ..get() };
    assert_eq!(never.failure(Kind::ReadFailed), Retry::GiveUp);
    assert_eq!(never.status(Status::MISDIRECTED_REQUEST), Retry::GiveUp);
    let zero = RetryPolicy { attempts: 0, ..RetryPolicy::default() };
    assert_eq!(Case { policy: zero, ..get() }.failure(Kind::ReadFailed), Retry::GiveUp);
}

#[test]
fn pauses_grow_only_while_the_same_peer_is_asked_again() {
    let ms = Duration::from_millis;
    let pause = |peers: Vec<u64>, random| {
        let policy = RetryPolicy { attempts: 20, ..RetryPolicy::default() };
        match (Case { policy, peers, another: false, random, ..get() }).failure(Kind::ReadFailed) {
            Retry::Again(pause) => pause,
            other => panic!("{other:?}"),
        }
    };
    let near = |pause: Duration, longest: Duration| longest - pause <= Duration::from_nanos(1);
    assert!(near(pause(vec![1], u64::MAX), ms(100)));
    assert!(near(pause(vec![1, 1], u64::MAX), ms(200)));
    assert!(near(pause(vec![1, 2], u64::MAX), ms(100)));
    assert!(near(pause(vec![1, 2, 1], u64::MAX), ms(200)));
    assert!(near(pause(vec![1; 19], u64::MAX), ms(5000)));
    assert_eq!(pause(vec![1], 0), Duration::ZERO);
    assert!(near(pause(vec![1], u64::MAX / 2), ms(50)));
}

proptest! {
    #[test]
    fn no_setting_makes_a_pause_overflow_or_pass_its_maximum(
        backoff in any::<u64>(), max in any::<u64>(), factor in any::<f64>(), n in 1..40_usize, random in any::<u64>(),
    ) {
        let max_backoff = Duration::from_secs(max);
        let policy = RetryPolicy { attempts: 50, backoff: Duration::from_secs(backoff), factor, max_backoff, ..RetryPolicy::default() };
        let case = Case { policy, peers: vec![1; n], another: false, random, ..get() };
        match case.failure(Kind::ReadFailed) {
            Retry::Again(pause) => prop_assert!(pause <= max_backoff),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    /// Whatever else holds: a request that may have reached an upstream is not sent twice unless
    /// it is idempotent or the upstream is known not to have acted.
    #[test]
    fn a_post_is_never_sent_twice(kind in 0..Kind::COUNT, reused in any::<bool>(), answered in any::<bool>(), another in any::<bool>()) {
        let case = Case { reused, answered, another, ..post() };
        prop_assert_eq!(case.failure(Kind::ALL[kind]), Retry::GiveUp);
    }

    #[test]
    fn nothing_follows_a_byte_sent_to_the_client(kind in 0..Kind::COUNT, nothing in any::<bool>(), safe in any::<bool>()) {
        let progress = if nothing { Progress::Nothing } else { Progress::Answered };
        let retry = if safe { Retryable::Yes } else { Retryable::No };
        let case = Case { progress, answered: true, ..get() };
        prop_assert_eq!(case.failure(Error::new(Kind::ALL[kind]).retryable(retry)), Retry::GiveUp);
        prop_assert_eq!(case.status(Status::SERVICE_UNAVAILABLE), Retry::GiveUp);
    }
}
