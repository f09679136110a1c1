//! `[[route]]`.

use std::time::Duration;

use gorge::http::{Method, Status};
use gorge::protocols::IpNet;
use gorge::proxy::route::{HostPattern, PathPattern};

use super::upstream::RetryTable;
use crate::config::span::At;
use crate::config::table::{Table, table};
use crate::config::value::{
    ExactPath, FieldMatch, FieldTemplate, FieldText, FilePath, Frame, HeaderName, Name, Named, OneOrMany,
    Origin, PathText, Realm, RedirectTemplate, Secret, Size, Switch, Toggle, UserName,
};

table! {
    /// Which requests go where. Of all routes that take a request it is the one with the most specific
    /// host (exact, then the longest wildcard, then any), of those the one with the longest path, of
    /// those one that names methods, then the one that names most fields. A request that no route takes
    /// is answered with 404, one that only its method keeps out with 405.
    pub struct RouteTable {
        /// How logs, metrics and `--explain` call it.
        name: Option<Name> = unset("its number, from 1 on"), like "\"shop-api\"";
        /// The host: a name, `"*.shop.example"` for all below one, or a list.
        host: OneOrMany<HostPattern> = unset("any"), like "[\"shop.example\", \"*.shop.example\"]";
        /// The path and what lies below it: `"/api"` takes `/api` and `/api/x`, but not `/apix`. With
        /// `{ exact = "/x" }` that path alone.
        path: Option<PathTable> = unset("any"), like "\"/api/\"";
        /// The methods. GET includes HEAD.
        methods: Vec<At<Method>> = unset("any"), like "[\"GET\", \"POST\"]";
        /// Fields that the request must have: with this value, `true` with any, `false` not at all.
        headers: Named<HeaderName, FieldMatch> = {}, like "{ \"X-Beta\" = \"1\", \"X-Debug\" = true }";
        /// Pass the request on to this upstream.
        upstream: Option<At<Name>> = unset, like "\"app\"";
        /// Answer at once: a status, or a table.
        respond: Option<RespondTable> = unset, like "{ status = 200, text = \"ok\" }";
        /// Lead somewhere else: where to, or a table.
        redirect: Option<RedirectTable> = unset, like "\"https://$host$uri\"";
        /// Change the path before it is passed on.
        rewrite: Option<RewriteTable> = unset, like "{ prefix = \"/v2/\" }";
        /// Change fields of the request before it is passed on.
        request_headers: EditsTable = {}, like "{ set = { \"X-Client\" = \"$client_ip\" }, remove = [\"X-Debug\"] }";
        /// Change fields of the answer.
        response_headers: EditsTable = {}, like "{ remove = [\"Server\"] }";
        /// Until the head of the answer, all attempts together. Then the answer is 504.
        timeout: Option<Duration> = unset("none"), positive, like "\"10s\"";
        /// When a failed attempt is followed by another, instead of what the upstream says.
        retry: Option<RetryTable> = unset("the upstream's"), like "{ attempts = 1 }";
        /// WebSockets and other upgrades pass.
        websocket: bool = true;
        /// The body of a request, instead of what the listener says. More is answered with 413.
        body_size: Option<Size> = unset("the listener's"), like "\"1MiB\"";
        /// Who may ask: these networks and nobody else. Others are answered with 403.
        allow: Vec<At<IpNet>> = unset("everybody"), like "[\"10.0.0.0/8\"]";
        /// Who may not, even if `allow` says so.
        deny: Vec<At<IpNet>> = unset("nobody"), like "[\"10.1.0.0/16\"]";
        /// Who may ask, by name and password. Others are answered with 401.
        basic_auth: Option<BasicAuthTable> = unset, like "{ users = { alice = \"${file:alice.pw}\" } }";
        /// Fields that tell browsers to be careful: true, or a table.
        security_headers: Toggle<SecurityHeadersTable> = unset("off"), like "true";
        /// Which pages of other origins may ask: true for all, or a table.
        cors: Toggle<CorsTable> = unset("off"), like "{ origins = [\"https://a.example\"] }";
        /// Answer everything with 503 for a while: true, or a table.
        maintenance: Toggle<MaintenanceTable> = unset("off"), like "{ retry_after = \"10m\" }";
    }
}

table! {
    /// A path: one of the two.
    pub struct PathTable(short = prefix) {
        /// This path and what lies below it.
        prefix: Option<At<PathPattern>> = unset, like "\"/api/\"";
        /// This path alone.
        exact: Option<At<ExactPath>> = unset, like "\"/favicon.ico\"";
    }
}

table! {
    /// An answer of our own: a status, and at most one of `text`, `html`, `json` and `file`.
    pub struct RespondTable(short = status) {
        /// The status.
        status: Status = 200;
        /// A body of plain text.
        text: Option<String> = unset, like "\"ok\"";
        /// A body of HTML.
        html: Option<String> = unset, like "\"<h1>Soon</h1>\"";
        /// A body of JSON, as text.
        json: Option<String> = unset, like "'{\"up\": true}'";
        /// A file with the body, read when the configuration is; its type follows from its name.
        file: Option<At<FilePath>> = unset, like "\"soon.html\"";
        /// Further fields.
        headers: Named<HeaderName, FieldText> = {}, like "{ \"Cache-Control\" = \"no-store\" }";
    }
}

table! {
    /// Somewhere else.
    pub struct RedirectTable(short = to) {
        /// A URL or a path, in which `$host`, `$path`, `$query`, `$scheme` and `$uri` (path and query)
        /// stand for those of the request.
        to: RedirectTemplate = required, like "\"https://$host$uri\"";
        /// 301, 302, 303, 307 or 308. With the last two a browser repeats the request as it was.
        status: At<Status> = 308;
    }
}

table! {
    /// What the path becomes: one of the three.
    pub struct RewriteTable {
        /// This in the place of the route's path: with `path = "/api/"` and `"/v2/"` the request
        /// `/api/x` becomes `/v2/x`.
        prefix: Option<PathText> = unset, like "\"/v2/\"";
        /// This, whatever it was.
        path: Option<PathText> = unset, like "\"/index.html\"";
        /// True takes the route's path away: with `path = "/api/"` the request `/api/x` becomes `/x`.
        strip: bool = false;
    }
}

table! {
    /// Changes of fields, in this order: removed, set, added. In values `$client_ip`, `$host`,
    /// `$authority` (host with port), `$method`, `$path`, `$query`, `$uri` (path and query), `$scheme` and
    /// `$request_id` stand for those of the request, `$tls_version`, `$tls_sni`, `$tls_client_subject` and
    /// others for the TLS of its client, in answers `$status` too; `$$` is a dollar sign.
    pub struct EditsTable {
        /// In the place of whatever is there.
        set: Named<HeaderName, FieldTemplate> = {}, like "{ \"X-Client\" = \"$client_ip\" }";
        /// Beside whatever is there.
        add: Named<HeaderName, FieldTemplate> = {}, like "{ \"X-Seen-By\" = \"gorge\" }";
        /// Away.
        remove: Vec<At<HeaderName>> = [], like "[\"X-Debug\"]";
    }
}

table! {
    /// Who may ask, by name and password (RFC 7617).
    pub struct BasicAuthTable {
        /// What the browser shows when it asks for them.
        realm: Realm = "gorge", like "\"shop\"";
        /// Names and passwords. A password is given as it is, best by `${file:PATH}`, or as
        /// `"{SHA256}"` and its hash in hexadecimal.
        users: Named<UserName, Secret> = required, like "{ alice = \"${file:alice.pw}\" }";
    }
}

table! {
    /// Fields that tell browsers to be careful. Those that the upstream sends itself are kept.
    pub struct SecurityHeadersTable {
        /// `Content-Security-Policy`.
        csp: Option<FieldText> = unset("not sent"), like "\"default-src 'self'\"";
        /// `Strict-Transport-Security`, for so long; it takes effect only where the client uses https.
        hsts: Option<Duration> = unset("not sent"), like "\"365d\"";
        /// `X-Frame-Options`: `"DENY"` or `"SAMEORIGIN"`.
        frame: Frame = "DENY";
        /// `Referrer-Policy`.
        referrer: FieldText = "strict-origin-when-cross-origin";
    }
}

table! {
    /// Which pages of other origins may ask, and for what (the Fetch standard's CORS).
    pub struct CorsTable {
        /// Origins, as browsers write them; `"https://*.a.example"` all below one, `"*"` any.
        origins: Vec<At<Origin>> = ["*"], like "[\"https://a.example\"]";
        /// Methods beyond GET, HEAD and POST that pages may use.
        methods: Vec<At<Method>> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
        /// Fields that pages may send.
        headers: Vec<At<HeaderName>> = [], like "[\"Content-Type\", \"X-Token\"]";
        /// Fields of the answer that pages may see.
        expose: Vec<At<HeaderName>> = [], like "[\"X-Request-Id\"]";
        /// Pages may send cookies. Only with origins that are named.
        credentials: bool = false;
        /// How long a browser may remember this.
        max_age: Duration = "10m";
    }
}

table! {
    /// The answer while work is done: 503.
    pub struct MaintenanceTable {
        /// When to try again (`Retry-After`).
        retry_after: Option<Duration> = unset("in 5 minutes"), positive, like "\"10m\"";
        /// What to say.
        text: Option<String> = unset("the usual error page"), like "\"back at noon\"";
    }
}

/// Tables that `true` switches on.
macro_rules! switches {
    ($( $Table:ident ),*) => { $(
        impl Switch for $Table {
            fn table() -> &'static Table {
                Self::declaration()
            }
        }
    )* };
}

switches!(CorsTable, MaintenanceTable, SecurityHeadersTable);
