//! One service: it waits for others, begins, and begins again when it dies.

use std::sync::Arc;
use std::time::Instant;

use crate::accept;
use crate::board::Post;
use crate::core::Core;
use crate::either::{Which, either};
use crate::hooks::Failure;
use crate::port::Port;
use crate::service::{Context, Work};

/// Keeps the service at `index` going until it is told to end.
pub(crate) async fn supervise(core: Arc<Core>, index: usize) {
    let post = core.board.posts[index].clone();
    core.board.until(|| core.board.may_start(&post)).await;
    post.starting();
    match &post.work {
        Some(work) => keep_working(&core, &post, work, index).await,
        None => begin_accepting(&core, &post, index).await,
    }
}

/// Opens what waits for nothing, before the start returns: whoever connects from then on is served,
/// even if the stop is the next that comes.
pub(crate) fn begin_at_once(core: &Arc<Core>) {
    for (index, post) in core.board.posts.iter().enumerate() {
        if post.work.is_none() && post.after.is_empty() {
            open_ports(core, index);
        }
    }
}

async fn begin_accepting(core: &Arc<Core>, post: &Post, index: usize) {
    let ports = open_ports(core, index);
    core.board.until(|| ports.iter().all(|port| port.accepts())).await;
    post.ready();
}

/// Accepts from all ports of a service, unless the server is about to stop. Doing it twice changes
/// nothing.
fn open_ports(core: &Arc<Core>, index: usize) -> Vec<Arc<Port>> {
    let ports = core.ports.lock().begin(index);
    ports.iter().for_each(|port| accept::open(core, port));
    ports
}

async fn keep_working(core: &Core, post: &Arc<Post>, work: &Work, index: usize) {
    let mut pause = core.config.restart_pause;
    while !post.trigger.requested() {
        let begun = Instant::now();
        let Err(reason) = work_once(core, post, work, index).await else {
            return post.ready();
        };
        if post.trigger.requested() {
            return;
        }
        if begun.elapsed() > core.config.restart_pause_most {
            pause = core.config.restart_pause;
        }
        post.failed(reason);
        tell(core, post, pause);
        let slept = either(tokio::time::sleep(pause), post.trigger.watch(0).wait()).await;
        if slept == Which::Second {
            return;
        }
        post.starting();
        pause = pause.saturating_mul(2).min(core.config.restart_pause_most);
    }
}

/// One life of the service; an error says why it died.
async fn work_once(core: &Core, post: &Arc<Post>, work: &Work, index: usize) -> Result<(), String> {
    let (work, context) = (work.clone(), Context { post: post.clone() });
    post.set_working(true);
    // Called inside the task, where a panic is contained.
    let task = core.runtime.spawn_background_on(index, async move { work(context).await });
    if !post.announces {
        post.ready();
    }
    let ended = task.await;
    post.set_working(false);
    ended.and_then(|ended| ended).map_err(|error| format!("{error:#}"))
}

fn tell(core: &Core, post: &Post, again_in: std::time::Duration) {
    let reason = post.last_failure().unwrap_or_default();
    let deaths = post.deaths.load(std::sync::atomic::Ordering::Relaxed);
    core.hooks.failure(&Failure { service: &post.name, reason: &reason, deaths, again_in });
}

/// Ends the background services, each before those it came after.
pub(crate) async fn end_all(core: &Core) {
    for index in core.order.iter().rev() {
        let post = &core.board.posts[*index];
        post.trigger.request();
        core.board.until(|| !post.working()).await;
    }
}
